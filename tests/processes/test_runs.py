"""Whole runs in several processes: the same curve as in one, the same bytes again, stopped, killed and resumed."""

import functools
import json
import signal

import pytest

from tests.crash.small_runs import recipe_in
from tests.crash.test_crash_points import promised
from tests.processes.crew import Crew, in_processes
from tests.processes.jobs import (
    NO_NOISE,
    assert_same_curve,
    assert_same_weights,
    checkpoints,
    lines,
    train_or_resume,
)
from tests.recipes.own_tables import classified

RECIPES = (
    "image-cnn",
    "sequence-lstm",
    "sentiment",
    "attention-text",
    "transformer-text",
    "bert-classify",
    "mlp-classification",
    "image-cnn, fast",
)
DIVIDED = RECIPES[:-1]  # Muon needs whole kernels
STEPS = 24
TOLD_ELSEWHERE = ("ToldByAnother", "another process of this run says what went wrong.", False)
LOST = (
    "ProcessLostError",
    (
        "a process of this run has ended or cannot be reached, so the others end too; every checkpoint that is "
        "written is whole, and `chainrule resume`, started in as many processes, goes on from the newest."
    ),
    True,
)


@pytest.fixture(scope="module")
def settings(small_settings):
    """Recipe → settings of a run without random draws, all of whose steps are written down."""
    from chainrule import recipes
    from chainrule.recipes.settings import setting_fields

    changed = {"steps": STEPS, "log_every": 1, "evaluate_every": 6, "checkpoint_every": 5, "precision": "fp32"}
    return {
        name: {
            **small_settings[name],
            **changed,
            **{
                field: value
                for field, value in NO_NOISE.items()
                if field in setting_fields(recipes.find(recipe_in(name)))
            },
        }
        for name in RECIPES
    }


@pytest.fixture(scope="module")
def run(tmp_path_factory, settings):
    """`run("image-cnn", 2)` is the folder of a whole run in two processes; tests leave it as it is."""

    @functools.cache
    def finished(recipe, count, *, again=False, **changes):
        output = tmp_path_factory.mktemp("whole") / "run"
        first, *others = in_processes(count, train_or_resume, recipe_in(recipe), settings[recipe] | changes, output)
        assert first == json.loads((output / "report.json").read_text())
        assert others == [{}] * (count - 1)
        return output

    return finished


@pytest.mark.parametrize("recipe", RECIPES)
def test_two_processes_learn_as_one_does(recipe, run):
    one, two = run(recipe, 1), run(recipe, 2)
    assert len(lines(one)) == STEPS + 4
    assert_same_curve(two, one)
    assert_same_weights(two, one)
    reports = [json.loads((folder / "report.json").read_text()) for folder in (one, two)]
    assert reports[0]["value"] == pytest.approx(reports[1]["value"], abs=0.01)
    records = [json.loads((folder / "run.json").read_text()) for folder in (one, two)]
    assert [record["compute"]["processes"] for record in records] == [1, 2]
    launched = [record["command"].split("chainrule")[0] for record in records]
    assert launched == ["", "torchrun --nproc-per-node 2 -m "]
    assert "\ntorchrun --nproc-per-node 2 -m chainrule train" in (two / "model/README.md").read_text()
    assert sorted(path.name for path in two.iterdir()) == sorted(path.name for path in one.iterdir())


