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


def read_filter(condition: pc.Expression, schema: pa.Schema) -> Expression:
    """What a filter means, by position in `schema`.

    Raises:
        NotCarriedError: when the tree has no form for it.
    """
    try:
        serialised: Any = ps.serialize_expressions([condition], ["filter"], schema)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise NotCarriedError("a filter that Arrow cannot write as Substrait") from error
    message = ExtendedExpression()
    message.ParseFromString(bytes(serialised))
    fields = tuple(Field(f.name, f.type, f.nullable) for f in schema)
    functions = {
        e.extension_function.function_anchor: e.extension_function.name.split(":")[0]
        for e in message.extensions
    }
    return read_expression(message.referred_expr[0].expression, fields, functions)
