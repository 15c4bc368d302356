"""How a help page looks: headings and aligned columns, without boxes, so that it can be searched."""

import inspect
import io
import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from chainrule.cli.application import REPEATED
from chainrule.cli.output import terminal_colours

if TYPE_CHECKING:
    from cyclopts.help import HelpPanel
    from rich.console import Console, ConsoleOptions, RenderableType
    from rich.text import Text


class Page:
    """Prints the parts of a help page; the methods are those that cyclopts calls."""

    def render_usage(
        self,
        console: "Console",
        options: "ConsoleOptions",  # noqa: ARG002
        usage: "Text | str | None",
    ) -> None:
        """Prints how the command is called."""
        told = str(usage)
        for name in told.split()[1:2]:
            told = told.replace("[ARGS...]", REPEATED.get(name, "[ARGS...]"))
        console.print(f"Usage: {told}", markup=False, highlight=False)

    def render_description(
        self,
        console: "Console",
        options: "ConsoleOptions",  # noqa: ARG002
        description: "RenderableType | None",
    ) -> None:
        """Prints what the command does."""
        if description:
            console.print(description)

    def __call__(self, console: "Console", options: "ConsoleOptions", panel: "HelpPanel") -> None:
        """Prints one group of commands or options."""
        from cyclopts.help import specs
        from rich.padding import Padding
        from rich.text import Text

        if not panel.entries:
            return
        build = specs.get_default_command_columns
        if panel.format == "parameter":
            build = specs.get_default_parameter_columns
        # The name and what it is; what is required says so there, and needs no column of its own.
        columns = build(console, options, panel.entries)[-2:]
        table = specs.TableSpec().build(columns, panel.entries)
        console.print(Text(f"{panel.title}:", style="bold"))
        console.print(specs.DefaultStyled(Padding(table, (0, 0, 1, 2), expand=False)))


def printed(show: Callable[..., object], bound: inspect.BoundArguments) -> str:
    """What --help or --version would print: no spaces at the ends of lines, one empty line in a row at most."""
    from rich.console import Console

    page = io.StringIO()
    bound.arguments["console"] = Console(file=page, force_terminal=terminal_colours())
    show(*bound.args, **bound.kwargs)
    lines = [line.rstrip() for line in page.getvalue().splitlines()]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip("\n") + "\n"
