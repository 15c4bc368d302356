"""Judging an agent by its walks through mazes."""

from functools import partial

import numpy as np
from jaxtyping import Float

from chainrule.environments.walks import Tasks, Walks, walk_along_the_wall, walk_at_random, walk_by_table
from chainrule.evaluation.judgement import Judgement, Mistake, Plot, Score
from chainrule.evaluation.maze_pictures import draw_values
from chainrule.evaluation.wording import figure_text
from chainrule.metrics import mean

METRIC = "solved"
MOST_MISTAKES = 10

Values = Float[np.ndarray, "mazes squares actions"]


def walk_figures(tasks: Tasks, walks: Walks) -> dict[str, float]:
    """Every figure of walks beside `solved`.

    `shortest` is the share of the mazes that were solved by a shortest way, `detour` how many times as long as that the
    ways were of those solved; 0 where none was.
    """
    least = tasks.shortest()
    by_shortest = walks.solved & (walks.steps == least)
    ratios = walks.steps[walks.solved] / np.maximum(least[walks.solved], 1)
    return {"shortest": float(by_shortest.mean()), "detour": float(ratios.mean()) if len(ratios) else 0.0}


def judge_walks(
    tasks: Tasks,
    values: Values,
    *,
    longest: int,
    larger: tuple[Tasks, Values] | None,
    larger_longest: int,
    perfect: bool,
) -> Judgement:
    """Judges by the share of mazes that are solved by always doing what is thought best.

    Args:
        tasks: mazes that nothing was learned from.
        values: what each action is thought to be worth there.
        longest: steps after which one gives up.
        larger: larger mazes, and the values there.
        larger_longest: steps after which one gives up in those.
        perfect: whether there is one way between any two squares.
    """
    walks = walk_by_table(tasks, values, longest=longest)
    plain = walk_at_random(tasks, longest=longest, seed=0)
    solved, solved_plain = (mean(each.solved.astype(np.float64)) for each in (walks, plain))
    figures = walk_figures(tasks, walks)
    notes = []
    if larger is not None:
        many, thought = larger
        further = walk_by_table(many, thought, longest=larger_longest)
        figures |= {"solved_larger": float(further.solved.mean())}
        figures |= {"shortest_larger": walk_figures(many, further)["shortest"]}
        rows, columns = (size // 2 for size in many.walls.shape[1:])
        notes.append(
            f"“larger” are {len(many.walls):,} mazes of {rows} x {columns} cells, of which none was learned from."
        )
    if perfect:
        notes.append(_of_the_wall(tasks, longest))
    shown = int(tasks.shortest().argmax())
    return Judgement(
        metric=METRIC,
        higher_is_better=True,
        limits=(0, 1),
        value=solved.value,
        interval=solved.interval(),
        examples=len(tasks.walls),
        unit="mazes" if len(tasks.walls) > 1 else "maze",
        baselines=(
            Score(
                name="random walk",
                value=solved_plain.value,
                interval=solved_plain.interval(),
                difference=(solved - solved_plain).interval(),
                figures=walk_figures(tasks, plain),
            ),
        ),
        figures=figures,
        extra={"shortest": figures["shortest"], "mazes": len(tasks.walls)},
        mistakes=_mistakes(tasks, walks),
        plots=(
            Plot(
                "values.png",
                partial(
                    draw_values,
                    tasks.walls[shown],
                    values[shown],
                    walks.squares[: walks.steps[shown] + 1, shown],
                    int(tasks.goals[shown]),
                    f"What the agent thinks of test maze {shown}",
                ),
            ),
        ),
        notes=tuple(notes),
    )


def _of_the_wall(tasks: Tasks, longest: int) -> str:
    walks = walk_along_the_wall(tasks, longest=longest)
    found = walk_figures(tasks, walks)
    return (
        f"Who always keeps a hand on the wall solves {figure_text(float(walks.solved.mean()))} of these mazes, "
        f"{figure_text(found['shortest'])} by a shortest way, in {figure_text(found['detour'])} times its steps on "
        "average; but that rule nobody told the agent."
    )


def _mistakes(tasks: Tasks, walks: Walks) -> tuple[Mistake, ...]:
    """Mazes that were not solved, the one with the nearest goal first."""
    least = tasks.shortest()
    missed = np.flatnonzero(~walks.solved)
    nearest = missed[np.argsort(least[missed], kind="stable")][:MOST_MISTAKES]
    return tuple(
        Mistake(index=int(maze), input=f"maze {maze}", truth=f"{least[maze]} steps", predicted="went round in circles")
        for maze in nearest
    )
