"""Keys as the texts that sources read: quoted, whatever type they have here."""

from __future__ import annotations

from datetime import date

import pyarrow as pa
import pytest
import sqlglot
from sqlglot import exp

from planner.emit.duckdb.keys import KEYS as DUCKDB
from planner.emit.keys import braced, marked, with_keys
from planner.emit.postgres.keys import KEYS as POSTGRES


@pytest.mark.parametrize("type_", [pa.string(), pa.large_string(), pa.string_view()])
def test_texts_of_every_form_are_quoted(type_: pa.DataType) -> None:
    assert POSTGRES.takes(type_)
    keys = pa.array(["a,b", 'c"d', "e\\f", "NULL", "", "{}", "nul\0"], pa.string()).cast(type_)
    assert braced(keys) == '{"a,b","c\\"d","e\\\\f","NULL","","{}"}'


def test_a_clients_text_that_reads_like_a_mark_is_left_alone() -> None:
    select = sqlglot.parse_one("SELECT 'keys of k1.1' AS a", read="postgres")
    assert isinstance(select, exp.Select)
    condition = POSTGRES.write(exp.column("b"), marked("k1", 0, pa.int64()), pa.int64())
    select.set("where", exp.Where(this=condition))
    filled = with_keys(select, POSTGRES, {("k1", 0): pa.array([1, 2])})
    assert filled is not None
    assert filled.sql("postgres") == (
        "SELECT 'keys of k1.1' AS a WHERE b = ANY(CAST('{1,2}' AS BIGINT[]))"
    )
    assert "{1,2}" not in select.sql("postgres")


def test_days_without_four_digits_of_year_are_not_sent() -> None:
    near = pa.array([date(1, 1, 1), date(9999, 12, 31)], pa.date32())
    assert braced(near) == "{0001-01-01,9999-12-31}"
    assert braced(pa.array([-800_000], pa.int32()).cast(pa.date32())) is None
    assert braced(pa.array([], pa.date32())) == "{}"


@pytest.mark.parametrize(
    "type_", [pa.float64(), pa.decimal128(5, 2), pa.timestamp("us"), pa.uint64()]
)
def test_types_whose_values_have_several_texts_are_not_taken(type_: pa.DataType) -> None:
    assert not POSTGRES.takes(type_)
    assert not DUCKDB.takes(type_)
