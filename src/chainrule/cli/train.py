"""`chainrule train RECIPE` and what else is done with a recipe: their flags are the fields of its dataclass."""

import dataclasses
import inspect
import sys
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Annotated, Any, Literal

import docstring_parser
from cyclopts import App, CoercionError, Group, Parameter, Token, convert

from chainrule import api, recipes
from chainrule.cli import texts
from chainrule.cli.commands import Json, of_report
from chainrule.cli.output import CheckFailedError, as_json, terminal_colours
from chainrule.errors import UsageError
from chainrule.recipes.settings import make, setting_fields, setting_types
from chainrule.training.options import RunOptions

if TYPE_CHECKING:
    from chainrule.recipes.contract import Recipe

RUN = Group("Run", sort_key=1)
OWN = Group("Model and training", sort_key=2)


def application(verb: str, tokens: list[str], summary: str) -> App:
    """The command for one call: of the recipes only the one that is called is imported.

    Args:
        verb: a key of `COMMANDS`.
        tokens: of the call, after the verb.
        summary: of the command.
    """
    app = App(name=verb, help=summary)
    if tokens and not tokens[0].startswith("-"):
        recipe = recipes.find(tokens[0])
        app.command(COMMANDS[verb](recipe), name=tokens[0], help=description(recipe))
        return app
    app.usage = f"chainrule {verb} RECIPE [OPTIONS]"
    app.group_commands = Group("Recipes")
    app.help_epilogue = f"chainrule {verb} RECIPE --help shows the options of a recipe."
    for name, entry in recipes.table().items():
        app.command(App(name=name, help=entry.summary))

    def without_recipe(*words: Annotated[str, Parameter(allow_leading_hyphen=True, show=False)]) -> str:  # noqa: ARG001
        raise UsageError(
            f"{verb} needs a recipe's name before all options: chainrule {verb} RECIPE [OPTIONS]; "
            "`chainrule list` shows the recipes."
        )

    app.default(without_recipe)
    return app


def description(recipe: "type[Recipe]") -> str:
    """The recipe's docstring, or its summary where nobody wrote one and `dataclass` made one up."""
    text = inspect.getdoc(recipe) or ""
    return recipe.summary if not text or text.startswith(f"{recipe.__name__}(") else text


def training(recipe: "type[Recipe]") -> Callable[..., str]:
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

    return with_flags(train, [*keywords(RunOptions, RUN), JSON_FLAG, *keywords(recipe, OWN)])


def comparing(recipe: "type[Recipe]") -> Callable[..., str]:
    """The function behind `chainrule compare-gradients RECIPE`, with a keyword for every flag."""

    def compare(*, json: bool = False, **given: Any) -> str:
        found = api.compare_gradients(recipe.name, **given)
        text = as_json(found) if json else texts.comparison(found, colour=terminal_colours())
        if not found["agrees"]:
            raise CheckFailedError(text, found["fault"]["sentence"])
        return text

    common = [flag for flag in keywords(RunOptions, RUN) if flag.name in {"dataset", "data", "seed"}]
    precision = Parameter(group=RUN, help="What both compute in: fp64 shows the smallest error.")
    examples = Parameter(group=RUN, help="Examples of the batch, ≥ 1.", converter=reading(int))
    own = [
        keyword("precision", Annotated[Literal["fp32", "fp64"], precision], default="fp64"),
        keyword("batch_size", Annotated[int, examples], default=16),
    ]
    others = [flag for flag in keywords(recipe, OWN) if flag.name != "batch_size"]
    return with_flags(compare, [*common, *own, JSON_FLAG, *others])


COMMANDS = {"train": training, "compare-gradients": comparing}
"""What is done with a recipe: its class → the function behind the command."""


def with_flags(function: Callable[..., str], flags: list[inspect.Parameter]) -> Callable[..., str]:
    """The function, told to have these keywords."""
    function.__signature__ = inspect.Signature(flags)  # type: ignore[attr-defined]
    function.__annotations__ = {flag.name: flag.annotation for flag in flags}
    return function


def keyword(name: str, annotation: Any, *, default: Any) -> inspect.Parameter:
    """A parameter that is given by name, and that must be given where the default is MISSING."""
    if default is dataclasses.MISSING:
        default = inspect.Parameter.empty
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


JSON_FLAG = keyword("json", Annotated[Json, Parameter(group=RUN)], default=False)


def reading(wanted: Any) -> Callable[[Any, Sequence[Token]], Any]:
    """What makes words into a value of a type; cyclopts alone would round 1.5 where whole numbers are needed."""

    def read(_: Any, given: Sequence[Token]) -> Any:  # it is told of `int | None` as `int`, which takes no None
        return convert(wanted, given, converter=one_of)

    return read


def one_of(kind: Any, word: str) -> Any:
    """A word as a value of a simple type.

    Raises:
        CoercionError: it is a fraction where a whole number is needed.
        ValueError: it is no such value.
    """
    if kind is int and "." in word:
        return whole(word)
    try:
        return convert(kind, [word])
    except CoercionError as error:
        raise ValueError(word) from error  # cyclopts says it anew, and names the flag


def whole(word: str) -> int:
    """The whole number that a word with a decimal point is, to its last digit.

    Raises:
        CoercionError: it is a fraction.
        ValueError: it is no number, or one beyond what a float holds.
    """
    try:
        number = Decimal(word)
    except InvalidOperation as error:
        raise ValueError(word) from error
    if number.is_nan() or abs(number.adjusted()) > sys.float_info.max_10_exp:
        raise ValueError(word)
    if number != number.to_integral_value():
        raise CoercionError(f'"{word}" is no whole number.')
    return int(number)


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
            converter=reading(types[name]),
        )
        made = field.default_factory
        default = field.default if made is dataclasses.MISSING else made()
        yield keyword(name, Annotated[types[name], parameter], default=default)
