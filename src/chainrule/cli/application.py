"""The commands and their names; each is imported when it is called."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cyclopts import App

STANDARD_INPUT = "\0"  # which no argument of a process can hold
SUMMARY = "Every classic deep-learning system as software that works."
COMMANDS = {
    "list": "List the recipes, or with --runs the runs, the best first.",
    "train": "Train a recipe, judge the result and keep the model.",
    "resume": "Go on with a run that was interrupted.",
    "evaluate": "Score a model on its test split, or on a file of yours.",
    "predict": "Ask a model; print one answer an input, in their order.",
    "curves": "Draw the learning curves of runs, with bands over seeds.",
    "compare-gradients": "Compare our autograd with torch, layer by layer.",
    "data": "List, get and show data sets.",
    "doctor": "Tell what this machine is, what it can do and how fast.",
}
REPEATED = {"predict": "[INPUT...]", "curves": "RUN..."}
"""What a command takes any number of, as its usage names it."""
OF_A_RECIPE = ("train", "compare-gradients")


def application(arguments: list[str]) -> "App":
    """The program for one call.

    Args:
        arguments: of the call; what takes a recipe has the flags of the one that they name, and of no other.
    """
    from cyclopts import App, Group

    from chainrule.cli.help import Page

    app = App(
        name="chainrule",
        help=SUMMARY,
        help_format="plaintext",
        help_formatter=Page(),
        group_parameters=Group("Options"),
        version=version,
    )
    words = [word for word in arguments if not word.startswith("-")]
    for place, (name, summary) in enumerate(COMMANDS.items()):
        if name in OF_A_RECIPE:
            command = App(name=name, help=summary)
            if words[:1] == [name]:
                from chainrule.cli import train

                command = train.application(name, arguments[arguments.index(name) + 1 :], summary)
            command.sort_key = place
            app.command(command)
        else:
            # By its place and not itself, so that it is imported when it is called.
            app.command(f"chainrule.cli.commands:{name}_command", name=name, help=summary, sort_key=place)
    return app


def tokens(arguments: list[str]) -> list[str]:
    """The arguments as cyclopts is to read them, which takes a lone - for an option without a name."""
    if arguments[:1] != ["predict"]:
        return arguments
    end = arguments.index("--") if "--" in arguments else len(arguments)
    return [STANDARD_INPUT if word == "-" else word for word in arguments[:end]] + arguments[end:]


def version() -> str:
    """The installed version."""
    from importlib import metadata

    return metadata.version("chainrule")
