"""SQLite's values that do not fit, read as NULL: wherever they are read, and by whom."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from connectors.errors import SourceRejectedError
from planner.options import PlanningOptions, Pushdown
from tests.placements import Placement

COLUMNS = {
    "i": "INTEGER NOT NULL",
    "s": "SMALLINT",
    "r": "REAL",
    "m": "DECIMAL(6, 2)",
    "d": "DATE",
    "b": "BOOLEAN",
    "t": "VARCHAR(9)",
}

FITS = (7, 8, 1.5, 12.25, "2026-02-28", 1, "text")
MISFITS = ("seven", 70_000, "many", 12_345.678, "2026-02-30", 2, b"bytes")


@pytest.fixture
def placement(tmp_path: Path) -> Iterator[Placement]:
    with sqlite3.connect(tmp_path / "loose.db") as loose:
        named = ", ".join(f"{name} {type_}" for name, type_ in COLUMNS.items())
        loose.execute(f"CREATE TABLE loose (id INTEGER PRIMARY KEY, {named})")
        marks = ", ".join("?" * (len(COLUMNS) + 1))
        for row in (FITS, MISFITS, (0, *[None] * 6)):
            loose.execute(f"INSERT INTO loose VALUES ({marks})", (None, *row))
    loose.close()
    options = {"connector": "sqlite", "uri": str(tmp_path / "loose.db"), "misfits": "null"}
    with Placement.of_sources({"notes": options}) as made:
        yield made


def test_what_does_not_fit_is_null_and_what_does_is_there(placement: Placement) -> None:
    table = placement.query("SELECT * FROM loose ORDER BY id")
    assert [field.name for field in table.schema if not field.nullable] == []
    first, second, third = (list(row.values())[1:] for row in table.to_pylist())
    assert [str(value) for value in first] == [
        *("7", "8", "1.5", "12.25", "2026-02-28", "True", "text")
    ]
    assert second == [None] * len(COLUMNS)
    assert third == [0, *[None] * 6]


@pytest.mark.parametrize("pushdown", ["proven", "none"])
@pytest.mark.parametrize("column", COLUMNS)
def test_all_that_reads_it_sees_null(column: str, pushdown: Pushdown, placement: Placement) -> None:
    placement = replace(placement, options=PlanningOptions(pushdown))
    fits = 2 if column == "i" else 1
    answers = {
        f"SELECT count(*) AS n FROM loose WHERE {column} IS NULL": 3 - fits,
        f"SELECT count({column}) AS n FROM loose": fits,
        f"SELECT count(*) AS n FROM (SELECT {column} FROM loose GROUP BY 1) g": fits + 1,
        f"SELECT count(*) AS n FROM loose a JOIN loose b ON a.{column} = b.{column}": fits,
        f"SELECT count(*) AS n FROM loose WHERE {column} = {column}": fits,
        f"SELECT max(id) AS n FROM loose WHERE coalesce({column}, NULL) IS NOT NULL": 2 * fits - 1,
    }
    for sql, expected in answers.items():
        assert placement.query(sql).to_pylist() == [{"n": expected}], sql


@pytest.mark.parametrize("pushdown", ["proven", "none"])
@pytest.mark.parametrize("misfits", ["null", "error"])
@pytest.mark.parametrize(
    ("type_", "value"),
    [
        ("DATE", "-0001-01-01"),
        ("DATE", 2_440_000),
        ("DATE", ""),
        ("DECIMAL(6, 2)", -(2**63)),
        ("DECIMAL(15, 0)", -(2**63)),
        ("DECIMAL(15, 0)", 1e15),
        ("DOUBLE", "1.5.2"),
        ("BIGINT", 1.5),
        ("BOOLEAN", "true"),
    ],
)
def test_what_fits_nearly_does_not(
    type_: str, value: object, misfits: str, pushdown: Pushdown, tmp_path: Path
) -> None:
    with sqlite3.connect(tmp_path / "one.db") as one:
        one.execute(f"CREATE TABLE t (x {type_})")
        one.execute("INSERT INTO t VALUES (?)", (value,))
    one.close()
    options = {"connector": "sqlite", "uri": str(tmp_path / "one.db"), "misfits": misfits}
    with Placement.of_sources({"notes": options}) as made:
        placement = replace(made, options=PlanningOptions(pushdown))
        if misfits == "error":
            with pytest.raises(SourceRejectedError, match=r"column x, row 1, holds"):
                placement.query("SELECT x FROM t")
            return
        assert placement.query("SELECT x FROM t").to_pylist() == [{"x": None}]
        assert placement.query("SELECT count(x) AS n FROM t").to_pylist() == [{"n": 0}]
        assert placement.query("SELECT count(*) AS n FROM t WHERE x IS NULL").to_pylist() == [
            {"n": 1}
        ]
