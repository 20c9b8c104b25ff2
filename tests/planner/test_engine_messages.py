"""What the engine says of a statement, planned or run, as its client reads it."""

from __future__ import annotations

import datetime
import logging
import re
from collections.abc import Iterator
from decimal import Decimal

import pyarrow as pa
import pytest

from connectors.contract import TableName
from connectors.errors import CrosswindError, Position
from connectors.memory import MemoryConnector
from execution.failures import engine_failure
from planner.catalog import Source
from planner.failures import planning_failure
from planner.plan import NativeRead
from tests.placements import Placement

_YEARS = [datetime.datetime(2020, 1, 1), datetime.datetime(9999, 12, 31), None]


@pytest.fixture(scope="module")
def placement() -> Iterator[Placement]:
    items = pa.table(
        {
            "id": pa.array([1, 2, 3], pa.int64()),
            "name": ["a", "b", None],
            "day": pa.array([1, -800_000, None], pa.date32()),
            "moment": pa.array(_YEARS, pa.timestamp("us")),
            "rating": [1.0, float("inf"), None],
            "price": pa.array([Decimal("1.50"), None, Decimal(2)], pa.decimal128(12, 2)),
            "list": [[1], [2, 3], None],
            "active": [True, False, None],
            "zero": [1, 0, None],
        }
    )
    odd = pa.table({"id": [1], "Odd col": [1], 'q"uote': [1]})
    tables = {"items": items, "Odd.Table": odd}
    with Placement.opened([Source("shop", MemoryConnector("shop", tables))]) as placement:
        yield placement


