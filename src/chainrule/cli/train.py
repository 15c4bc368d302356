"""`chainrule train RECIPE`: its flags are the fields of the run's options and of the recipe's dataclass."""

import dataclasses
import inspect
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Annotated, Any

import docstring_parser
from cyclopts import App, Group, Parameter

from chainrule import api, recipes
from chainrule.cli.commands import Json, of_report
from chainrule.errors import UsageError
from chainrule.recipes.settings import make, setting_fields, setting_types
from chainrule.training.options import RunOptions

if TYPE_CHECKING:
    from chainrule.recipes.contract import Recipe

RUN = Group("Run", sort_key=1)
OWN = Group("Model and training", sort_key=2)


def application(tokens: list[str], summary: str) -> App:
    """The command for one call: of the recipes only the one that is called is imported.

    Args:
        tokens: of the call, after `train`.
        summary: of the command.
    """
    app = App(name="train", help=summary)
    if tokens and not tokens[0].startswith("-"):
        recipe = recipes.find(tokens[0])
        app.command(command(recipe), name=tokens[0], help=description(recipe))
        return app
    app.usage = "chainrule train RECIPE [OPTIONS]"
    app.group_commands = Group("Recipes")
    app.help_epilogue = "chainrule train RECIPE --help shows the options of a recipe."
    for name, entry in recipes.table().items():
        app.command(App(name=name, help=entry.summary))
    app.default(without_recipe)
    return app


def without_recipe(*words: Annotated[str, Parameter(allow_leading_hyphen=True, show=False)]) -> str:  # noqa: ARG001
    """Answers a call in which no recipe follows `train`."""
    raise UsageError(
        "train needs a recipe's name before all options: chainrule train RECIPE [OPTIONS]; "
        "`chainrule list` shows the recipes."
    )


def description(recipe: "type[Recipe]") -> str:
    """The recipe's docstring, or its summary where nobody wrote one and `dataclass` made one up."""
    text = inspect.getdoc(recipe) or ""
    return recipe.summary if not text or text.startswith(f"{recipe.__name__}(") else text


def command(recipe: "type[Recipe]") -> Callable[..., str]:
    """The function behind `chainrule train RECIPE`, with a keyword for every flag."""
    common, own = setting_fields(RunOptions), setting_fields(recipe)
    if twice := {*common, "json"} & own.keys():
        raise UsageError(
            f"the recipe {recipe.name} has a field {min(twice)!r}, and so has every run; rename the recipe's."
        )

    def train(*, json: bool = False, **given: Any) -> str:
        options = make(RunOptions, {name: value for name, value in given.items() if name in common})
        chosen = make(recipe, {name: value for name, value in given.items() if name in own})
        return of_report(api.run(chosen, options, display=True), json=json)

    json_flag = keyword("json", Annotated[Json, Parameter(group=RUN)], default=False)
    flags = [*keywords(RunOptions, RUN), json_flag, *keywords(recipe, OWN)]
    train.__signature__ = inspect.Signature(flags)  # type: ignore[attr-defined]
    train.__annotations__ = {flag.name: flag.annotation for flag in flags}
    return train


def keyword(name: str, annotation: Any, *, default: Any) -> inspect.Parameter:
    """A parameter that is given by name, and that must be given where the default is MISSING."""
    if default is dataclasses.MISSING:
        default = inspect.Parameter.empty
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


def keywords(kind: type[Any], group: Group) -> Iterator[inspect.Parameter]:
    """A keyword for every field of a dataclass, and of the groups it holds, with type, default and help."""
    types = setting_types(kind)
    helps: dict[str, str] = {}
    defaults = [field.default for field in dataclasses.fields(kind)]
    for owner in (kind, *(type(default) for default in defaults if dataclasses.is_dataclass(default))):
        documented = docstring_parser.parse_from_object(owner).params
        helps |= {entry.arg_name: (entry.description or "").replace("`", "") for entry in documented}
    for name, field in setting_fields(kind).items():
        parameter = Parameter(
            group=group,
            help=helps.get(name, ""),
            negative_iterable=(),
            consume_multiple=True,  # --columns a b c
            show_default=False if field.default == () else None,  # None: as for all others
        )
        made = field.default_factory
        default = field.default if made is dataclasses.MISSING else made()
        yield keyword(name, Annotated[types[name], parameter], default=default)
