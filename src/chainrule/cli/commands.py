"""The commands: each asks `chainrule.api` and answers with what is printed on standard output."""

import io
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

from cyclopts import App, Parameter

from chainrule import api
from chainrule.cli import texts
from chainrule.cli.application import STANDARD_INPUT
from chainrule.cli.output import as_json, terminal_colours, terminal_width
from chainrule.errors import UsageError
from chainrule.training.options import DeviceName, PrecisionName

Json = Annotated[
    bool,
    Parameter(
        name="--json",
        negative=(),
        show_default=False,
        help="Print one JSON object on standard output, and nothing else there.",
    ),
]
Run = Annotated[Path, Parameter(help="Folder of the run, as train names it.")]
Device = Annotated[DeviceName, Parameter(help="Where to compute.")]
AS_TRAINED = " As in training where it is not given, or guessed."
DatasetName = Annotated[str, Parameter(help="Name of the data set, see chainrule data list.")]


def list_command(
    folder: Annotated[Path | None, Parameter(help="With --runs: below which the runs lie, otherwise runs.")] = None,
    /,
    *,
    runs: Annotated[
        bool,
        Parameter(negative=(), show_default=False, help="List runs instead, the best first, and where they differ."),
    ] = False,
    json: Json = False,
) -> str:
    """Lists the recipes, built in or installed; or the runs below a folder."""
    if runs:
        done = api.runs() if folder is None else api.runs(folder)
        return as_json({"runs": done}) if json else texts.runs(done)
    if folder is not None:
        raise UsageError(f"there is no place for {str(folder)!r}. `chainrule list --help` shows what there is.")
    found = api.recipes()
    return as_json({"recipes": found}) if json else texts.recipes(found)


def resume_command(run: Run, /, *, json: Json = False) -> str:
    """Goes on with a run from its newest whole checkpoint."""
    return of_report(api.resume(run, display=True), json=json)


def evaluate_command(
    run: Run,
    /,
    *,
    data: Annotated[
        Path | None,
        Parameter(help="File or folder of your own, with labels; otherwise the run's test split."),
    ] = None,
    text_column: Annotated[str | None, Parameter(help="Column of the texts." + AS_TRAINED)] = None,
    sequence_column: Annotated[str | None, Parameter(help="Column of the sequences." + AS_TRAINED)] = None,
    label_column: Annotated[str | None, Parameter(help="Column of the labels." + AS_TRAINED)] = None,
    target_column: Annotated[str | None, Parameter(help="Column of the numbers to predict." + AS_TRAINED)] = None,
    device: Device = "auto",
    precision: Annotated[
        PrecisionName, Parameter(help="Type of the products; auto is the one of the training.")
    ] = "auto",
    json: Json = False,
) -> str:
    """Scores a run's model."""
    report = api.evaluate(
        run,
        data=data,
        text_column=text_column,
        sequence_column=sequence_column,
        label_column=label_column,
        target_column=target_column,
        device=device,
        precision=precision,
    )
    return of_report(report, json=json)


def predict_command(
    run: Run,
    /,
    *inputs: Annotated[
        str,
        Parameter(
            name="INPUT",
            help="A text, the path of a picture, or a row of a table as a JSON object; of a model that makes pictures "
            "a seed or the name of a class; of a table of actions the number of a state; - takes the lines of standard "
            "input.",
        ),
    ],
    data: Annotated[Path | None, Parameter(help="File or folder with the inputs instead.")] = None,
    explain: Annotated[
        Path | None,
        Parameter(help="Folder for a PNG of each picture or text, and a page of a text: what the model goes by."),
    ] = None,
    output: Annotated[Path | None, Parameter(help="New folder for the pictures that a model makes.")] = None,
    device: Device = "auto",
    json: Json = False,
) -> str:
    """Asks a run's model, and prints one answer an input, in their order."""
    if not inputs and data is None:
        raise UsageError(
            "predict needs something to predict: give inputs after the run's folder, "
            "- to read them from standard input, or --data FILE."
        )
    given = list(from_standard_input(inputs))
    predictions = api.predict(run, given, data=data, explain=explain, device=device, output=output)
    if not json and predictions and "pixels" in predictions[0]:
        raise UsageError("this model makes pictures: name a new folder for them with --output, or ask for --json.")
    return as_json({"predictions": predictions}) if json else texts.predictions(predictions, given)


def from_standard_input(inputs: Iterable[str]) -> Iterator[str]:
    """The inputs, with the lines of standard input where it is named.

    Raises:
        UsageError: standard input is closed or not UTF-8.
    """
    for given in inputs:
        if given != STANDARD_INPUT:
            yield given
            continue
        if sys.stdin is None:
            raise UsageError("- was given for the lines of standard input, which is closed; give it something to read.")
        try:
            text = sys.stdin.buffer.read().decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise UsageError(
                f"standard input is not UTF-8 (byte {error.start} is {error.object[error.start]:#04x}); "
                "convert it, or give the file with --data, which detects encodings."
            ) from error
        yield from (line.rstrip("\n") for line in io.StringIO(text, newline=None))


def curves_command(
    *runs: Annotated[Path, Parameter(name="RUN", help="Folders of runs of one recipe and data set, finished or not.")],
    output: Annotated[Path, Parameter(help="The PNG to draw.")],
    figure: Annotated[
        str | None,
        Parameter(
            help="A figure on validation; otherwise the one the runs are selected by. Needed where they are by none."
        ),
    ] = None,
    json: Json = False,
) -> str:
    """Draws learning curves: runs that differ in the seed alone are one, with a band."""
    drawn = api.curves(runs, output=output, figure=figure)
    return as_json(drawn) if json else texts.curves(drawn)


def doctor_command(*, json: Json = False) -> str:
    """Tells what this machine is, what it can do and how fast, measuring for some ten seconds."""
    diagnosis = api.doctor()
    return as_json(diagnosis) if json else texts.diagnosis(diagnosis)


data_command = App(name="data")


@data_command.command(name="list", sort_key=0)
def list_datasets(*, json: Json = False) -> str:
    """List the data sets that go by a name."""
    found = api.datasets()
    return as_json({"datasets": found}) if json else texts.datasets(found)


@data_command.command(name="get", sort_key=1)
def get_dataset(name: DatasetName, /, *, json: Json = False) -> str:
    """Get a data set into the cache, convert it, and say what came of it."""
    found = api.show_dataset(name)
    return as_json(found) if json else texts.dataset(found)


@data_command.command(name="show", sort_key=2)
def show_dataset(name: DatasetName, /, *, json: Json = False) -> str:
    """Show what a data set holds, with examples, and what was left out."""
    found = api.show_dataset(name)
    return as_json(found) if json else f"{texts.dataset(found)}\n{texts.examples(found)}"


def of_report(report: Mapping[str, Any], *, json: bool) -> str:
    """A run's report as it is printed; nothing where another process has it."""
    if not report:
        return ""
    if json:
        return as_json(report)
    from chainrule.evaluation.text import render_text

    return render_text(report, width=terminal_width(), colour=terminal_colours())
