"""Iceberg tables: catalogs, snapshots, and what goes wrong."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pydantic import ValidationError
from pyiceberg.transforms import (
    IdentityTransform,
)
from pyiceberg.types import (
    StringType,
)

from connectors.contract import TableName
from connectors.errors import (
    ConfigurationError,
    SourceError,
    SourceRejectedError,
    SourceUnavailableError,
    UnknownNameError,
)
from connectors.iceberg import create
from tests.connectors.rest_catalog import TOKEN, rest_catalog
from tests.connectors.warehouse import (
    SALES,
    Warehouse,
    connected,
    data_files,
    local,
    over,
)
from tests.placements import Placement
from tests.s3_server import S3Server, s3_server


def test_a_catalog_and_a_table_by_its_metadata_file(lake: Warehouse) -> None:
    table = lake.write("sales", SALES)
    lake.catalog.create_namespace("far.away")
    lake.catalog.create_table("far.away.notes", pa.schema([("a", pa.int64())]))
    want = [{"land": "at", "n": 2}, {"land": "br", "n": 1}, {"land": "ca", "n": 1}]
    sql = "SELECT land, count(*) AS n FROM sales GROUP BY 1 ORDER BY 1"
    with over(lake) as placement:
        assert placement.query(sql).to_pylist() == want
        assert placement.query('SELECT a FROM lake."far.away".notes').num_rows == 0
    with over(lake, tables={"sales": table.metadata_location}) as placement:
        assert placement.query(sql).to_pylist() == want
    with connected(lake) as connector:
        names = [str(name) for name in connector.tables().names()]
    assert names == ["default.sales", "far.away.notes"]


def test_an_older_snapshot_by_number_time_and_name(lake: Warehouse) -> None:
    table = lake.write("sales", SALES)
    first = table.current_snapshot()
    assert first is not None
    table.append(SALES)
    table.manage_snapshots().create_tag(first.snapshot_id, "audited").commit()
    sql = "SELECT count(*) AS n FROM sales"
    then = datetime.fromtimestamp(first.timestamp_ms / 1000, UTC)
    versions: dict[str, dict[str, object]] = {
        "newest": {},
        "snapshot": {"snapshot": first.snapshot_id},
        "timestamp": {"timestamp": then},
        "tag": {"ref": "audited"},
        "branch": {"ref": "main"},
        "of one table": {"versions": {"default.sales": {"snapshot": first.snapshot_id}}},
    }
    rows, identities = {}, set()
    for what, version in versions.items():
        with over(lake, **version) as placement:
            rows[what] = placement.query(sql)["n"][0].as_py()
        with connected(lake, **version) as connector:
            identities.add(connector.identity)
    assert rows == {
        "newest": 8,
        "snapshot": 4,
        "timestamp": 4,
        "tag": 4,
        "branch": 8,
        "of one table": 4,
    }
    assert len(identities) == len(versions)


@pytest.mark.parametrize(
    "version", [{"snapshot": 5}, {"ref": "none"}, {"timestamp": datetime(2001, 1, 1, tzinfo=UTC)}]
)
def test_a_snapshot_that_is_not_there_is_said_to_be(
    lake: Warehouse, version: dict[str, object]
) -> None:
    lake.write("sales", SALES)
    with (
        over(lake, **version) as placement,
        pytest.raises(SourceRejectedError, match=r"'default.sales' has no (snapshot|ref|timest)"),
    ):
        placement.query("SELECT count(*) AS n FROM sales")


def test_a_version_of_a_table_that_is_not_there_is_no_version_of_another(lake: Warehouse) -> None:
    table = lake.write("sales", SALES)
    wrong = {"default.sale": {"ref": "main"}}
    with (
        connected(lake, versions=wrong) as connector,
        pytest.raises(ConfigurationError, match=r"'default\.sale', .*mean 'default\.sales'"),
    ):
        connector.tables().find(TableName("default", "sales"))
    with pytest.raises(ValidationError, match=r"not in `tables`; did you mean 'default\.sales'"):
        create("lake", {"tables": {"sales": table.metadata_location}, "versions": wrong})
    with pytest.raises(ValidationError, match=r"'sales' is not SCHEMA\.NAME"):
        create("lake", {"properties": {"type": "sql"}, "versions": {"sales": {"ref": "main"}}})


def test_the_nearest_branch_or_snapshot_is_named(lake: Warehouse) -> None:
    snapshot = lake.write("sales", SALES).current_snapshot()
    assert snapshot is not None
    number = snapshot.snapshot_id
    for wrong, meant in (({"ref": "mian"}, "main"), ({"snapshot": number + 1}, str(number))):
        versions = {"default.sales": wrong}
        with (
            connected(lake, versions=versions) as connector,
            pytest.raises(SourceRejectedError, match=f"did you mean '{meant}'"),
        ):
            connector.tables().find(TableName("default", "sales"))


def test_a_snapshot_is_read_by_the_columns_of_its_time(lake: Warehouse) -> None:
    """Also where a column of now has the name that another had then."""
    table = lake.write("sales", pa.table({"a": [1, 2], "b": ["x", "y"]}))
    first = table.current_snapshot()
    assert first is not None
    with table.update_schema() as change:
        change.rename_column("a", "old")
    with table.update_schema() as change:
        change.add_column("a", StringType())
    table.append(pa.table({"old": [3], "b": ["z"], "a": ["new"]}))
    with over(lake, snapshot=first.snapshot_id) as placement:
        answer = placement.query("SELECT * FROM sales WHERE a > 1")
        assert answer.to_pylist() == [{"a": 2, "b": "y"}]
    with over(lake) as placement:
        answer = placement.query("SELECT a, old FROM sales WHERE a = 'new' OR old < 2 ORDER BY 2")
        assert answer.to_pylist() == [{"a": None, "old": 1}, {"a": "new", "old": 3}]


def test_what_others_commit_is_seen(lake: Warehouse) -> None:
    table = lake.write("sales", SALES)
    sql = "SELECT count(*) AS n FROM sales"
    with over(lake) as placement:
        assert placement.query(sql).to_pylist() == [{"n": 4}]
        table.append(SALES)
        assert placement.query(sql).to_pylist() == [{"n": 8}]
        table.delete("land = 'at'")
        assert placement.query(sql).to_pylist() == [{"n": 4}]
        lake.catalog.drop_table("default.sales")
        with pytest.raises(UnknownNameError, match="'sales' does not exist"):
            placement.query(sql)
        lake.write("sales", pa.table({"b": ["x"]}))
        assert placement.query("SELECT * FROM sales").to_pylist() == [{"b": "x"}]


def test_manifests_are_read_once_for_a_snapshot(lake: Warehouse) -> None:
    table = lake.write("sales", SALES)
    with connected(lake) as connector:
        tables, name = connector.tables(), TableName("default", "sales")
        first = tables.load(name)
        assert first is not None
        assert len(first.contents.files) == 1
        again = tables.load(name)
        assert again is not None
        assert again.contents is first.contents
        table.append(SALES)
        newer = tables.load(name)
        assert newer is not None
        assert len(newer.contents.files) == 2


def test_tables_of_a_rest_catalog(lake: Warehouse) -> None:
    lake.write("sales", SALES)
    lake.catalog.create_namespace("far")
    lake.catalog.create_namespace("far.away")
    lake.catalog.create_table("far.away.notes", pa.schema([("a", pa.int64())]))
    with rest_catalog(lake.catalog) as properties:
        source = {"connector": "iceberg", "properties": properties}
        with Placement.of_sources({"lake": source}) as placement:
            answer = placement.query("SELECT sum(id) AS s FROM sales WHERE land <> 'br'")
            assert answer.to_pylist() == [{"s": 7}]
            with pytest.raises(UnknownNameError):
                placement.query("SELECT * FROM lake.default.nothing")
            with pytest.raises(UnknownNameError):
                placement.query("SELECT * FROM lake.nowhere.nothing")
            connector = placement.catalog.sources["lake"].connector
            names = [str(name) for name in connector.tables().names()]
            assert names == ["default.sales", "far.away.notes"]
        refused = {**properties, "token": "not-the-kit-token"}
        with (
            closing(create("lake", {"properties": refused})) as connector,
            pytest.raises(SourceRejectedError, match="lake") as raised,
        ):
            connector.tables().names()
        assert "not-the-kit-token" not in str(raised.value)
    with (
        closing(create("lake", {"properties": properties})) as connector,
        pytest.raises(SourceUnavailableError, match="cannot be reached") as gone,
    ):
        connector.tables().names()
    assert TOKEN not in str(gone.value)


def test_tables_on_s3(tmp_path: Path) -> None:
    with s3_server("bucket") as server:
        files = {
            "warehouse": "s3://bucket/lake",
            "s3.endpoint": server.url,
            "s3.region": "eu-central-1",
            "s3.access-key-id": str(server.storage_options["key"]),
            "s3.secret-access-key": str(server.storage_options["secret"]),
        }
        lake = Warehouse(tmp_path, files)
        lake.partitioned("sales", SALES, {"land": IdentityTransform()})
        sql = "SELECT sum(id) AS s FROM sales WHERE land <> 'br'"
        with over(lake) as placement:
            assert placement.query(sql).to_pylist() == [{"s": 7}]
        _of_many_partitions(lake, server)
        lake.close()


def _of_many_partitions(lake: Warehouse, server: S3Server) -> None:
    """Four manifests of ten files: each manifest is read once, and of the files one."""

    def days(first: int) -> pa.Table:
        numbers = pa.array(range(first, first + 10), pa.int64())
        return pa.table(
            {"day": [f"{number:02}" for number in range(first, first + 10)], "n": numbers}
        )

    table = lake.partitioned("days", days(0), {"day": IdentityTransform()})
    for first in (10, 20, 30):
        table.append(days(first))
    with over(lake) as placement:
        asked: list[tuple[int, int]] = []
        for day, number in (("07", 7), ("07", 7), ("33", 33), ("40", None)):
            before = len(server.requests())
            answer = placement.query(f"SELECT max(n) AS n FROM days WHERE day = '{day}'")
            assert answer.to_pylist() == [{"n": number}]
            requests = {r.split()[1] for r in server.requests()[before:] if r.startswith("GET")}
            manifests = sum(path.endswith(".avro") for path in requests)
            asked.append((manifests, sum(path.endswith(".parquet") for path in requests)))
        # The list of the manifests is one, too.
        assert asked == [(5, 1), (0, 1), (0, 1), (0, 0)]


# What goes wrong.


def test_a_file_that_has_gone_is_named(lake: Warehouse) -> None:
    table = lake.partitioned("sales", SALES, {"land": IdentityTransform()})
    gone = next(path for path in data_files(table) if "by_land=br" in path)
    Path(local(gone)).unlink()
    with over(lake) as placement:
        assert placement.query("SELECT id FROM sales WHERE land = 'ca'").num_rows == 1
        with pytest.raises(SourceError, match=r"by_land=br.*does not exist") as raised:
            placement.query("SELECT id FROM sales")
    assert raised.value.source == "lake"


@pytest.mark.parametrize(
    "what", ["metadata/*.metadata.json", "metadata/snap-*", "metadata/*-m0.avro"]
)
def test_metadata_that_is_broken_or_has_gone_is_said_to_be(lake: Warehouse, what: str) -> None:
    table = lake.write("sales", SALES)
    for path in Path(local(table.location())).glob(what):
        path.write_bytes(b"{ not what it was")
    with over(lake) as placement, pytest.raises(SourceError, match=r"lake.*default.sales"):
        placement.query("SELECT id FROM sales")
    for path in Path(local(table.location())).glob(what):
        path.unlink()
    with over(lake) as placement, pytest.raises(SourceError, match=r"lake.*default.sales"):
        placement.query("SELECT id FROM sales")


def test_a_file_of_a_type_that_cannot_have_become_the_columns_is_refused(lake: Warehouse) -> None:
    table = lake.write("t", pa.table({"id": pa.array([1], pa.int64())}))
    (path,) = data_files(table)
    texts = pa.field("id", pa.string(), True, {"PARQUET:field_id": "1"})
    pq.write_table(pa.table([["1"]], pa.schema([texts])), local(path))
    with over(lake) as placement, pytest.raises(SourceRejectedError, match="'id' is string"):
        placement.query("SELECT id FROM t")


def test_nothing_is_written_where_there_is_no_catalog(tmp_path: Path) -> None:
    properties = {"type": "sql", "uri": f"sqlite:///{tmp_path}/none.db", "warehouse": "/tmp"}
    with closing(create("lake", {"properties": properties})) as connector:
        with pytest.raises(SourceError, match="does not exist"):
            connector.tables().names()
        assert not list(tmp_path.iterdir())
        (tmp_path / "none.db").touch()
        with pytest.raises(SourceError, match="no such table"):
            connector.tables().names()
        assert (tmp_path / "none.db").stat().st_size == 0


def test_options() -> None:
    with pytest.raises(ValidationError, match="one of them"):
        create("lake", {"properties": {"type": "sql"}, "snapshot": 1, "ref": "main"})
    with pytest.raises(ValidationError, match="needs a zone"):
        create("lake", {"properties": {"type": "sql"}, "timestamp": datetime(2026, 1, 1)})
    with pytest.raises(ValidationError, match="needs `properties`"):
        create("lake", {})
    nested = {"type": "rest", "uri": "http://u:hidden-pw@h/", "s3": {"secret": "very secret"}}
    connector = create("lake", {"properties": nested, "default_schema": "x"})
    assert connector.tables().default_schema == "x"
    assert "hidden-pw" not in repr(connector) + connector.identity
    assert connector._access.redact("a very secret, hidden-pw") == "a ***, ***"


@pytest.mark.parametrize(
    ("uri", "shown"),
    [
        (
            "postgresql+psycopg2://db/cat?user=u&password=hunter22secret",
            "postgresql+psycopg2://db/cat",
        ),
        ("postgresql://db:5432/cat?password=at@hunter22secret", "postgresql://db:5432/cat"),
        ("postgresql://[::1]:5432/cat?password=at@hunter22secret", "postgresql://[::1]:5432/cat"),
        ("postgresql://u:x/hunter22secret@db/c?a=b@c", "postgresql://***@db/c"),
        ("postgresql://u:hunter22secret@db/c@d?a=b@c", "postgresql://***@db/c@d"),
        ("https://hunter22secret@host/api", "https://***@host/api"),
        ("https://cat/api?token=hunter22secret", "https://cat/api"),
        ("https://u:p@cat/api", "https://***@cat/api"),
        ("abfss://container@account/tables", "abfss://container@account/tables"),
        ("sqlite:////data/catalog.db", "sqlite:////data/catalog.db"),
    ],
)
@pytest.mark.parametrize("key", ["uri", "warehouse", "tables"])
def test_no_login_and_no_parameter_of_a_url_is_shown(uri: str, shown: str, key: str) -> None:
    options = {"tables": {"t": uri}} if key == "tables" else {"properties": {key: uri}}
    connector = create("lake", options)
    assert repr(connector).startswith(f"IcebergConnector('lake', '{shown}")
    assert connector.identity.startswith(f"iceberg:{shown}")
    assert "hunter22secret" not in repr(connector) + connector.identity
    assert "hunter22secret" not in connector._access.redact(f"cannot reach {uri}")


def test_sources_of_other_logins_are_not_one() -> None:
    made = [
        create("lake", {"properties": {"type": "rest", "uri": f"https://{who}@cat/api"}}).identity
        for who in ("anna", "anna", "otto")
    ]
    assert made[0] == made[1] != made[2]
