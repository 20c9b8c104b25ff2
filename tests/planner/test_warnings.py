"""What a plan's user is told: over a real PostgreSQL and a table in memory."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import adbc_driver_postgresql.dbapi as postgres
import pyarrow as pa
import pytest

from connectors.adbc.postgres import create
from connectors.memory import MemoryConnector
from flight_server.warning_log import log_warnings
from planner.catalog import Source
from planner.explain import explain_text
from planner.explain_json import explain_json
from planner.warnings import CODES, SURPRISES, PlanWarning, warnings_json
from tests.placements import Placement

LOSING = {
    "doc": "jsonb",
    "key": "uuid",
    "at": "timestamptz",
    "any": "numeric",
    "list": "integer[]",
    "mood": "mood",
    "span": "interval",
    "padded": "char(3)",
    "address": "inet",
}
KEEPING = {
    "id": "integer", "big": "bigint", "price": "numeric(9,2)", "name": "text", "code": "varchar(5)",
    "day": "date", "moment": "timestamp", "hour": "time", "yes": "boolean", "raw": "bytea",
    "single": "real", "double": "double precision",
}  # fmt: skip


@pytest.fixture(scope="module")
def placement(postgres_uri: str) -> Iterator[Placement]:
    columns = ", ".join(f'"{name}" {type_}' for name, type_ in (LOSING | KEEPING).items())
    with (
        postgres.connect(postgres_uri, autocommit=True) as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute("CREATE TYPE mood AS ENUM ('glad', 'sad')")
        cursor.execute(f"CREATE TABLE things ({columns})")
        cursor.execute("ANALYZE things")
    near = pa.table({"thing": pa.array(range(100), pa.int32()), "pieces": range(100)})
    shop = create("shop", {"uri": postgres_uri, "max_connections": 2})
    sources = [Source("shop", shop), Source("lake", MemoryConnector("lake", {"near": near}))]
    with Placement.opened(sources) as placement:
        yield placement


def codes(placement: Placement, sql: str) -> list[str]:
    return [warning.code for warning in placement.plan(sql).warnings]


@pytest.mark.parametrize("column", LOSING)
def test_a_column_that_loses_something_is_named(placement: Placement, column: str) -> None:
    (warning,) = placement.plan(f'SELECT "{column}" FROM things').warnings
    assert warning.code == "type.narrowed"
    assert (warning.source, warning.table, warning.column) == ("shop", "public.things", column)
    assert f"shop.public.things.{column} is " in warning.message


def test_a_column_that_keeps_everything_is_not(placement: Placement) -> None:
    names = ", ".join(f'"{name}"' for name in KEEPING)
    assert not codes(placement, f"SELECT {names} FROM things")


def test_only_columns_that_are_read_are_named(placement: Placement) -> None:
    assert not codes(placement, "SELECT id FROM (SELECT * FROM things) t")
    assert len(codes(placement, "SELECT * FROM things")) == len(LOSING)


def test_a_statement_that_cannot_be_cut_is_warned_of_too(placement: Placement) -> None:
    warnings = placement.plan("SELECT unnest(make_array(1, 2)), doc FROM things").warnings
    assert [w.column for w in warnings if w.code == "type.narrowed"] == ["doc"]


def test_a_condition_that_stays_is_named_with_its_reason(placement: Placement) -> None:
    sql = "SELECT id FROM things WHERE levenshtein(name, 'abc') < 2"
    found = [w for w in placement.plan(sql).warnings if w.code != "type.narrowed"]
    assert [w.code for w in found] == ["predicate.not_pushed"]
    assert found[0].source == "shop"
    assert found[0].message.startswith("filter over shop runs here: ")


def test_an_aggregate_that_stays_is_named(placement: Placement) -> None:
    (warning,) = placement.plan("SELECT sum(double) FROM things").warnings
    assert warning.code in ("function.kept", "operator.kept")
    assert "float sum" in warning.message


def test_a_join_across_sources_says_what_it_moves(placement: Placement) -> None:
    (warning,) = placement.plan("SELECT id, pieces FROM things JOIN near ON thing = id").warnings
    assert warning.code == "join.across_sources"
    assert "lake and shop" in warning.message
    assert "rows" in warning.message


def test_a_join_inside_of_one_source_is_no_warning(placement: Placement) -> None:
    assert not codes(placement, "SELECT a.id FROM things a JOIN things b ON a.id = b.id")


@pytest.mark.parametrize(
    ("sql", "warned"),
    [
        ("SELECT id FROM things LIMIT 3", True),
        ("SELECT id FROM things OFFSET 3", True),
        ("SELECT id FROM (SELECT id FROM things LIMIT 3) t ORDER BY id", True),
        ("SELECT id FROM things ORDER BY id LIMIT 3", False),
        ("SELECT id FROM things LIMIT 0", False),
        ("SELECT count(*) FROM things LIMIT 1", False),
        ("SELECT id FROM things", False),
    ],
)
def test_a_limit_without_an_order_is_a_warning(
    placement: Placement, sql: str, warned: bool
) -> None:
    assert ("order.not_guaranteed" in codes(placement, sql)) is warned


def test_a_constant_has_no_warnings_and_no_metadata(placement: Placement) -> None:
    plan = placement.plan("SELECT 1")
    assert plan.warnings == ()
    assert warnings_json(plan.warnings) == b""


def test_explain_shows_them(placement: Placement) -> None:
    plan = placement.plan("SELECT doc FROM things LIMIT 3")
    text = explain_text(plan)
    assert "\nwarnings:\n  [type.narrowed] shop.public.things.doc is jsonb there" in text
    listed = json.loads(explain_json(plan))["warnings"]
    assert listed == json.loads(warnings_json(plan.warnings))["warnings"]
    assert {w["code"] for w in listed} == {"type.narrowed", "order.not_guaranteed"}


def test_what_stayed_is_shown_once(placement: Placement) -> None:
    text = explain_text(placement.plan("SELECT id FROM things WHERE levenshtein(name, 'abc') < 2"))
    assert "stayed here:" in text
    assert "warnings:" not in text


def test_the_log_has_names_and_no_values(caplog: pytest.LogCaptureFixture) -> None:
    secret = PlanWarning("type.narrowed", "hunter2 is a constant", "shop", "public.t", "doc")
    slow = PlanWarning("join.across_sources", "hunter2 again")
    with caplog.at_level(logging.INFO, "crosswind.warnings"):
        log_warnings([slow])
        log_warnings([secret, slow, slow])
    assert [record.levelname for record in caplog.records] == ["INFO", "WARNING"]
    assert "hunter2" not in caplog.text
    line = caplog.records[1].getMessage().removeprefix("plan with warnings: ")
    assert json.loads(line) == [
        {"code": "type.narrowed", "source": "shop", "table": "public.t", "column": "doc"},
        {"code": "join.across_sources"},
    ]


def test_every_code_is_documented() -> None:
    from pathlib import Path

    page = (Path(__file__).parents[2] / "docs" / "explain.md").read_text(encoding="utf-8")
    for code in CODES:
        assert f"| `{code}` |" in page
    assert set(CODES) > SURPRISES