CASES = [
    # the statement, the code, where, what
    ("SELECT date_part('nonsense', day) FROM items", "unsupported", 18, "no date part 'nonsense'"),
    ("SELECT extract(dayofyear FROM day) FROM items", "unsupported", 16, "There are year"),
    ("SELECT date_trunc('nonsense', moment) FROM items", "unsupported", 19, "microsecond"),
    ("SELECT split_part('a', ',', 0)", "value", 8, "must not be zero"),
    ("SELECT substr('abc', 2, -1)", "value", 8, "negative count"),
    ("SELECT substring(name, 2, id::int - 4) FROM items", "value", 8, "negative count"),
    ("SELECT chr(-5)", "value", 8, "-5"),
    (
        "SELECT regexp_replace(name, '(', '') FROM items",
        "value",
        29,
        "'(' cannot be read: unclosed",
    ),
    ("SELECT regexp_like('a', '(')", "value", 25, "'(' cannot be read: unclosed group"),
    ("SELECT ntile(0) OVER (ORDER BY id) FROM items", "value", 8, "positive integer"),
    ("SELECT array_slice([1, 2, 3], 1, 2, 0)", "value", 8, "stride"),
    ("SELECT range(1, 10, 0)", "value", 8, "step can't be 0"),
    ("SELECT generate_series(1, 10, 0)", "value", 8, "step can't be 0"),
    ("SELECT date_bin(interval '0 days', moment) FROM items", "value", 8, "non-zero"),
    ("SELECT overlay('abc' placing 'x' from 0)", "value", 8, "at least 1"),
    ("SELECT decode('zz', 'hex')", "value", 8, "Invalid character 'z'"),
    ("SELECT encode('zz', 'nope')", "unsupported", 21, "no encoding 'nope'"),
    ("SELECT map(['a', 'a'], [1, 2])", "value", 8, "unique"),
    ("SELECT array_sort([1], 'nope')", "value", 8, "DESC or ASC"),
    ("SELECT make_date(2020, 13, 1)", "value", 8, "'13' is out of range"),
    ("SELECT factorial(30)", "value", 8, "Overflow"),
    ("SELECT id / zero FROM items", "value", 11, "NULLIF"),
    ("SELECT CAST('x' AS bigint)", "value", 13, "'x' is not a value of type bigint. TRY_CAST"),
    ("SELECT CAST(name AS bigint) FROM items", "value", None, "'a' is not a value of type bigint"),
    ("SELECT CAST(id * 1000 AS tinyint) FROM items", "value", None, "1000 does not fit"),
    ("SELECT CAST(300 AS tinyint)", "value", 13, "300 does not fit type tinyint"),
    ("SELECT CAST(rating AS bigint) FROM items", "value", None, "inf does not fit"),
    (
        "SELECT price IS DISTINCT FROM rating FROM items",
        "value",
        None,
        "Cast the decimal to double",
    ),
    ("SELECT date 'x'", "value", 13, "'x' is not a value of type date"),
    ("SELECT timestamp '2020-01-01 25:00'", "value", 18, "is not a timestamp"),
    ("SELECT interval '1 quarter'", "value", 17, "is not an interval"),
    ("SELECT to_date('x')", "value", 8, "2024-01-31"),
    ("SELECT to_char(moment, '%Q') FROM items", "value", 8, "%Y-%m-%d"),
    ("SELECT timestamp '2020-01-01' AT TIME ZONE 'Nope'", "value", 44, "no time zone 'Nope'"),
    (
        "SELECT timestamp '2025-03-30 02:30:00' AT TIME ZONE 'Europe/Vienna'",
        "value",
        48,
        "an hour is missing or comes twice",
    ),
    ("SELECT CAST(moment AS timestamp) FROM items", "value", None, "timestamp(6)"),
    ("SELECT day < timestamp '2020-01-01' FROM items", "value", None, "1677 to 2262"),
    ("SELECT (SELECT id FROM items)", "value", None, "LIMIT 1"),
    ("SELECT percentile_cont(2.0) WITHIN GROUP (ORDER BY id) FROM items", "value", 8, "not at 2"),
    ("SELECT sum(name) FROM items", "type", 8, "sum does not take (text). It takes decimal, "),
    ("SELECT round(2.5, 2, 1)", "type", 8, "(double, bigint, bigint). It takes 1 or 2 arguments"),
    ("SELECT lower(1, 2)", "type", 8, "It takes lower(text)"),
    ("SELECT sqrt('a')", "type", 8, "sqrt does not take (text). It takes sqrt(double/real)"),
    ("SELECT coalesce(day, 1) FROM items", "type", 8, "coalesce does not take (date, bigint)"),
    ("SELECT substring('abc')", "type", 8, "substring(text, start, length)"),
    ("SELECT name + 1 FROM items", "type", 13, "there is no text + bigint"),
    ("SELECT * FROM items WHERE active = 1", "type", 34, "boolean and bigint do not go together"),
    ("SELECT * FROM items WHERE name", "type", 27, "items.name is of type text"),
    ("SELECT id || 1 FROM items", "type", 11, "|| takes a text"),
    ("SELECT NOT name FROM items", "type", 8, "NOT takes a boolean"),
    ("SELECT list['a'] FROM items", "type", None, "list of bigint has no fields"),
    ("SELECT id FROM items UNION SELECT list FROM items", "type", 22, "list of bigint"),
    ("SELECT b'101'", "unsupported", 8, "'101'"),
    ("SELECT name::money FROM items", "unsupported", 14, "no type money"),
    ("SELECT name->'a' FROM items", "unsupported", 12, "operator ->"),
    ("SELECT [1, 2][1:]", "unsupported", 16, "Write both bounds"),
    ('SELECT name COLLATE "C" FROM items', "unsupported", 13, "COLLATE"),
    ("WITH x AS (DELETE FROM items) SELECT 1", "unsupported", 12, "only reads"),
    ("SELECT id FROM items GROUP BY name", "", 8, "items.id is neither in GROUP BY"),
    ("SELECT name FROM items HAVING id > 1", "", 24, "items.id > 1 in HAVING"),
    ("SELECT * FROM items WHERE sum(id) > 1", "", 21, "in HAVING"),
    ("SELECT * FROM items LIMIT -1", "value", 21, "negative"),
    ("SELECT 1 UNION SELECT 1, 2", "", 10, "different number of columns"),
    ("SELECT id FROM items ORDER BY 3", "", 22, "the answer has 1 columns"),
    ("SELECT lag(id) FROM items", "", 8, "Write OVER (…)"),
    ("SELECT * FROM read_csv('/etc/passwd')", "unknown_name", 15, "no table function 'read_csv'"),
    ("SELECT v.* FROM items", "unknown_name", 8, "no table v in FROM"),
    ('SELECT nme FROM "Odd.Table"', "unknown_name", 8, '"Odd.Table"."Odd col"'),
    ('SELECT "quote" FROM "Odd.Table"', "unknown_name", 8, '"Odd.Table"."q""uote"'),
    ("SELECT id FROM items ORDER BY items.nope", "unknown_name", 37, "'items.nope' does not exist"),
    ("SELECT id FROM items ORDER BY odd.id::text", "unknown_name", 35, "'odd.id' does not exist"),
    ("SELECT id, other.id FROM items", "unknown_name", 18, "'other.id' does not exist"),
    ("SELECT list_append(id) FROM items", "type", 8, "list_append does not take (bigint)"),
    ("SELECT id[1] FROM items", "type", 10, "array_element does not take (bigint, bigint)"),
    ("SELECT * FROM items WHERE active = ANY (id)", "type", None, "array_has does not take"),
    ("SELECT nullif(day, 2.5) FROM items", "type", 8, "nullif does not take (date, double)"),
    ("SELECT day BETWEEN 1 AND true FROM items", "type", 12, "in BETWEEN"),
    ("SELECT * FROM items WHERE id IS DISTINCT FROM active", "type", 33, "IS DISTINCT FROM"),
    ("SELECT to_hex(2.5)", "type", 8, "(double). It takes to_hex(integer)"),
    ("VALUES (1), ((SELECT max(id) FROM items))", "unsupported", 1, "UNION ALL"),
    ("SELECT DISTINCT ON (NULL LIKE [1]) id FROM items", "unsupported", None, "cannot compute"),
    ("SELECT :x", "unsupported", 8, "do not take parameters"),
    ("SELECT * FROM items WHERE id IN (:a, :b)", "unsupported", 34, "do not take parameters"),
    ("SELECT * FROM items WHERE id = :1", "unsupported", 32, "do not take parameters"),
]

