"""Keys as the texts that sources read: quoted, whatever type they have here."""

from __future__ import annotations

import json
from datetime import date, datetime

import pyarrow as pa
import pytest
import sqlglot
from sqlglot import exp

from planner.emit.datafusion.keys import KEYS as DATAFUSION
from planner.emit.duckdb.keys import KEYS as DUCKDB
from planner.emit.keys import KeyForm, braced, json_list, marked, separated, with_keys
from planner.emit.postgres.keys import KEYS as POSTGRES
from planner.emit.sqlite.keys import KEYS as SQLITE


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


def test_texts_between_separators_and_none_at_all_are_told_apart() -> None:
    assert separated(pa.array([], pa.string())) == "\x02"
    assert separated(pa.array([""])) == "\x1f"
    assert separated(pa.array(["a,b", ""], pa.large_string())) == "a,b\x1f\x1fa,b"
    assert separated(pa.array(["a\x1fb"])) is None
    assert separated(pa.array(["a\0"])) is None


def test_texts_in_json_are_those_that_were_given() -> None:
    texts = ["a,b", 'c"d', "e\\f", "", "tab\t", "\x01\n", "é", "\U0001f600"]
    written = json_list(pa.array(texts, pa.string_view()))
    assert written is not None
    assert json.loads(written) == texts
    assert json_list(pa.array(["a\0"])) is None
    assert json_list(pa.array([date(2020, 2, 29)])) == '["2020-02-29"]'
    assert json_list(pa.array([-800_000], pa.int32()).cast(pa.date32())) is None
    assert json_list(pa.array([], pa.date32())) == "[]"


def test_times_without_four_digits_of_year_are_not_sent() -> None:
    near = pa.array([datetime(1, 1, 1), datetime.max], pa.timestamp("us"))
    assert braced(near) == "{0001-01-01 00:00:00.000000,9999-12-31 23:59:59.999999}"
    far = pa.array([-(2**60)], pa.int64()).cast(pa.timestamp("us"))
    assert braced(far) is None


def test_a_statement_that_would_be_too_long_for_another_crosswind_has_no_keys() -> None:
    assert DATAFUSION.text(pa.array(range(50_000))) is not None
    assert DATAFUSION.text(pa.array(["x" * 1000] * 1000)) is None


@pytest.mark.parametrize("form", [POSTGRES, DUCKDB, SQLITE, DATAFUSION])
@pytest.mark.parametrize(
    "type_",
    [
        pa.float64(),
        pa.decimal128(12, 8),
        pa.timestamp("ns"),
        pa.timestamp("us", "UTC"),
        pa.uint64(),
        pa.bool_(),
        pa.binary(),
        pa.list_(pa.int64()),
    ],
)
def test_types_whose_values_have_several_texts_are_not_taken(
    form: KeyForm, type_: pa.DataType
) -> None:
    assert not form.takes(type_)


@pytest.mark.parametrize("form", [POSTGRES, DUCKDB, DATAFUSION])
def test_exact_numbers_and_times_are_taken_where_they_are_types(form: KeyForm) -> None:
    for type_ in (pa.decimal128(18, 0), pa.decimal128(38, 6), pa.timestamp("us")):
        assert form.takes(type_)
        assert not SQLITE.takes(type_)
