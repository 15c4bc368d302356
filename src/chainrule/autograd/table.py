"""The one table of all operations by name; `operation.operation` enters each where it is defined."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chainrule.autograd.operation import Operation

OPERATIONS: dict[str, "Operation"] = {}
