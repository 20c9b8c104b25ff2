"""Whether two answers are the same: schema with nullability, rows, and order where it is asked."""

from __future__ import annotations

from collections import Counter

import pyarrow as pa
import sqlglot
from sqlglot import exp

from planner.bind import client_schema


def assert_same(got: pa.Table, want: pa.Table, sql: str) -> None:
    """Fails unless `got` answers `sql` as `want`, which may hold string views, does.

    Rows are compared as a bag; where the statement orders, its keys must come in the same order:
    rows with equal keys may come in any.
    """
    want = want.cast(client_schema(want.schema)).replace_schema_metadata(None)
    assert got.schema == want.schema, f"{got.schema}\n--- instead of ---\n{want.schema}"
    found, expected = _rows(got), _rows(want)
    if found == expected:
        return
    missing, surplus = Counter(expected) - Counter(found), Counter(found) - Counter(expected)
    assert not missing and not surplus, (
        f"{got.num_rows} rows instead of {want.num_rows}\n"
        f"missing: {list(missing)[:5]}\nsurplus: {list(surplus)[:5]}\n{sql}"
    )
    keys = order_keys(sql, got.column_names)
    assert [tuple(row[k] for k in keys) for row in found] == [
        tuple(row[k] for k in keys) for row in expected
    ], f"other order by {keys}\n{sql}"


def order_keys(sql: str, names: list[str]) -> list[int]:
    """The output columns that the statement orders by; keys that are no output are left out.

    >>> order_keys("SELECT a, b FROM t ORDER BY 2 DESC, t.a, a + 1", ["a", "b"])
    [1, 0]
    """
    order = sqlglot.parse_one(sql, read="postgres").args.get("order")
    keys = []
    for ordered in order.expressions if order else ():
        key = ordered.this
        if isinstance(key, exp.Literal) and not key.is_string:
            keys.append(int(key.this) - 1)
        elif isinstance(key, exp.Column) and key.name in names:
            keys.append(names.index(key.name))
        else:
            break
    return keys


def _rows(table: pa.Table) -> list[tuple[str, ...]]:
    """Rows of texts, which tell apart what compares equal (-0.0) and match what does not (NaN)."""
    columns = [[repr(value) for value in _values(column)] for column in table.columns]
    return list(zip(*columns, strict=True)) if columns else [()] * table.num_rows


def _values(column: pa.ChunkedArray) -> list[object]:
    """Python has no dates before year 1: dates and times are compared as the integers they are."""
    t = pa.types
    if t.is_date32(column.type) or t.is_time32(column.type):
        return column.cast(pa.int32()).to_pylist()
    if t.is_timestamp(column.type) or t.is_time64(column.type):
        return column.cast(pa.int64()).to_pylist()
    return column.to_pylist()
