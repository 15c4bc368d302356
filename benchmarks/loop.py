"""What the loop costs over calling the learner's steps by hand: figures, journals, checkpoints and evaluation off."""

import tempfile
from pathlib import Path

from benchmarks.turns import in_turns, print_table
from chainrule import recipes
from chainrule.recipes.contract import Setting
from chainrule.recipes.settings import make
from chainrule.runtime.devices import resolve_compute
from chainrule.training.checkpoints import Checkpoints
from chainrule.training.journal import Journal
from chainrule.training.loop import Plan, Position, run_loop
from chainrule.training.stopping import StopRequest

STEPS = 200
NEVER = 10**9


def main() -> None:
    """Prints the cost for a network whose steps are short and one whose steps are long."""
    for recipe, dataset in (("mlp-regression", "bike-sharing"), ("image-cnn", "mnist-5k")):
        compute = resolve_compute(precision="fp32")
        setting = Setting(seed=0, steps=STEPS, compute=compute, dataset=dataset, data=None)
        with compute.active(), tempfile.TemporaryDirectory() as folder:
            learner = make(recipes.find(recipe), {}).build(setting).learner
            # One evaluation comes at the end whatever the plan says; it is no part of the steps.
            learner.evaluate = dict  # type: ignore[method-assign]
            plan = Plan(
                seed=0,
                steps=STEPS,
                log_every=10,
                evaluate_every=NEVER,
                checkpoint_every=NEVER,
                patience=None,
                selection=None,
            )

            def by_hand(learner=learner) -> None:
                for index in range(STEPS):
                    learner.step(index)

            def by_the_loop(learner=learner, plan=plan, folder=Path(folder)) -> None:
                run_loop(
                    learner,
                    plan,
                    Position(),
                    checkpoints=Checkpoints(folder / "checkpoints", keep=1),
                    metrics=Journal(folder / "metrics.jsonl"),
                    timings=Journal(folder / "timings.jsonl"),
                    stop=StopRequest(),
                )

            print(f"\n{recipe} on {dataset}, {STEPS} steps, {compute.threads} threads")
            print_table(in_turns({"by hand": by_hand, "by the loop": by_the_loop}))


if __name__ == "__main__":
    main()
