"""A recipe's settings by name, whether they are its own fields or those of a group it holds.

A field whose default is itself a dataclass is a group, such as `Fitting`: its fields are flags like all others.
"""

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from chainrule.errors import UnknownNameError
from chainrule.recipes.setting_types import brought_to_type, field_types

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    from chainrule.recipes.contract import Recipe

Kind = TypeVar("Kind")


def setting_fields(kind: type[Any]) -> dict[str, "dataclasses.Field[Any]"]:
    """Every setting of a recipe by name, in the order it is written down, groups opened."""
    found: dict[str, dataclasses.Field[Any]] = {}
    for field in dataclasses.fields(kind):
        if dataclasses.is_dataclass(field.default):
            group = cast("DataclassInstance", field.default)
            # The group's instance says what its fields are by default in this recipe.
            found |= {inner.name: _with_default(inner, group) for inner in dataclasses.fields(group)}
        else:
            found[field.name] = field
    return found


def _with_default(field: "dataclasses.Field[Any]", group: "DataclassInstance") -> "dataclasses.Field[Any]":
    changed: dataclasses.Field[Any] = dataclasses.field(default=getattr(group, field.name))
    changed.name, changed.type = field.name, field.type
    return changed


def setting_types(kind: type[Any]) -> dict[str, Any]:
    """The type of every setting by name."""
    groups = [field.default for field in dataclasses.fields(kind) if dataclasses.is_dataclass(field.default)]
    return {name: wanted for owner in (kind, *map(type, groups)) for name, wanted in field_types(owner).items()}


def make(kind: type[Kind], settings: Mapping[str, Any]) -> Kind:
    """A recipe, or options, with these settings and the defaults for all others.

    Raises:
        UnknownNameError: there is no such setting.
        OptionError: a value is of another type or out of its range.
    """
    known, types = setting_fields(kind), setting_types(kind)
    for name in settings:
        if name not in known:
            raise UnknownNameError("setting", name, list(known))
    settings = {name: brought_to_type(name, value, types[name]) for name, value in settings.items()}
    arguments: dict[str, Any] = {}
    for field in dataclasses.fields(cast("type[DataclassInstance]", kind)):
        if dataclasses.is_dataclass(field.default):
            group = cast("DataclassInstance", field.default)
            inner = {f.name: settings[f.name] for f in dataclasses.fields(group) if f.name in settings}
            arguments[field.name] = dataclasses.replace(group, **inner)
        elif field.name in settings:
            arguments[field.name] = settings[field.name]
    return kind(**arguments)


def settings_of(recipe: "Recipe | DataclassInstance") -> dict[str, Any]:
    """Every setting's value by name, groups opened."""
    values: dict[str, Any] = {}
    for field in dataclasses.fields(cast("DataclassInstance", recipe)):
        value = getattr(recipe, field.name)
        if dataclasses.is_dataclass(value):
            values |= {inner.name: getattr(value, inner.name) for inner in dataclasses.fields(value)}
        else:
            values[field.name] = value
    return values


def changed_settings(recipe: "Recipe | DataclassInstance") -> dict[str, Any]:
    """The settings whose value is not the default.

    A recipe whose class names one of its settings as `preset` has defaults that go by it.
    """
    fields = setting_fields(type(recipe))
    usual = {name: field.default for name, field in fields.items()}
    preset = getattr(type(recipe), "preset", None)
    if preset is not None:
        chosen = getattr(recipe, preset)
        usual = settings_of(make(type(recipe), {preset: chosen})) | {preset: usual[preset]}
    return {name: value for name, value in settings_of(recipe).items() if value != usual[name]}