_ENGINES_OWN = re.compile(
    r"DataFusion|Error during|Utf8|U?Int(8|16|32|64)\b|Float64|Decimal128|Span\(|quote_style|"
    r"Execution error|Arrow error|caused by|\{ "
)


@pytest.mark.parametrize(("sql", "code", "column", "says"), CASES)
def test_a_failure_says_what_and_where_in_the_words_of_sql(
    sql: str,
    code: str,
    column: int | None,
    says: str,
    placement: Placement,
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.WARNING), pytest.raises(CrosswindError) as failure:
        placement.query(sql)
    text = str(failure.value)
    assert failure.value.code == f"request.{code}".rstrip(".")
    assert says in text
    position = failure.value.position
    assert (position.column if position else None) == column
    assert _ENGINES_OWN.search(text) is None
    assert len(text) < 400
    assert not [record for record in caplog.records if "uncut" in record.message]


@pytest.mark.parametrize(
    ("sql", "answer"),
    [
        ("SELECT list[1:2] FROM items WHERE id = 2", [2, 3]),
        ("SELECT list[id:id] FROM items WHERE id = 2", [3]),
        ("SELECT {'a':id} FROM items WHERE id = 2", {"a": 2}),
        ("SELECT ':x'", ":x"),
    ],
)
def test_a_colon_is_no_parameter_where_it_is_something_else(
    sql: str, answer: object, placement: Placement
) -> None:
    assert placement.query(sql).column(0).to_pylist() == [answer]


@pytest.mark.parametrize(
    ("condition", "count"),
    [
        ("moment < timestamp '9999-12-31 00:00:00'", 1),
        ("moment < timestamp '9999-12-31T00:00:00'", 1),
        ("moment <= '9999-12-31'", 2),
        ("moment <= CAST('9999-12-31' AS timestamp)", 2),
        ("moment = '9999-12-31'::timestamp", 1),
        ("moment BETWEEN '0001-01-01' AND '9999-12-31'", 2),
        ("moment > timestamp '0001-01-01' AND moment < timestamp '9999-12-31'", 1),
        ("name < '9999-12-31' OR moment < timestamp '9999-12-31'", 1),
        ("coalesce(moment, timestamp '9999-12-31') = timestamp '9999-12-31'", 2),
    ],
)
def test_a_timestamp_of_any_year_can_be_written(
    condition: str, count: int, placement: Placement
) -> None:
    sql = f"SELECT count(*) FROM items WHERE {condition}"
    assert placement.query(sql).column(0).to_pylist() == [count]


def test_a_wide_timestamp_has_microseconds_and_others_stay(placement: Placement) -> None:
    sql = "SELECT timestamp '0001-01-01' AS a, timestamp '2020-01-01' AS b"
    assert placement.query(sql).schema.types == [pa.timestamp("us"), pa.timestamp("ns")]


def test_a_text_that_may_be_another_is_not_taken_for_the_timestamp(placement: Placement) -> None:
    with pytest.raises(CrosswindError, match=r"timestamp\(6\) '9999-12-31"):
        placement.query("SELECT 1 FROM items WHERE name < '9999-12-31' OR moment < '9999-12-31'")


def test_what_nobody_foresaw_is_a_request_error_when_planned_and_internal_when_run() -> None:
    message = "DataFusion error: Something wholly new { a: Int64(1) }"
    assert planning_failure(message, "SELECT 1").code == "request"
    assert engine_failure(message, (), "SELECT 1").code == "internal"
    assert engine_failure("the engine panicked: boom", (), "SELECT 1").code == "internal"


@pytest.mark.parametrize(
    "words", ["lacked the necessary privileges", "lacked valid authentication credentials"]
)
def test_a_store_that_lets_nobody_in_is_no_outage(words: str) -> None:
    message = (
        f"Object Store error: The operation {words} to complete for path"
        " lake/t/0.parquet: Server returned non-2xx status code: 403 Forbidden: "
    )
    natives = (NativeRead("n", "lake", TableName("main", "t"), pa.schema([])),)
    failure = engine_failure(message, natives, "SELECT 1")
    assert (failure.code, failure.source) == ("source.rejected", "lake")
    assert not failure.retryable


def test_a_full_disk_is_no_fault_of_a_table() -> None:
    message = "Arrow error: Io error: No space left on device (os error 28)"
    failure = engine_failure(message, (), "SELECT 1")
    assert (failure.code, failure.retryable) == ("limit.memory", True)
    assert engine_failure("Execution error: never seen", (), "SELECT 1").code == "request.value"
    order = "SanityCheckPlan\ncaused by\nPlan: [x] does not satisfy order requirements: [y]"
    found = engine_failure(order, (), "SELECT sum(a) OVER (PARTITION BY b) FROM t")
    assert (found.code, found.position) == ("request.unsupported", Position(1, 15))
    # Of a client's dialect, whose tokens are others: no place.
    assert engine_failure("Divide by zero", (), "SELECT `a").position is None
