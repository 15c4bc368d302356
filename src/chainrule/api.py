"""One typed function a verb: what Python users call and the command line wraps."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chainrule import recipes as recipe_table
from chainrule.errors import OptionError, UnknownNameError
from chainrule.recipes.settings import make, setting_fields
from chainrule.training.options import DeviceName, PrecisionName, RunOptions

if TYPE_CHECKING:
    from chainrule.inference.predictor import Predictor
    from chainrule.recipes.comparing import Precision as LockstepPrecision
    from chainrule.recipes.contract import Recipe

Report = dict[str, Any]


def train(recipe: str, **settings: Any) -> Report:
    """Trains a recipe and judges the result.

    Args:
        recipe: its name, see `recipes()`.
        settings: any field of `RunOptions` or of the recipe, by name: `seed=1`, `hidden_size=256`.

    Returns:
        The report, as `report.json` in the folder of the run holds it; started by torchrun in several processes,
        the first alone has it, and the others get an empty one.

    Raises:
        UnknownNameError: no such recipe, or no such setting.
        ChainruleError: whatever keeps the run from its end, in one sentence.
    """
    kind = recipe_table.find(recipe)
    common, own = setting_fields(RunOptions), setting_fields(kind)
    if unknown := [name for name in settings if name not in common.keys() | own.keys()]:
        raise UnknownNameError(f"setting of {recipe}", unknown[0], [*common, *own])
    options = make(RunOptions, {name: settings[name] for name in settings if name in common})
    return run(make(kind, {name: settings[name] for name in settings if name in own}), options)


def run(recipe: "Recipe", options: RunOptions, *, display: bool = False) -> Report:
    """Trains a recipe that is made already; otherwise as `train`.

    Args:
        recipe: an instance, with its fields set.
        options: the run's own options.
        display: whether progress is shown on standard error.
    """
    from chainrule.recipes.running import start

    return start(recipe, options, display=display)


def resume(run: Path | str, *, display: bool = False) -> Report:
    """Goes on with a run from its newest whole checkpoint, bit for bit, and judges the result.

    Args:
        run: the folder of the run.
        display: whether progress is shown on standard error.

    Raises:
        ResumeError: it cannot go on here: other data, another format, no such device.
        CheckpointError: none of its checkpoints is whole.
    """
    from chainrule.recipes.running import go_on

    return go_on(Path(run), display=display)


def evaluate(
    run: Path | str,
    *,
    data: Path | str | None = None,
    text_column: str | None = None,
    sequence_column: str | None = None,
    label_column: str | None = None,
    target_column: str | None = None,
    device: DeviceName = "auto",
    precision: PrecisionName = "auto",
) -> Report:
    """Scores the model of a finished run again, or on examples of your own.

    Args:
        run: the folder of the run.
        data: a file or folder with labels, all of whose rows that can be read are scored; the run's test split
            where None.
        text_column: of the file, that of the texts; as in training where None, or guessed.
        sequence_column: that of the sequences, likewise.
        label_column: that of the classes, likewise.
        target_column: that of the numbers to predict, likewise.
        device: where to compute.
        precision: as in training where `auto`.

    Raises:
        OptionError: a column was named without a file, or one of which the run has no use.
        DataError: the file cannot be scored, or the test split is not that of the data the model learned from.
    """
    from chainrule.data.opening import refuse_columns
    from chainrule.recipes.contract import ScoredFile
    from chainrule.recipes.evaluating import judge_again

    named = {
        "text_column": text_column,
        "sequence_column": sequence_column,
        "label_column": label_column,
        "target_column": target_column,
    }
    columns = {name: column for name, column in named.items() if column is not None}
    if data is None:
        refuse_columns(columns)
    rows = None if data is None else ScoredFile(path=Path(data), columns=columns)
    return judge_again(Path(run), rows, device=device, precision=precision)


def load(folder: Path | str, *, device: DeviceName = "auto") -> "Predictor":
    """The model of a run, ready to answer: `chainrule.load(folder).predict([...])`.

    Args:
        folder: the folder of a run, or a model folder itself.
        device: where to compute.

    Raises:
        ModelFolderError: there is no model, or it is damaged.
    """
    from chainrule.inference.predictor import load_predictor
    from chainrule.runtime.devices import resolve_compute

    folder = Path(folder)
    inside = folder / "model"
    return load_predictor(inside if inside.is_dir() else folder, resolve_compute(device, "fp32"))


def predict(
    run: Path | str,
    inputs: Sequence[Any] = (),
    *,
    data: Path | str | None = None,
    explain: Path | str | None = None,
    device: DeviceName = "auto",
    output: Path | str | None = None,
) -> list[dict[str, Any]]:
    """Answers of a run's model, one an input, in their order.

    Args:
        run: the folder of a run, or a model folder.
        inputs: texts, paths of pictures, or rows of a table (mappings, or JSON objects as text); of a model that
            makes pictures seeds, or names of classes; of a table of actions numbers of states.
        data: a file or folder with the inputs instead.
        explain: a folder, new or empty, for a PNG an input, and a page an input that is a text, of what the model goes
            by; for classifiers of pictures, and for those of texts that have attention.
        device: where to compute.
        output: a folder, new or empty, for the pictures that a model makes: its answers then name files instead of
            `pixels`.

    Raises:
        OptionError: inputs were given twice, what is to be explained is no classifier of pictures or texts, a folder
            for the answers holds something, or one was given for the pictures of a model that makes none.
        ModelFolderError: the model has nothing to explain by.
        ChainruleError: the model or an input cannot be read.
    """
    if inputs and data is not None:
        raise OptionError("inputs and --data were both given; give the inputs themselves or their file.")
    predictor = load(run, device=device)
    if output is not None:
        from chainrule.inference.picture_files import require_pictures

        require_pictures(predictor, Path(output))
    if explain is not None:
        from chainrule.evaluation.explaining import require_explainable, write_explanations

        require_explainable(predictor, Path(explain))
    given = list(predictor.read_inputs(Path(data))) if data is not None else inputs
    predictions = predictor.predict(given)
    if explain is not None:
        write_explanations(predictor, given, Path(explain))
    if output is None:
        return predictions
    from chainrule.inference.picture_files import write_pictures

    return write_pictures(predictions, Path(output))


def compare_gradients(
    recipe: str,
    *,
    dataset: str | None = None,
    data: Path | str | None = None,
    seed: int = 0,
    precision: "LockstepPrecision" = "fp64",
    batch_size: int = 16,
    **settings: Any,
) -> dict[str, Any]:
    """Compares a recipe's network on our autograd with the same one in torch, layer by layer, on a real batch.

    Both have the same weights; what draws at random, dropout and noise, is off. Whoever wrote a gradient rule of their
    own finds its error so.

    Args:
        recipe: its name; its network must have a twin.
        dataset: a named data set; the recipe's own where None.
        data: a file or folder of your own instead.
        seed: draws the weights and chooses the batch, ≥ 0.
        precision: `fp64` shows the smallest error, `fp32` is what training computes in.
        batch_size: examples of the batch, ≥ 1.
        settings: any other field of the recipe, by name.

    Returns:
        `recipe`, `data`, `seed`, `examples`, `precision`, `tolerance`; `layers`, in the order of computing, each with
        `layer`, `kind`, `shape` and how far we are from torch in its `value`, in the `gradient` by that, in the
        gradient it has `passed_back` to its input and in those by its `parameters`: {`absolute`, `relative`, `agrees`},
        or None; `agrees`; and `fault`, None or the first divergence: `layer`, `what`, `sentence`.

    Raises:
        UsageError: the recipe's network has no twin.
    """
    from chainrule.recipes.comparing import compare
    from chainrule.recipes.record import setting_of
    from chainrule.runtime.devices import resolve_compute

    kind = recipe_table.find(recipe)
    if precision not in {"fp32", "fp64"}:
        raise OptionError(f"--precision is {precision}; it must be fp32 or fp64.")
    options = RunOptions(dataset=dataset, data=None if data is None else Path(data), seed=seed)
    if "batch_size" in setting_fields(kind):  # where not, there is no batch, and no twin
        settings["batch_size"] = batch_size
    made = make(kind, settings)
    compute = resolve_compute("cpu", "fp32")
    with compute.active():
        return compare(made, setting_of(made, options, compute), precision)


def recipes() -> list[dict[str, str]]:
    """Every recipe: name, one line, and the data set it runs on by default."""
    return [
        {"recipe": name, "summary": entry.summary, "data": entry.data} for name, entry in recipe_table.table().items()
    ]


def runs(folder: Path | str = "runs") -> list[dict[str, Any]]:
    """The runs below a folder, by recipe, data set and metric, the best first.

    Args:
        folder: where they lie.

    Returns:
        For each what `chainrule list --runs --json` holds: `run`, `recipe`, `dataset`, `metric`, `value`, `interval`,
        `steps`, `seconds`, `finished`, and `settings`, those in which the runs of its recipe differ.

    Raises:
        OptionError: there is no such folder.
    """
    from chainrule.recipes.runs import list_runs

    return list_runs(Path(folder))


def curves(runs: Sequence[Path | str], *, output: Path | str, figure: str | None = None) -> dict[str, Any]:
    """Draws the learning curves of runs in one picture, with bands over seeds.

    Runs that differ in nothing but the seed are one curve: their mean at each step that all of them were evaluated
    at, with a band from the lowest to the highest.

    Args:
        runs: their folders, finished or not; all of one recipe and one data set.
        output: the PNG; one that is there is replaced.
        figure: a figure on validation in `metrics.jsonl`; None: the one they are selected by.

    Returns:
        `recipe`, `dataset`, `figure`, `output`, and `groups`, a curve each: `settings`, those in which the curves
        differ; `name`, the same as flags on one line; `runs`, its folders; `steps`, and at each of them `mean`,
        `lowest` and `highest`.

    Raises:
        OptionError: the runs cannot be compared, have no such figure, or are of more settings than can be told apart.
        ResumeError: a folder holds no run, or a damaged one.
        StorageError: the picture cannot be written.
    """
    if isinstance(runs, str | Path):
        raise OptionError("a single run was given; give a list of runs, also where it is one.")
    from chainrule.recipes.curves import write_curves

    return write_curves([Path(run) for run in runs], Path(output), figure)


def doctor() -> dict[str, Any]:
    """What this machine is and how fast it multiplies in each data type."""
    from chainrule.runtime.doctor import diagnose

    return diagnose()


def datasets() -> list[dict[str, Any]]:
    """Every named data set: kind, content, licence, and whether it lies in the cache."""
    from chainrule.data.summaries import list_data_sets

    return list_data_sets()


def show_dataset(name: str) -> dict[str, Any]:
    """What a named data set holds: counts, classes, examples, licence, what was left out and why.

    It is fetched and converted where that has not been done.
    """
    from chainrule.data.summaries import show

    return show(name)
