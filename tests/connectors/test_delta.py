"""Delta tables: versions, what is left out by the log, and what goes wrong."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from deltalake import DeltaTable, write_deltalake
from pydantic import ValidationError

from connectors.contract import TableName, TableScan
from connectors.delta import DeltaConnector, DeltaOptions, create
from connectors.errors import (
    ConfigurationError,
    SourceError,
    SourceRejectedError,
    UnknownNameError,
)
from tests.placements import Placement
from tests.s3_server import s3_server

SALES = pa.table(
    {
        "id": pa.array([1, 2, 3, 4], pa.int64()),
        "land": ["at", "at", "br", "ca"],
        "f": [1.0, float("nan"), None, 2.0],
    }
)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """One table, with three files by `land`, and what is no table."""
    write_deltalake(str(tmp_path / "sales"), SALES, partition_by=["land"])
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "notes.txt").write_text("not a table")
    return tmp_path


@contextmanager
def _over(root: object, **options: object) -> Iterator[Placement]:
    source = {"connector": "delta", "root": str(root), **options}
    with Placement.of_sources({"lake": source}) as placement:
        yield placement


def _connector(root: Path, **options: object) -> DeltaConnector:
    return DeltaConnector("lake", DeltaOptions.model_validate({"root": str(root), **options}))


def test_a_folder_of_tables_and_a_table_itself(root: Path) -> None:
    for at in (root, root / "sales"):
        with _over(at) as placement:
            answer = placement.query("SELECT land, count(*) AS n FROM sales GROUP BY 1 ORDER BY 1")
            assert answer.to_pylist() == [
                {"land": "at", "n": 2},
                {"land": "br", "n": 1},
                {"land": "ca", "n": 1},
            ]
    assert [str(name) for name in _connector(root).tables().names()] == ["main.sales"]


def test_files_are_left_out_by_partition_and_by_bounds(root: Path) -> None:
    connector, name = _connector(root), TableName("main", "sales")
    table = connector.tables().find(name)
    assert table is not None

    def files(condition: pc.Expression) -> int:
        scan = TableScan(name, ("id",), condition)
        schema = pa.schema([table.schema.field("id")])
        return len(connector._target(scan, schema).fragments)

    assert files(pc.field("land") == "at") == 1
    assert files(pc.field("id") >= 3) == 2
    assert files(pc.field("id") > 9) == 0
    connector.close()


def test_nan_is_found_whatever_the_log_says_of_its_file(root: Path) -> None:
    with _over(root) as placement:
        assert placement.query("SELECT id FROM sales WHERE f > 5").to_pylist() == [{"id": 2}]
        assert str(placement.query("SELECT max(f) AS m FROM sales").to_pylist()) == "[{'m': nan}]"


def test_decimals_are_found_that_the_log_has_rounded(tmp_path: Path) -> None:
    """Its bounds are JSON numbers; a partition's value is a text, and exact."""
    value = Decimal("12345678901234567.89")
    held = pa.decimal128(20, 2)
    rows = {"n": pa.array([value, value + 1], held), "p": pa.array([value, None], held)}
    write_deltalake(str(tmp_path / "t"), pa.table(rows | {"k": [1, 2]}), partition_by=["p"])
    with _over(tmp_path) as placement:
        for column in ("n", "p"):
            sql = f"SELECT k, p FROM t WHERE {column} = CAST('{value}' AS DECIMAL(20, 2))"
            assert placement.query(sql).to_pylist() == [{"k": 1, "p": value}]
        assert placement.query("SELECT k FROM t WHERE p IS NULL").to_pylist() == [{"k": 2}]


def test_statistics_are_those_of_the_log(root: Path) -> None:
    statistics = _connector(root).statistics(TableName("main", "sales"))
    assert statistics.rows == 4
    assert (statistics.columns["id"].minimum, statistics.columns["id"].maximum) == (1, 4)
    assert statistics.columns["f"].null_fraction == 0.25


