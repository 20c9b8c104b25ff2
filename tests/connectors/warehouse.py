"""Iceberg tables for tests: an SQL catalog in one file, and a folder of data, as pyiceberg writes.

Owns the writing; also of deletes beside the data, which pyiceberg itself does not write.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyiceberg.catalog import Catalog
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.manifest import (
    DataFile,
    DataFileContent,
    FileFormat,
    ManifestContent,
    ManifestWriter,
    ManifestWriterV2,
)
from pyiceberg.partitioning import PartitionSpec
from pyiceberg.table import Table
from pyiceberg.table.snapshots import Operation
from pyiceberg.table.update.snapshot import _FastAppendFiles
from pyiceberg.transforms import Transform
from pyiceberg.typedef import Record
from pyroaring import BitMap

from connectors.contract import TableName, TableScan
from connectors.iceberg import IcebergConnector, create
from tests.placements import Placement

SCHEMA = "default"

SALES = pa.table(
    {
        "id": pa.array([1, 2, 3, 4], pa.int64()),
        "land": ["at", "at", "br", "ca"],
        "f": [1.0, float("nan"), None, 2.0],
    }
)


@dataclass
class Warehouse:
    """A catalog below a folder, with one namespace.

    Attributes:
        other: properties beside those of a warehouse below the same folder, or in their place.
    """

    root: Path
    other: Mapping[str, str] = field(default_factory=dict)
    catalog: Catalog = field(init=False)

    def __post_init__(self) -> None:
        self.root.mkdir(parents=True, exist_ok=True)
        self.catalog = SqlCatalog("default", **self.properties)
        self.catalog.create_namespace(SCHEMA)

    @property
    def properties(self) -> dict[str, str]:
        """As pyiceberg and the connector take them."""
        return {
            "type": "sql",
            "uri": f"sqlite:///{self.root}/catalog.db",
            "warehouse": f"file://{self.root}",
            **self.other,
        }

    def write(
        self, name: str, rows: pa.Table, properties: Mapping[str, str] | None = None
    ) -> Table:
        """A new table of these rows, all columns optional."""
        table = self.catalog.create_table(
            (SCHEMA, name), rows.schema, properties=dict(properties or {})
        )
        table.append(rows)
        return table

    def partitioned(
        self, name: str, rows: pa.Table, by: Mapping[str, Transform], **properties: str
    ) -> Table:
        """A new table that is partitioned by transforms of columns."""
        table = self.catalog.create_table((SCHEMA, name), rows.schema, properties=properties)
        with table.update_spec() as change:
            for column, transform in by.items():
                change.add_field(column, transform, f"by_{column}")
        table.append(rows)
        return table

    def close(self) -> None:
        self.catalog.close()


@contextmanager
def over(lake: Warehouse, **options: object) -> Iterator[Placement]:
    """Planner and engine over its tables, as the source `lake`."""
    source = {"connector": "iceberg", "properties": lake.properties, **options}
    with Placement.of_sources({"lake": source}) as placement:
        yield placement


@contextmanager
def connected(lake: Warehouse, **options: object) -> Iterator[IcebergConnector]:
    """A connector to its tables."""
    with closing(create("lake", {"properties": lake.properties, **options})) as connector:
        yield connector


def files_read(connector: IcebergConnector, table: str, condition: pc.Expression) -> int:
    """How many files a scan with this filter reads."""
    name = TableName(SCHEMA, table)
    assert connector.tables().find(name) is not None
    scan = TableScan(name, (), condition)
    return len(connector._target(scan, pa.schema([])).fragments)


def local(location: str) -> str:
    """The path of a file on this disk."""
    return location.removeprefix("file://")


def data_files(table: Table) -> list[str]:
    """The paths of a table's data files, in the order in which they are listed."""
    return [task.file.file_path for task in table.scan().plan_files()]


def delete_positions(table: Table, path: str, positions: Sequence[int]) -> None:
    """Commit a file that deletes rows of a data file by their positions."""
    fields = [
        pa.field("file_path", pa.string(), False, {"PARQUET:field_id": "2147483546"}),
        pa.field("pos", pa.int64(), False, {"PARQUET:field_id": "2147483545"}),
    ]
    rows = pa.table([pa.array([path] * len(positions)), pa.array(positions)], pa.schema(fields))
    at = f"{table.location()}/data/deletes-{len(table.history())}.parquet"
    pq.write_table(rows, local(at))
    _commit(table, at, FileFormat.PARQUET, DataFileContent.POSITION_DELETES, len(positions))


def delete_by_vector(table: Table, path: str, positions: Sequence[int]) -> None:
    """Commit a deletion vector for a data file: a Puffin file of one roaring bitmap."""
    bitmap = bytes.fromhex("d1d33964") + (1).to_bytes(8, "little") + bytes(4)
    bitmap += BitMap(positions).serialize()
    blob = len(bitmap).to_bytes(4, "big") + bitmap + zlib.crc32(bitmap).to_bytes(4, "big")
    described = {
        "type": "deletion-vector-v1",
        "fields": [],
        "snapshot-id": -1,
        "sequence-number": -1,
        "offset": 4,
        "length": len(blob),
        "properties": {"referenced-data-file": path, "cardinality": str(len(positions))},
    }
    footer = json.dumps({"blobs": [described]}).encode()
    end = len(footer).to_bytes(4, "little") + bytes(4) + b"PFA1"
    at = f"{table.location()}/data/deletes-{len(table.history())}.puffin"
    Path(local(at)).write_bytes(b"PFA1" + blob + b"PFA1" + footer + end)
    _commit(table, at, FileFormat.PUFFIN, DataFileContent.POSITION_DELETES, len(positions))


def delete_by_values(table: Table, column: str, values: pa.Array) -> None:
    """Commit a file that deletes the rows that have one of these values in a column."""
    number = table.schema().find_field(column).field_id
    schema = pa.schema([pa.field(column, values.type, True, {"PARQUET:field_id": str(number)})])
    at = f"{table.location()}/data/deletes-{len(table.history())}.parquet"
    pq.write_table(pa.table([values], schema), local(at))
    kind = DataFileContent.EQUALITY_DELETES
    _commit(table, at, FileFormat.PARQUET, kind, len(values), [number])


def _commit(
    table: Table,
    path: str,
    format_: FileFormat,
    content: DataFileContent,
    rows: int,
    columns: list[int] | None = None,
) -> None:
    file = DataFile.from_args(
        content=content,
        file_path=path,
        file_format=format_,
        partition=Record(),
        record_count=rows,
        file_size_in_bytes=Path(local(path)).stat().st_size,
        equality_ids=columns,
        spec_id=table.spec().spec_id,
    )
    with table.transaction() as transaction:
        added = _AddedDeletes(Operation.DELETE, transaction, table.io)
        added.append_data_file(file)
        added.commit()


class _DeletesWriter(ManifestWriterV2):
    def content(self) -> ManifestContent:
        return ManifestContent.DELETES

    @property
    def _meta(self) -> dict[str, str]:
        return {**super()._meta, "content": "deletes"}


class _AddedDeletes(_FastAppendFiles):
    """A snapshot that adds deletes to those before it."""

    def new_manifest_writer(self, spec: PartitionSpec) -> ManifestWriter:
        output, number = self.new_manifest_output(), self.snapshot_id
        return _DeletesWriter(spec, self.schema(), output, number, self._compression)