def test_a_batch_smaller_than_the_processes_is_done_whole(run, settings):
    recipe = "mlp-classification"
    examples = json.loads((run(recipe, 1) / "run.json").read_text())["data"]["splits"]["train"]
    size = next(size for size in range(20, examples) if examples % size in {1, 2})
    one, three = (run(recipe, count, batch_size=size, steps=2 + examples // size) for count in (1, 3))
    assert_same_curve(three, one)
    assert_same_weights(three, one)


def test_accumulated_parts_are_shared_too(run):
    one, two = (run("sequence-lstm", count, accumulate=3) for count in (1, 2))
    assert_same_curve(two, one)
    assert_same_weights(two, one)


def test_two_runs_of_two_processes_have_the_same_bytes(run):
    noisy = {"dropout": 0.3, "seed": 5}
    assert promised(run("image-cnn", 2, **noisy)) == promised(run("image-cnn", 2, again=True, **noisy))


@pytest.mark.parametrize("shard", [False, True], ids=["replicas", "shards"])
def test_one_killed_ends_all_and_the_run_goes_on_from_its_checkpoint(run, settings, tmp_path, shard):
    recipe, output = "image-cnn", tmp_path / "run"
    changed = settings[recipe] | {"shard": shard, "dropout": 0.3}
    crew = Crew(2, train_or_resume, recipe, changed, output, 17, signal.SIGKILL)
    assert crew.wait(1) == ("killed", -signal.SIGKILL)
    assert crew.wait(0) == ("value", LOST)
    assert checkpoints(output)[-1] == 15
    in_processes(2, train_or_resume, recipe, changed, output)
    assert promised(output) == promised(run(recipe, 2, shard=shard, dropout=0.3))


def test_a_run_of_two_that_was_killed_goes_on_in_one(run, settings, tmp_path):
    recipe, output = "sequence-lstm", tmp_path / "run"
    crew = Crew(2, train_or_resume, recipe, settings[recipe], output, 17, signal.SIGKILL, (0,))
    assert crew.wait(0) == ("killed", -signal.SIGKILL)
    assert crew.wait(1) == ("value", LOST)
    in_processes(1, train_or_resume, recipe, settings[recipe], output)
    assert_same_curve(output, run(recipe, 1))
    assert_same_weights(output, run(recipe, 1))


@pytest.mark.parametrize("ranks", [(0,), (1,), (0, 1)])
def test_a_signal_to_any_stops_all_after_the_same_step(ranks, settings, run, tmp_path):
    recipe, output = "image-cnn", tmp_path / "run"
    outcomes = in_processes(2, train_or_resume, recipe, settings[recipe], output, 7, signal.SIGTERM, ranks)
    sentence = f"stopped by SIGTERM after step 8 of {STEPS}; a checkpoint is written."
    assert outcomes == [("Interrupted", sentence, True), TOLD_ELSEWHERE]
    assert checkpoints(output)[-1] == 8
    if ranks == (1,):
        in_processes(2, train_or_resume, recipe, settings[recipe], output)
        assert promised(output) == promised(run(recipe, 2))


@pytest.mark.parametrize("shard", [False, True], ids=["replicas", "shards"])
@pytest.mark.parametrize("recipe", ["image-cnn", "bert-classify"])
def test_from_one_process_to_two_and_back(recipe, shard, settings, run, tmp_path):
    """A run that is to be divided begins so, since one process has nobody to divide with; it goes on whole."""
    output = tmp_path / "run"
    counts = (2, 1, 2) if shard else (1, 2, 1)
    changed = settings[recipe] | {"shard": shard}
    for count, at in zip(counts, (6, 13, None), strict=True):
        outcomes = in_processes(count, train_or_resume, recipe, changed, output, at, signal.SIGTERM, (count - 1,))
        if at is not None:
            assert outcomes[0][0] == "Interrupted"
            assert checkpoints(output)[-1] == at + 1
    assert_same_curve(output, run(recipe, 1))
    assert_same_weights(output, run(recipe, 1))


@pytest.mark.parametrize("recipe", DIVIDED)
def test_a_divided_model_learns_as_a_whole_one(recipe, run):
    one, two = run(recipe, 1), run(recipe, 2, shard=True)
    assert_same_curve(two, one)
    assert_same_weights(two, one)
    configurations = [(folder / "model/config.json").read_text() for folder in (one, two)]
    assert configurations[0] == configurations[1]


def failed(settings, output, data):
    """Trains on a file of one's own for each process."""
    import os

    rank = int(os.environ.get("RANK", "0"))
    return train_or_resume("mlp-classification", {**settings, "data": data[rank]}, output)


def test_what_is_wrong_is_told_once(settings, tmp_path):
    quick = {name: value for name, value in settings["mlp-classification"].items() if name != "dataset"}
    right, other = classified(tmp_path / "right.csv"), classified(tmp_path / "other.csv", rows=201)
    missing = tmp_path / "missing.csv"
    nowhere = ("FileFormatError", f"there is nothing at {missing}; give the path of your data.", True)
    assert in_processes(2, failed, quick, tmp_path / "run", [missing, missing]) == [nowhere, TOLD_ELSEWHERE]
    assert in_processes(2, failed, quick, tmp_path / "run", [right, missing]) == [TOLD_ELSEWHERE, nowhere]
    differing = (
        "DataError",
        "process 1 reads other data than the first one (their SHA-256 differ); put the same files on every machine.",
        True,
    )
    assert in_processes(2, failed, quick, tmp_path / "run", [right, other]) == [differing, TOLD_ELSEWHERE]
    assert not (tmp_path / "run").exists()


def test_a_folder_that_is_taken_is_told_once(settings, tmp_path):
    (tmp_path / "something").touch()
    outcomes = in_processes(2, train_or_resume, "image-cnn", settings["image-cnn"], tmp_path)
    sentence = f"--output {tmp_path} is not empty; give a new folder, or go on with `chainrule resume {tmp_path}`."
    assert outcomes == [("OutputFolderError", sentence, True), TOLD_ELSEWHERE]


def test_one_process_has_nobody_to_divide_a_model_with(settings, tmp_path):
    outcome = train_or_resume("image-cnn", settings["image-cnn"] | {"shard": True}, tmp_path / "run")
    assert outcome == (
        "OptionError",
        (
            "--shard divides the model among several processes, and there is one; start them with "
            "torchrun --nproc-per-node COUNT -m chainrule train image-cnn --shard …"
        ),
        False,
    )
    assert not (tmp_path / "run").exists()


def learns_alone(settings, output):
    from dataclasses import replace

    from chainrule.recipes.mlp_classification import MlpClassification
    from chainrule.runtime.processes import ALONE

    build = MlpClassification.build
    MlpClassification.build = lambda recipe, setting: replace(build(recipe, setting), processes=ALONE)
    return train_or_resume("mlp-classification", settings, output)


def test_a_learner_that_does_not_share_is_refused(settings, tmp_path):
    outcomes = in_processes(2, learns_alone, settings["mlp-classification"], tmp_path / "run")
    sentence = "mlp-classification learns in one process, and 2 were started; start it without torchrun."
    assert outcomes == [("OptionError", sentence, True), TOLD_ELSEWHERE]
