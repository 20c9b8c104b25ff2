"""Rows that are known only when a statement runs, as a table in it: where they stand, and how.

    FROM UNNEST(CAST('rows of k1.1' AS BIGINT[]), CAST('rows of k1.2' AS TEXT[])) AS t2(code, label)

A text for each column, of which the source makes the rows again. Owns the marks of their places,
the texts that take these, and a dialect's form of both. Knows no stage, and no relation.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc
from sqlglot import exp

from planner.emit.keys import Sql, has_texts, is_text, joined, quoted_for_braces

MOST_ROWS = 10_000
MOST_BYTES = 1 << 20
"""Of texts: so much is sent with a statement at most, which its source reads before it begins."""


@dataclass(frozen=True, slots=True)
class RowForm:
    """How a dialect takes rows: as a text for each column, which it makes a table of.

    Attributes:
        takes: whether it takes values of a type: all that its own columns of that type may have,
            compared and computed with as these are.
        write: from the text and type of each column, the alias and the columns' names, what stands
            in FROM.
        text: from a column's values to the text; None where one of them has no form there.
    """

    takes: Callable[[pa.DataType], bool]
    write: Callable[[Sequence[tuple[Sql, pa.DataType]], str, Sequence[str]], Sql]
    text: Callable[[pa.Array], str | None]


def rows_marked(stage: str, column: int) -> exp.Literal:
    """What stands for the values of a stage's column until they are known."""
    literal = exp.Literal.string(f"rows of {stage}.{column + 1}")
    # A text of the client's may read the same.
    literal.meta["rows"] = (stage, column)
    return literal


def with_rows(statement: exp.Select, texts: Mapping[tuple[str, int], str]) -> exp.Select:
    """A copy of a statement with the rows in their places.

    Args:
        texts: by stage and column; all that the statement has marks of.
    """
    filled = statement.copy()
    for literal in filled.find_all(exp.Literal):
        mark = literal.meta.get("rows")
        if mark is not None:
            literal.set("this", texts[mark])
    return filled


def columns_of(statement: exp.Select) -> frozenset[tuple[str, int]]:
    """The stages and columns that a statement has marks of."""
    marks = (literal.meta.get("rows") for literal in statement.find_all(exp.Literal))
    return frozenset(mark for mark in marks if mark is not None)


def braced_rows(values: pa.Array) -> str | None:
    """`{1,NULL,2}`: an array as PostgreSQL reads it; texts are quoted.

    None for texts with a NUL character, and for days and times whose year has not four digits.

    >>> braced_rows(pa.array([1, None, 1])), braced_rows(pa.array(["NULL", None, 'a"b']))
    ('{1,NULL,1}', '{"NULL",NULL,"a\\\\"b"}')
    >>> braced_rows(pa.array([], pa.string())), braced_rows(pa.array(["\\0"]))
    ('{}', None)
    """
    if is_text(values.type):
        values = values.cast(pa.string())
        if pc.any(pc.match_substring(values, "\0")).as_py():
            return None
        values = quoted_for_braces(values)
    elif not has_texts(values.drop_null()):
        return None
    return f"{{{joined(pc.fill_null(values.cast(pa.string()), 'NULL'))}}}"
