"""The types of a recipe's settings, and values brought to them: Python callers and old records are not checked."""

import dataclasses
import operator
import os
import sys
import types
import typing
from pathlib import Path
from typing import Annotated, Any, Literal

from chainrule.errors import OptionError

SIMPLE = {bool: "True or False", int: "a whole number", float: "a number", str: "a text", Path: "a path"}


def flag_of(name: str) -> str:
    """The flag of a setting: what ends in a line, since Python has taken the word, does without it."""
    return f"--{name.strip('_').replace('_', '-')}"


def switch_of(name: str, *, on: bool) -> str:
    """The flag that turns a setting on, or the one that turns it off."""
    flag = flag_of(name)
    return flag if on else f"--no-{flag.removeprefix('--')}"


def words_of(name: str, value: Any) -> tuple[str, tuple[str, ...]]:
    """A setting as words for `train`: the flag, and what it is given; a switch is given nothing."""
    if isinstance(value, bool):
        return switch_of(name, on=value), ()
    items = value if isinstance(value, list | tuple) else (value,)
    return flag_of(name), tuple(map(str, items))


def field_types(kind: type[Any]) -> dict[str, Any]:
    """The types of a dataclass's fields, those written as text read in its module.

    Class variables are left alone: what they name may be known to type checkers only.
    """

    def holder() -> None: ...

    holder.__annotations__ = {field.name: field.type for field in dataclasses.fields(kind)}
    return typing.get_type_hints(holder, vars(sys.modules[kind.__module__]), include_extras=True)


def brought_to_type(name: str, value: Any, wanted: Any) -> Any:
    """A setting's value in its type: a path for text, a tuple for a list, Python's number for NumPy's.

    Types that are neither simple, nor a choice, a tuple or a union of such are left to the recipe.

    Args:
        name: of the setting.
        value: as it was given.
        wanted: its type.

    Raises:
        OptionError: the value is of another type, or not one of the choices.
    """
    try:
        return _converted(value, wanted)
    except (TypeError, ValueError, OverflowError) as error:
        raise OptionError(f"{flag_of(name)} is {value!r}; it must be {_described(wanted)}.") from error


def _converted(value: Any, wanted: Any) -> Any:
    origin, arguments = typing.get_origin(wanted), typing.get_args(wanted)
    if origin is Annotated:
        return _converted(value, arguments[0])
    if origin in {typing.Union, types.UnionType}:
        return _first(value, arguments)
    if origin is Literal:
        if not any(value == choice and type(value) is type(choice) for choice in arguments):
            raise ValueError(value)
    elif origin is tuple and arguments[1:] == (...,):
        if not isinstance(value, list | tuple):
            raise TypeError(value)
        return tuple(_converted(item, arguments[0]) for item in value)
    elif wanted is type(None):
        if value is not None:
            raise TypeError(value)
    elif wanted in SIMPLE:
        return _simple(value, wanted)
    return value


def _first(value: Any, candidates: tuple[Any, ...]) -> Any:
    """The value in the first type of a union that takes it."""
    for candidate in candidates[:-1]:
        try:
            return _converted(value, candidate)
        except (TypeError, ValueError, OverflowError):
            continue
    return _converted(value, candidates[-1])


def _simple(value: Any, wanted: type[Any]) -> Any:
    if wanted is Path:
        return Path(os.fspath(value))
    if (wanted is str) != isinstance(value, str) or (wanted is bool) != isinstance(value, bool):
        raise TypeError(value)
    if wanted is int:
        return operator.index(value)
    return float(value) if wanted is float else value


def _described(wanted: Any) -> str:
    arguments = typing.get_args(wanted)
    if typing.get_origin(wanted) is Annotated:
        return _described(arguments[0])
    if typing.get_origin(wanted) in {typing.Union, types.UnionType}:
        return " or ".join(map(_described, arguments))
    if typing.get_origin(wanted) is Literal:
        return f"one of {', '.join(map(repr, arguments))}"
    if typing.get_origin(wanted) is tuple:
        return f"a list, each item {_described(arguments[0])}"
    return SIMPLE.get(wanted, "None" if wanted is type(None) else str(wanted))
