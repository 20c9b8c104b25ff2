"""Tables as they were, by the clause in SQL: Iceberg's and Delta's, beside the same tables now."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable, write_deltalake

from connectors.as_of import MOST_KEPT
from connectors.errors import (
    CrosswindError,
    SourceRejectedError,
    UnknownNameError,
    UnsupportedError,
)
from planner.parse import parse
from planner.plan import SqlResidual
from tests.connectors.warehouse import SALES, Warehouse
from tests.placements import Placement

RECURSIVE = "WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r WHERE n < 2) "


@pytest.fixture
def versions(lake: Warehouse, tmp_path: Path) -> dict[str, tuple[object, datetime]]:
    """The number of the first of two versions of a table, and when it was made, by source."""
    table = lake.write("sales", SALES)
    first = table.current_snapshot()
    assert first is not None
    table.manage_snapshots().create_tag(first.snapshot_id, "audited").commit()
    table.append(SALES)
    path = str(tmp_path / "delta" / "sales")
    write_deltalake(path, SALES)
    made = DeltaTable(path).history()[-1]["timestamp"]
    write_deltalake(path, SALES, mode="append")
    (tmp_path / "files").mkdir()
    pq.write_table(SALES, tmp_path / "files" / "plain.parquet")
    return {
        "ice": (first.snapshot_id, datetime.fromtimestamp(first.timestamp_ms / 1000, UTC)),
        "delta": (0, datetime.fromtimestamp(made / 1000, UTC)),
    }


@pytest.fixture
def placement(
    versions: dict[str, tuple[object, datetime]], lake: Warehouse, tmp_path: Path
) -> Iterator[Placement]:
    assert versions
    sources: dict[str, dict[str, object]] = {
        "ice": {"connector": "iceberg", "properties": lake.properties},
        "delta": {"connector": "delta", "root": str(tmp_path / "delta")},
        "files": {"connector": "files", "root": str(tmp_path / "files")},
    }
    with Placement.of_sources(sources) as placement:
        yield placement


@pytest.mark.parametrize("source", ["ice", "delta"])
def test_a_table_is_read_as_it_was_beside_what_it_is_now(
    source: str, versions: dict[str, tuple[object, datetime]], placement: Placement
) -> None:
    number, then = versions[source]
    moment = then.isoformat(sep=" ")
    clauses = [
        f"VERSION AS OF {number}",
        f"SYSTEM_VERSION AS OF {number}",
        f"TIMESTAMP AS OF '{moment}'",
        f"timestamp\n  as of TIMESTAMP '{then:%Y-%m-%d %H:%M:%S.%f}'",
        f"SYSTEM_TIME AS OF TIMESTAMPTZ '{moment}'",
    ]
    for clause in clauses:
        sql = f"SELECT count(*) AS n, max(sales.id) AS m FROM {source}.sales FOR {clause}"
        assert placement.query(sql).to_pylist() == [{"n": 4, "m": 4}]
    clause = clauses[0]
    both = (
        f"SELECT count(*) AS n FROM {source}.sales now LEFT JOIN {source}.sales FOR {clause} was"
        " ON now.id = was.id WHERE was.id IS NOT NULL"
    )
    assert placement.query(both).to_pylist() == [{"n": 8}]
    uncut = f"{RECURSIVE}SELECT count(*) AS n FROM {source}.sales FOR {clause} AS s, r"
    assert isinstance(placement.plan(uncut).residual, SqlResidual)
    assert placement.query(uncut).to_pylist() == [{"n": 8}]


def test_a_branch_or_a_tag_is_a_version(placement: Placement) -> None:
    sql = "SELECT count(*) AS n FROM ice.sales FOR VERSION AS OF '{}'"
    assert placement.query(sql.format("audited")).to_pylist() == [{"n": 4}]
    assert placement.query(sql.format("main")).to_pylist() == [{"n": 8}]


@pytest.mark.parametrize(
    ("clause", "error", "said"),
    [
        ("ice.sales FOR VERSION AS OF 5", SourceRejectedError, "has no snapshot 5"),
        ("ice.sales FOR VERSION AS OF 'audit'", SourceRejectedError, "did you mean 'audited'"),
        ("ice.sales FOR TIMESTAMP AS OF '2001-01-01'", SourceRejectedError, "has no timestamp"),
        ("delta.sales FOR VERSION AS OF 5", SourceRejectedError, "has no version 5"),
        ("delta.sales FOR VERSION AS OF 'main'", SourceRejectedError, "numbers, and no names"),
        ("ice.sale FOR VERSION AS OF 5", UnknownNameError, "'ice.sale' does not exist"),
        ("plain FOR VERSION AS OF 5", UnsupportedError, "source 'files' keeps no versions"),
    ],
)
def test_a_version_that_is_not_there_is_said_to_be(
    clause: str, error: type[CrosswindError], said: str, placement: Placement
) -> None:
    with pytest.raises(error, match=said):
        placement.query(f"SELECT count(*) AS n FROM {clause}")


def test_not_every_version_that_was_asked_for_is_kept(placement: Placement) -> None:
    tables = placement.catalog.sources["ice"].connector.tables()
    for second in range(MOST_KEPT + 3):
        moment = f"2100-01-01 00:00:{second:02}"
        sql = f"SELECT count(*) AS n FROM ice.sales FOR TIMESTAMP AS OF '{moment}'"
        assert placement.plan(sql).schema.names == ["n"]
    assert len(tables._known) <= MOST_KEPT  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 1 FROM t FOR VERSION AS OF -5",
        "SELECT 1 FROM t FOR TIMESTAMP AS OF now()",
        "SELECT 1 FROM t FOR TIMESTAMP AS OF 'yesterday'",
        "SELECT 1 FROM (SELECT 1) FOR TIMESTAMP AS OF '2026-01-31'",
        "SELECT 1 FROM t FOR VERSION AS OF",
    ],
)
def test_what_is_no_constant_or_no_table_is_refused_with_its_place(sql: str) -> None:
    with pytest.raises(UnsupportedError, match="takes a constant, after the name") as said:
        parse(sql)
    assert said.value.position is not None
    assert sql[said.value.position.column - 1 :].startswith("FOR")


@pytest.mark.parametrize(
    ("sql", "at"),
    [
        ("SELECT 1 FROM t FOR TIMESTAMP AS OF '2026-01-31 12:00:00+00:00' t2 WHERE", "WHERE"),
        ("SELECT 1 FROM t\nFOR VERSION\nAS OF 5 WHERE", "WHERE"),
    ],
)
def test_what_follows_keeps_its_line(sql: str, at: str) -> None:
    last = parse(sql).tokens[-1]
    assert last.text == at
    assert last.line == sql.count("\n") + 1
