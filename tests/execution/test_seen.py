"""What ran corrects what is planned next: rows are remembered by the shapes of relations."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest

from connectors import registry
from connectors.errors import SourceError
from connectors.memory import MemoryConnector
from execution.engine import Engine, EngineSettings
from planner.catalog import Catalog, Source
from planner.expressions import InKeys
from planner.parse import parse
from planner.plan import Plan
from planner.planning import plan_query
from planner.relations import Call, Field, FieldRef, Filter, Literal, Read
from planner.seen import MOST_SHAPES, SeenRows
from planner.selectivity import EQUALITY
from tests.placements import Placement

ROWS = 50_000
SQL = "SELECT a.id FROM shop.things a JOIN near.places p ON p.id = a.id WHERE a.kind = 'x'"


@pytest.fixture
def placement(tmp_path: Path) -> Iterator[Placement]:
    """All things are of one kind, which nothing that SQLite knows says."""
    file = tmp_path / "things.db"
    with contextlib.closing(sqlite3.connect(file)) as database, database:
        database.execute("CREATE TABLE things (id INTEGER NOT NULL, kind TEXT NOT NULL)")
        rows = ((number, "x") for number in range(ROWS))
        database.executemany("INSERT INTO things VALUES (?, ?)", rows)
        database.execute("CREATE TABLE broken AS SELECT * FROM things")
        database.execute("INSERT INTO broken VALUES ('no number', 'x')")
    things = registry.create("sqlite", "shop", {"uri": str(file)})
    places = pa.table({"id": pa.array([1, 2, 3], pa.int64())})
    sources = [
        Source("shop", things),
        Source("near", MemoryConnector("near", {"places": places})),
    ]
    catalog = Catalog(sources)
    engine = Engine(EngineSettings(target_partitions=2), catalog)
    try:
        yield Placement(catalog, engine)
    finally:
        engine.close()
        things.close()


def expected(plan: Plan) -> float | None:
    """The rows that the shop would send without keys."""
    (fragment,) = (f for f in plan.fragments if f.source == "shop")
    kept = fragment.estimate if fragment.reduction is None else fragment.reduction.estimate
    return kept.rows


def test_the_rows_of_a_fragment_are_expected_the_next_time(placement: Placement) -> None:
    first = placement.plan(SQL)
    assert expected(first) == EQUALITY * ROWS
    assert not placement.catalog.seen.refutes(first)
    placement.run(first)
    assert placement.catalog.seen.refutes(first)
    second = placement.plan(SQL)
    assert expected(second) == ROWS
    assert not placement.catalog.seen.refutes(second)
    assert expected(placement.plan(SQL.replace("'x'", "'y'"))) == expected(first)


def test_what_failed_is_not_remembered(placement: Placement) -> None:
    plan = placement.plan(SQL.replace("things", "broken"))
    with pytest.raises(SourceError):
        placement.run(plan)
    assert not placement.catalog.seen.refutes(plan)


def test_a_catalog_with_other_links_remembers_the_same(placement: Placement) -> None:
    placement.run(placement.plan(SQL))
    link = placement.catalog.sources["shop"].link
    slow = type(link)(rtt_seconds=1.0, bytes_per_second=link.bytes_per_second)
    assert expected(plan_query(parse(SQL), placement.catalog.linked({"shop": slow}))) == ROWS


def test_equal_relations_have_one_shape_whatever_their_names() -> None:
    def read(name: str, column: str = "a") -> Read:
        return Read(("shop", "main", name), (Field(column, pa.int64()),), (0,))

    value = FieldRef(0, pa.int64())
    assert read("t").shape == read("t").shape != read("u").shape
    minus_one, minus_two = (
        Filter(read("t"), Call("equal", (value, Literal(n, pa.int64())), pa.bool_()))
        for n in (-1, -2)
    )
    assert minus_one.shape != minus_two.shape
    # What a stage holds is another thing in each statement.
    assert Read(("k1",), (Field("a", pa.int64()),), (0,)).shape is None
    assert Filter(read("t"), InKeys(value, "k1", 0, 3.0)).shape is None


def test_the_memory_is_bounded_and_forgets_the_oldest() -> None:
    seen = SeenRows()
    relations = [Read(("s", "m", f"t{n}"), (Field("a", pa.int64()),), (0,)) for n in (1, 2)]
    for relation in relations:
        assert relation.shape is not None
        seen.note(relation.shape, 5.0)
    for number in range(MOST_SHAPES - 1):
        seen.note(number.to_bytes(16, "big"), 1.0)
    assert [seen.of(relation) for relation in relations] == [None, 5.0]