def test_an_older_version_by_number_and_by_time(root: Path) -> None:
    path = str(root / "sales")
    write_deltalake(path, SALES.slice(0, 1), mode="append")
    first = DeltaTable(path).history()[-1]["timestamp"]
    then = datetime.fromtimestamp(first / 1000, UTC)
    sql = "SELECT count(*) AS n FROM sales"
    with _over(root) as newest, _over(root, version=0) as zeroth:
        assert newest.query(sql).to_pylist() == [{"n": 5}]
        assert zeroth.query(sql).to_pylist() == [{"n": 4}]
    with _over(root, timestamp=then) as at_first:
        assert at_first.query(sql).to_pylist() == [{"n": 4}]
    identities = {_connector(root, **at).identity for at in ({}, {"version": 0}, {"version": 1})}
    assert len(identities) == 3


def test_a_moment_that_has_not_passed_is_asked_for_again(root: Path) -> None:
    soon = "SELECT count(*) AS n FROM sales FOR TIMESTAMP AS OF '2100-01-01'"
    with _over(root) as placement:
        assert placement.query(soon).to_pylist() == [{"n": 4}]
        write_deltalake(str(root / "sales"), SALES, mode="append")
        assert placement.query(soon).to_pylist() == [{"n": 8}]


def test_before_its_first_version_there_is_no_table(root: Path) -> None:
    first = DeltaTable(str(root / "sales")).history()[-1]["timestamp"]
    then = datetime.fromtimestamp(first / 1000, UTC)
    sql = "SELECT count(*) AS n FROM sales FOR TIMESTAMP AS OF '{}'"
    with _over(root) as placement:
        assert placement.query(sql.format(then)).to_pylist() == [{"n": 4}]
        for before in ("2001-01-01", then - timedelta(milliseconds=1)):
            with pytest.raises(SourceRejectedError, match="'sales' has no version of"):
                placement.query(sql.format(before))


def test_a_new_version_is_seen(root: Path) -> None:
    sql = "SELECT count(*) AS n FROM sales"
    with _over(root) as placement:
        assert placement.query(sql).to_pylist() == [{"n": 4}]
        write_deltalake(str(root / "sales"), SALES, mode="append")
        assert placement.query(sql).to_pylist() == [{"n": 8}]
        shutil.rmtree(root / "sales")
        with pytest.raises(UnknownNameError, match="'sales' does not exist"):
            placement.query(sql)


@pytest.mark.parametrize("only_log", [False, True])
def test_a_table_that_was_dropped_and_made_again_is_the_new_one(
    tmp_path: Path, *, only_log: bool
) -> None:
    """Its log has as many versions as before; the old files may still be there."""
    path, sql = tmp_path / "t", "SELECT sum(a) AS s FROM t"

    def make(*files: int) -> None:
        for value in files:
            write_deltalake(str(path), pa.table({"a": [value]}), mode="append")

    make(1, 2)
    with _over(tmp_path) as placement:
        for values, dropped in (
            ((10, 20), True),
            ((30,), False),
            ((100,), True),
            ((2, 3, 4), True),
        ):
            before = placement.query(sql)["s"][0].as_py()
            if dropped:
                before = 0
                shutil.rmtree(path / "_delta_log" if only_log else path)
            make(*values)
            assert placement.query(sql)["s"][0].as_py() == before + sum(values)
        shutil.rmtree(path)
        write_deltalake(str(path), pa.table({"b": ["x"]}))
        assert placement.query("SELECT * FROM t").to_pylist() == [{"b": "x"}]


def test_what_one_table_waits_for_is_nothing_to_another(root: Path) -> None:
    write_deltalake(str(root / "quick"), SALES)
    tables = _connector(root).tables()
    slow, quick = TableName("main", "sales"), TableName("main", "quick")
    assert tables.load(slow) is not None
    with tables._known["sales"].asking, ThreadPoolExecutor(1) as other:
        assert other.submit(tables.load, quick).result(timeout=30) is not None
        assert other.submit(tables.known, slow).result(timeout=30) is not None


def test_a_file_that_has_gone_is_named(root: Path) -> None:
    with _over(root) as placement:
        (file,) = (root / "sales" / "land=br").iterdir()
        file.unlink()
        assert placement.query("SELECT id FROM sales WHERE land = 'ca'").num_rows == 1
        with pytest.raises(SourceError, match=r"land=br.*does not exist") as raised:
            placement.query("SELECT id FROM sales")
    assert raised.value.source == "lake"


