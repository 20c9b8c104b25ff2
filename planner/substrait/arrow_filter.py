"""A pyarrow filter expression -> an expression of the relation tree, by way of Substrait."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.substrait as ps
from substrait.extended_expression_pb2 import ExtendedExpression

from planner.relations import Expression, Field
from planner.substrait.reader import read_expression
from planner.substrait.types import NotCarriedError

MAX_DEPTH = 9
"""Arrow takes twice as long for each further level: 1 ms for 8, 0.6 s for 16."""


def read_filter(condition: pc.Expression, schema: pa.Schema) -> Expression:
    """What a filter means, by position in `schema`.

    Raises:
        NotCarriedError: when the tree has no form for it.
    """
    if _depth(str(condition)) > MAX_DEPTH:
        raise NotCarriedError("a filter nested this deep")
    try:
        serialised: Any = ps.serialize_expressions([condition], ["filter"], schema)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise NotCarriedError("a filter that Arrow cannot write as Substrait") from error
    message = ExtendedExpression.FromString(bytes(serialised))
    fields = tuple(Field(f.name, f.type, f.nullable) for f in schema)
    functions = {
        e.extension_function.function_anchor: e.extension_function.name.split(":")[0]
        for e in message.extensions
    }
    return read_expression(message.referred_expr[0].expression, fields, functions)


def _depth(text: str) -> int:
    """How deep parentheses are nested; a text constant may hold some, which only adds to it."""
    depth = deepest = 0
    for character in text:
        if character == "(":
            depth += 1
            deepest = max(deepest, depth)
        elif character == ")":
            depth -= 1
    return deepest
