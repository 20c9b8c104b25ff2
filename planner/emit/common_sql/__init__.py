"""A dialect that was never run, from a description of how it differs from common SQL.

Owns the writers that such dialects share. What a dialect's documentation does not promise to be as
in the engine is refused here too: nothing but the running is missing.
"""

from __future__ import annotations

from planner.emit.common_sql.aggregates import aggregates
from planner.emit.common_sql.columns import Columns
from planner.emit.common_sql.description import Description
from planner.emit.common_sql.functions import functions
from planner.emit.dialect import Dialect


def dialect_of(description: Description) -> Dialect:
    """The dialect's tables, everything in them unproven."""
    columns = Columns(description)
    return Dialect(
        name=description.name,
        generator=description.generator,
        functions=functions(description, columns),
        aggregates=aggregates(description, columns),
        type_sql=description.type_sql,
        read_column=columns.read,
        refuse_literal=columns.refuse_literal,
        write_literal=columns.write_literal,
        refuse_cast=columns.refuse_cast,
        write_cast=columns.write_cast,
        order=columns.order,
        refuse_order=columns.refuse_order,
        output=columns.output,
        refuse_relation=description.refuse_relation,
        safe_name=description.safe_name,
        proven=False,
        shown_by="tests/planner/test_unproven_dialects.py",
    )


__all__ = ["Description", "dialect_of"]
