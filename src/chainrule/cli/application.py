"""The commands and their names; each is imported when it is called."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cyclopts import App

SUMMARY = "Every classic deep-learning system as software that works."
COMMANDS = {
    "list": "The recipes: what each is, and which data it runs on.",
    "train": "Trains a recipe, judges the result and keeps the model.",
    "resume": "Goes on with a run that was interrupted.",
    "evaluate": "Scores a run's model on its test split, or on a file of yours.",
    "predict": "Asks a run's model.",
    "data": "The data sets: list, get, show.",
    "doctor": "What this machine is, what it can do, and how fast.",
}
EXAMPLES = """\
chainrule train sentiment           with the recipe's own data and settings
chainrule train sentiment --help    every flag of a recipe
chainrule predict RUN 这本书很有趣    ask the model of a run"""


def application(arguments: list[str]) -> "App":
    """The program for one call.

    Args:
        arguments: of the call; `train` has the flags of the recipe that they name, and of no other.
    """
    from cyclopts import App

    from chainrule.cli.help import show_panel

    app = App(
        name="chainrule",
        help=SUMMARY,
        help_format="plaintext",
        help_formatter=show_panel,
        version=version,
    )
    words = [word for word in arguments if not word.startswith("-")]
    for place, (name, summary) in enumerate(COMMANDS.items()):
        if name == "train":
            train = App(name=name, help=summary)
            if words[:1] == [name]:
                from chainrule.cli import train as training

                train = training.application(arguments[arguments.index(name) + 1 :], summary)
            app.command(train, sort_key=place)
        else:
            app.command(f"chainrule.cli.commands:{name}", name=name, help=summary, sort_key=place)
    return app


def version() -> str:
    """The installed version."""
    from importlib import metadata

    return metadata.version("chainrule")
