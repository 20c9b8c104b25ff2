"""The reference connector: what an author reads first must keep the whole contract."""

from __future__ import annotations

import time

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from connectors.contract import Connector, Fragment, SqlQuery, Table, TableName, TableScan
from connectors.errors import (
    CancelledError,
    DeadlineError,
    SourceSchemaChangedError,
    UnsupportedError,
)
from connectors.memory import MemoryConnector

PEOPLE = TableName("main", "people")


@pytest.fixture
def connector() -> MemoryConnector:
    people = pa.table(
        {
            "id": pa.array([1, 2, 3, 4], pa.int32()),
            "name": pa.array(["ada", "bob", None, "dan"], pa.string_view()),
            "town": pa.array(["x", "y", "y", "x"], pa.large_string()),
        },
        metadata={"pandas": "{}"},
    )
    noted = people.schema.field("town").with_metadata({"note": "x"})
    people = people.cast(people.schema.set(2, noted))
    return MemoryConnector("here", {"people": people})


def table_of(connector: MemoryConnector) -> Table:
    table = connector.tables().find(PEOPLE)
    assert table is not None
    return table


def scan(connector: MemoryConnector, *columns: str, **more: object) -> Fragment:
    schema = pa.schema([table_of(connector).schema.field(c) for c in columns])
    return Fragment(TableScan(PEOPLE, columns, **more), schema)  # type: ignore[arg-type]


def read(connector: MemoryConnector, fragment: Fragment) -> pa.Table:
    return pa.Table.from_batches(connector.execute(fragment, None), fragment.schema)


def test_it_is_a_connector(connector: MemoryConnector) -> None:
    assert isinstance(connector, Connector)
    assert connector.capabilities.dialect is None
    assert connector.tables().names() == [PEOPLE]
    assert connector.tables().find(TableName("main", "nothing")) is None


def test_every_string_is_declared_and_yielded_as_plain_string(connector: MemoryConnector) -> None:
    types = {c.name: c.type for c in table_of(connector).columns}
    assert types == {"id": pa.int32(), "name": pa.string(), "town": pa.string()}
    batch = next(iter(connector.execute(scan(connector, "town", "name"), None)))
    assert batch.schema.equals(
        pa.schema([("town", pa.string()), ("name", pa.string())]), check_metadata=True
    )


def test_scan_projects_filters_and_limits(connector: MemoryConnector) -> None:
    kept = read(connector, scan(connector, "id", filter=pc.field("town") == "y"))
    assert kept.to_pydict() == {"id": [2, 3]}
    assert read(connector, scan(connector, "id", limit=3)).num_rows == 3
    assert read(connector, scan(connector, "id", limit=0)).num_rows == 0


def test_no_columns_still_count_rows(connector: MemoryConnector) -> None:
    batches = list(connector.execute(scan(connector, filter=pc.field("id") > 1), None))
    assert sum(batch.num_rows for batch in batches) == 3


def test_statistics_are_exact(connector: MemoryConnector) -> None:
    statistics = connector.statistics(PEOPLE)
    assert statistics.rows == 4
    name = statistics.columns["name"]
    assert (name.distinct, name.null_fraction) == (3, 0.25)
    assert (name.minimum, name.maximum) == ("ada", "dan")
    assert statistics.columns["id"].width_bytes == 4
    assert connector.statistics(TableName("main", "nothing")).rows is None


def test_what_it_cannot_run_is_refused_before_it_starts(connector: MemoryConnector) -> None:
    with pytest.raises(UnsupportedError):
        connector.execute(Fragment(SqlQuery("SELECT 1"), pa.schema([])), None)
    with pytest.raises(UnsupportedError):
        connector.execute(scan(connector, "id", filter=pc.field("town") == 3), None)
    with pytest.raises(SourceSchemaChangedError):
        connector.execute(Fragment(TableScan(PEOPLE, ("age",)), pa.schema([])), None)


def test_cancel_and_deadline_end_a_scan(connector: MemoryConnector) -> None:
    batches = connector.execute(scan(connector, "id"), None)
    batches.cancel()
    with pytest.raises(CancelledError):
        list(batches)
    batches.close()
    batches.close()
    with pytest.raises(DeadlineError):
        list(connector.execute(scan(connector, "id"), time.monotonic() - 1))


def test_two_sources_are_never_the_same(connector: MemoryConnector) -> None:
    assert connector.identity != MemoryConnector("here", {}).identity
