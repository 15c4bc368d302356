"""How a help page looks: headings and aligned columns, without boxes, so that it can be copied and searched."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cyclopts.help import HelpPanel
    from rich.console import Console, ConsoleOptions


def show_panel(console: "Console", options: "ConsoleOptions", panel: "HelpPanel") -> None:
    """Prints one group of commands or flags."""
    from cyclopts.help.specs import (
        DefaultStyled,
        TableSpec,
        get_default_command_columns,
        get_default_parameter_columns,
    )
    from rich.padding import Padding
    from rich.text import Text

    if not panel.entries:
        return
    columns = get_default_command_columns if panel.format == "command" else get_default_parameter_columns
    table = TableSpec().build(columns(console, options, panel.entries), panel.entries)
    console.print(Text(f"{panel.title}:", style="bold"))
    console.print(DefaultStyled(Padding(table, (0, 0, 1, 2), expand=False)))