@pytest.mark.parametrize("broken", [b"{ not json", b"\x00\x01", b"", None])
def test_a_log_that_is_broken_is_said_to_be(broken: bytes | None, root: Path) -> None:
    """In one line, with the file of the log, unless that is what is missing."""
    log = root / "sales" / "_delta_log"
    write_deltalake(str(root / "sales"), SALES, mode="append")
    first = log / f"{0:020}.json"
    first.unlink() if broken is None else first.write_bytes(broken)
    with _over(root) as placement, pytest.raises(SourceRejectedError) as raised:
        placement.query("SELECT id FROM lake.main.sales")
    said = "the log 'sales/_delta_log'" if broken is None else f"'sales/_delta_log/{first.name}'"
    assert f"source 'lake', table main.sales: {said} cannot be read: " in str(raised.value)
    assert not re.search(r"\n|<unknown>|nptl", str(raised.value))


def test_a_checkpoint_that_is_cut_off_is_named(root: Path) -> None:
    DeltaTable(str(root / "sales")).create_checkpoint()
    (checkpoint,) = (root / "sales" / "_delta_log").glob("*.checkpoint.parquet")
    checkpoint.write_bytes(checkpoint.read_bytes()[:100])
    with _over(root) as placement, pytest.raises(SourceRejectedError, match=checkpoint.name):
        placement.query("SELECT id FROM lake.main.sales")


def test_deleted_rows_are_not_read_as_if_they_were_there(root: Path) -> None:
    """A table with deletion vectors is refused, and says which feature it needs."""
    path = root / "deleted"
    write_deltalake(str(path), SALES, configuration={"delta.enableDeletionVectors": "true"})
    with _over(root) as placement, pytest.raises(SourceError, match="deletionVectors"):
        placement.query("SELECT id FROM deleted")


def test_mapped_columns_are_not_read_as_if_they_were_null(root: Path) -> None:
    """Their names in the files are others, which the log's reader does not look for."""
    by_name = {"delta.columnMapping.mode": "name", "delta.minReaderVersion": "2"}
    by_name["delta.minWriterVersion"] = "5"
    write_deltalake(str(root / "mapped"), SALES, configuration=by_name)
    with (
        _over(root) as placement,
        pytest.raises(SourceRejectedError, match=r"mapped'.*columnMapping.*by name"),
    ):
        placement.query("SELECT id FROM mapped")


def test_tables_on_s3() -> None:
    with s3_server("bucket") as server:
        options = {
            "AWS_ENDPOINT_URL": server.url,
            "AWS_ALLOW_HTTP": "true",
            "AWS_REGION": "eu-central-1",
            "AWS_ACCESS_KEY_ID": str(server.storage_options["key"]),
            "AWS_SECRET_ACCESS_KEY": str(server.storage_options["secret"]),
        }
        write_deltalake("s3://bucket/lake/sales", SALES, storage_options=options)
        with _over("s3://bucket/lake", storage_options=server.storage_options) as placement:
            answer = placement.query("SELECT sum(id) AS s FROM sales WHERE land <> 'br'")
            assert answer.to_pylist() == [{"s": 7}]


def test_credentials_that_were_renewed_are_used() -> None:
    with s3_server("bucket") as server:
        options = {"root": "s3://bucket/lake", "storage_options": server.storage_options}
        connector, name = create("lake", options), TableName("main", "sales")
        with closing(connector):
            access = connector._location.object_store_options()
            write_deltalake("s3://bucket/lake/sales", SALES, storage_options=access)
            tables = connector.tables()
            before, again = tables.load(name), tables.load(name)
            assert before is not None
            assert again is before
            connector._location.filesystem.key = "AKIDRENEWED"
            after = tables.load(name)
            assert after is not None
            log = tables._known["sales"].log
            assert log is not None
            assert log.access["AWS_ACCESS_KEY_ID"] == "AKIDRENEWED"
            # The files hold a client of their own, with the credentials of then.
            assert after.files is not before.files


def test_options() -> None:
    with pytest.raises(ValidationError, match="not both"):
        create("lake", {"root": ".", "version": 1, "timestamp": datetime.now(UTC)})
    with pytest.raises(ValidationError, match="needs a zone"):
        create("lake", {"root": ".", "timestamp": datetime(2026, 1, 1)})
    with pytest.raises(ConfigurationError, match="local disk or S3"):
        create("lake", {"root": "memory://lake"})
