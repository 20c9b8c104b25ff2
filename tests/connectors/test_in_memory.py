"""Databases in memory: what `setup` makes, for as long as its source is open."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from connectors import registry
from connectors.contract import TableName
from connectors.errors import ConfigurationError, SourceRejectedError, SourceUnavailableError
from tests.execution.waiting import Background
from tests.placements import Placement

NUMBERS = "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 1000)"

SETUP = {
    "sqlite": [
        f"CREATE TABLE t AS {NUMBERS} SELECT CAST(n AS INTEGER) AS id, n % 7 AS k FROM c",
        "CREATE VIEW odd AS SELECT id, k FROM t WHERE id % 2 = 1",
    ],
    "duckdb": [
        "CREATE TABLE t AS SELECT range AS id, range % 7 AS k FROM range(1, 1001)",
        "CREATE VIEW odd AS SELECT id, k FROM t WHERE id % 2 = 1",
    ],
}

KINDS = pytest.mark.parametrize("kind", sorted(SETUP))


def source(kind: str, *setup: str) -> Mapping[str, object]:
    return {"connector": kind, "uri": ":memory:", "setup": list(setup) or SETUP[kind]}


@KINDS
def test_its_tables_are_those_of_setup(kind: str) -> None:
    with Placement.of_sources({"a": source(kind), "b": source(kind)}) as placement:
        sql = "SELECT count(*) AS n, sum(o.id) AS s FROM {0}.odd o JOIN {1}.t ON t.id = o.id"
        for names in (("a", "a"), ("a", "b")):
            assert placement.query(sql.format(*names)).to_pylist() == [{"n": 500, "s": 250_000}]
        # Two of them are two places: nothing joins them but the engine.
        assert len(placement.plan(sql.format("a", "b")).fragments) == 2
        assert len(placement.plan(sql.format("a", "a")).fragments) == 1


@KINDS
def test_many_read_it_at_once(kind: str) -> None:
    with Placement.of_sources({"a": source(kind)}) as placement:
        plan = placement.plan("SELECT k, count(*) AS n FROM t GROUP BY k ORDER BY k")
        expected = placement.run(plan)
        runs = [Background(lambda: placement.run(plan)) for _ in range(16)]
        assert all(run.join().result == expected for run in runs)
        assert expected.num_rows == 7


@KINDS
def test_a_statement_that_fails_is_told_by_its_number(kind: str) -> None:
    bad = source(kind, SETUP[kind][0], "CREATE TABLE u AS SELECT nothing FROM t")
    with (
        Placement.of_sources({"a": bad}) as placement,
        pytest.raises(SourceRejectedError, match=r"main\.t: statement 2 of setup failed: ") as e,
    ):
        placement.query("SELECT id FROM a.main.t")
    assert "CREATE" not in str(e.value)


@KINDS
def test_it_is_gone_with_its_source(kind: str) -> None:
    options = {key: value for key, value in source(kind).items() if key != "connector"}
    first, second = (registry.create(kind, "a", options) for _ in range(2))
    name = TableName("main", "t")
    assert first.identity != second.identity
    assert first.tables().find(name) == second.tables().find(name) is not None
    first.close()
    with pytest.raises(SourceUnavailableError, match="the source was closed"):
        first.tables().find(TableName("main", "odd"))
    assert second.tables().find(TableName("main", "odd")) is not None
    second.close()


@KINDS
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"uri": ":memory:"}, "give some"),
        ({"uri": "here.db", "setup": ["SELECT 1"]}, "files are only read"),
        ({"uri": ":memory:x", "setup": ["SELECT 1"]}, "has no name"),
        ({"uri": ":memory:", "setup": ["CREATE TABLE t (a INT)", ""]}, "2 has no statements"),
        ({"uri": ":memory:", "setup": ["CREATE TABLE t (a INT); SELECT 1"]}, "1 has 2 statements"),
        ({"uri": ":memory:", "setup": ["-- say\nset threads = 1"]}, "statement 1, SET, makes"),
        ({"uri": ":memory:", "setup": ["PRAGMA x = 1"]}, "statement 1, PRAGMA, makes"),
        ({"uri": ":memory:", "setup": ["ATTACH 'x' AS y"]}, "statement 1, ATTACH, makes"),
        ({"uri": ":memory:", "setup": ["BEGIN"]}, "statement 1, BEGIN, makes"),
    ],
)
def test_only_memory_is_set_up(kind: str, options: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        registry.create(kind, "a", options)
