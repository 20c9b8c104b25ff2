"""The flightsql connector over a server that is no Crosswind: scans, types, lies, logins, TLS."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa
import pytest
import trustme

from connectors.adbc.flightsql import FlightsqlConnector, create
from connectors.contract import Fragment, SqlQuery, Table, TableName, TableScan
from connectors.errors import (
    SourceError,
    SourceRejectedError,
    SourceSchemaChangedError,
    SourceUnavailableError,
    UnsupportedError,
)
from tests.connectors.foreign_server import PASSWORD, TOKEN, USER, ForeignServer, foreign_server
from tests.placements import Placement, pushed

TABLES = (
    "SET timezone = 'UTC'",
    "SET produce_arrow_string_view = true",
    "SET arrow_lossless_conversion = true",
    "CREATE TYPE mood AS ENUM ('sad', 'glad')",
    """CREATE TABLE t AS SELECT i, 'x' || i AS s, i % 3 AS k,
         CASE WHEN i % 2 = 0 THEN 'glad'::mood END AS m FROM range(10) r(i)""",
    """CREATE TABLE forms (m mood, s VARCHAR, b BLOB, l VARCHAR[],
         st STRUCT(x INTEGER, y VARCHAR[]), f INTEGER[2], u UUID, d DECIMAL(9, 2),
         tz TIMESTAMPTZ, mp MAP(VARCHAR, INTEGER))""",
    """INSERT INTO forms VALUES ('glad', 'é', 'xy', ['a', NULL], {'x': 1, 'y': ['b']}, [1, 2],
         'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', -1.25, '2024-02-29 01:02:03+00', MAP {'a': 1}),
         (NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)""",
    "CREATE TABLE a_b AS SELECT 1 AS good",
    "CREATE TABLE aXb AS SELECT 'wrong' AS bad",
    "CREATE TABLE nothing (i INTEGER, s VARCHAR)",
)


@pytest.fixture(scope="module")
def running() -> Iterator[ForeignServer]:
    with foreign_server(*TABLES) as server:
        yield server


@pytest.fixture
def far(running: ForeignServer) -> Iterator[ForeignServer]:
    running.asked.clear()
    yield running
    running.sends, running.lists = None, True


@pytest.fixture
def connect(far: ForeignServer) -> Iterator[Callable[..., FlightsqlConnector]]:
    made: list[FlightsqlConnector] = []

    def make(uri: str = "", **options: object) -> FlightsqlConnector:
        made.append(create("west", {"uri": uri or url(far), **options}))
        return made[-1]

    yield make
    for connector in made:
        connector.close()


def url(server: ForeignServer, scheme: str = "grpc") -> str:
    return f"{scheme}://127.0.0.1:{server.port}"


def table(connector: FlightsqlConnector, name: str) -> Table:
    found = connector.tables().find(TableName("main", name))
    assert found is not None
    return found


def scan(connector: FlightsqlConnector, name: str, *columns: str) -> pa.Table:
    found = table(connector, name).schema
    schema = pa.schema([found.field(column) for column in columns])
    batches = connector.execute(Fragment(TableScan(TableName("main", name), columns), schema), None)
    return pa.Table.from_batches(list(batches), schema)


# --- catalog and types ---


def test_one_catalog_has_its_schemas_names(connect: Callable[..., FlightsqlConnector]) -> None:
    tables = connect().tables()
    assert [str(name) for name in tables.names()] == [
        *("main.aXb", "main.a_b", "main.forms", "main.nothing", "main.t"),
    ]
    assert tables.find(TableName("", "t")) == tables.find(TableName("main", "t"))
    assert tables.find(TableName("main", "nowhere")) is None


@pytest.mark.parametrize("listed", [False, True])
def test_a_name_is_no_pattern(listed: bool, connect: Callable[..., FlightsqlConnector]) -> None:
    connector = connect()
    if listed:
        connector.tables().names()
    assert table(connector, "a_b").schema.names == ["good"]
    assert connector.tables().find(TableName("main", "a__")) is None


def test_a_server_that_lists_nothing_has_the_tables_that_are_named(
    far: ForeignServer, connect: Callable[..., FlightsqlConnector]
) -> None:
    far.lists = False
    with pytest.raises(SourceError, match="'west'"):
        connect().tables().names()
    connector = connect(tables=["t", "main.a_b", "nowhere"])
    assert [str(name) for name in connector.tables().names()] == [".nowhere", ".t", "main.a_b"]
    found = connector.tables().find(TableName("", "t"))
    assert found is not None
    assert found.schema.names == ["i", "s", "k", "m"]
    assert connector.tables().find(TableName("", "nowhere")) is None
    assert connector.tables().find(TableName("main", "forms")) is None


def test_columns_have_plain_types_and_say_what_is_lost(
    connect: Callable[..., FlightsqlConnector],
) -> None:
    found = table(connect(), "forms")
    text, number = pa.string(), pa.int32()
    assert dict(zip(found.schema.names, found.schema.types, strict=True)) == {
        "m": text,
        "s": text,
        "b": pa.binary(),
        "l": pa.list_(text),
        "st": pa.struct([("x", number), ("y", pa.list_(text))]),
        "f": pa.list_(number),
        "u": pa.binary(),
        "d": pa.decimal128(9, 2),
        "tz": pa.timestamp("us", "UTC"),
        "mp": pa.map_(text, number),
    }
    assert {column.name: column.lost for column in found.columns if column.lost} == {
        "f": "that every list has 2 values",
        "u": "that it is arrow.uuid",
    }


def test_values_of_every_form_arrive(connect: Callable[..., FlightsqlConnector]) -> None:
    first, second = scan(connect(), "forms", "m", "s", "b", "l", "st", "f", "u", "mp").to_pylist()
    assert first == {
        "m": "glad",
        "s": "é",
        "b": b"xy",
        "l": ["a", None],
        "st": {"x": 1, "y": ["b"]},
        "f": [1, 2],
        "u": uuid.UUID("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11").bytes,
        "mp": [("a", 1)],
    }
    assert set(map(str, second.values())) == {"None"}


def test_nothing_is_known_of_its_tables(connect: Callable[..., FlightsqlConnector]) -> None:
    connector = connect()
    assert table(connector, "t")
    assert connector.statistics(TableName("main", "t")).rows is None


# --- pushdown ---


@pytest.mark.parametrize(
    ("sql", "rows", "asked"),
    [
        ("SELECT s FROM t WHERE i = 3", 1, 'SELECT "i", "s" FROM "abroad"."main"."t"'),
        ("SELECT count(*) FROM t", 1, "SELECT "),
        ("SELECT k, count(*) FROM t GROUP BY k", 3, 'SELECT "k" FROM "abroad"."main"."t"'),
        ("SELECT i FROM t LIMIT 2", 2, 'SELECT "i" FROM "abroad"."main"."t" LIMIT 2'),
        ("SELECT m FROM t WHERE m = 'glad'", 5, 'SELECT "m" FROM "abroad"."main"."t"'),
        ("SELECT * FROM nothing", 0, 'SELECT "i", "s" FROM "abroad"."main"."nothing"'),
        ("SELECT a.i FROM t a JOIN t b ON a.i = b.k", 10, "SELECT "),
    ],
)
def test_a_server_of_unknown_sql_is_asked_for_columns_and_first_rows(
    sql: str, rows: int, asked: str, far: ForeignServer
) -> None:
    with Placement.of_sources({"west": {"connector": "flightsql", "uri": url(far)}}) as placement:
        assert placement.query(sql).num_rows == rows
    assert far.asked[-1].startswith(asked)
    assert not any(word in text for text in far.asked for word in ("WHERE", "GROUP", "JOIN"))


def test_a_dialect_that_is_said_is_believed(far: ForeignServer) -> None:
    west = {"connector": "flightsql", "uri": url(far), "dialect": "datafusion"}
    with Placement.of_sources({"west": west}) as placement:
        plan = placement.plan("SELECT k, count(*) AS n FROM t WHERE i < 6 GROUP BY k ORDER BY k")
        assert pushed(plan) == "whole"
        assert placement.run(plan).to_pylist() == [{"k": k, "n": 2} for k in range(3)]


def test_sql_and_filters_are_refused_before_any_io() -> None:
    connector = create("west", {"uri": "grpc://127.0.0.1:1"})
    schema = pa.schema([("a", pa.int64())])
    with pytest.raises(UnsupportedError, match="runs table scans, not SQL"):
        connector.execute(Fragment(SqlQuery("SELECT 1"), schema), None)
    filtered = TableScan(TableName("main", "t"), ("a",), pa.compute.field("a") > 1)
    with pytest.raises(UnsupportedError, match="does not filter"):
        connector.execute(Fragment(filtered, schema), None)


# --- what is not as it was promised ---


def test_a_table_that_changed_since_it_was_planned_is_looked_up_anew(
    far: ForeignServer, connect: Callable[..., FlightsqlConnector]
) -> None:
    far.execute("CREATE TABLE moving AS SELECT 1::BIGINT AS a, 2::BIGINT AS b")
    connector = connect()
    assert scan(connector, "moving", "a").to_pylist() == [{"a": 1}]
    far.execute("ALTER TABLE moving ALTER a TYPE VARCHAR")
    with pytest.raises(SourceSchemaChangedError, match=r"'a' is string.* planned as int64"):
        scan(connector, "moving", "a")
    assert scan(connector, "moving", "a").to_pylist() == [{"a": "1"}]
    far.execute("ALTER TABLE moving DROP a")
    with pytest.raises(SourceSchemaChangedError):
        scan(connector, "moving", "a")
    assert table(connector, "moving").schema.names == ["b"]
    far.execute("DROP TABLE moving")
    with pytest.raises(SourceSchemaChangedError):
        scan(connector, "moving", "b")
    assert connector.tables().find(TableName("main", "moving")) is None


@pytest.mark.parametrize(
    "sent",
    [
        pa.table({"i": ["a"]}),
        pa.table({"i": [1], "j": [2]}),
        pa.table({"i": pa.array([1], pa.int32())}),
        pa.table({}),
    ],
)
def test_a_server_that_sends_other_columns_than_it_promised(
    sent: pa.Table, far: ForeignServer, connect: Callable[..., FlightsqlConnector]
) -> None:
    connector = connect()
    assert table(connector, "t")
    far.sends = sent.to_reader()
    with pytest.raises(SourceSchemaChangedError, match="other columns than it had promised"):
        scan(connector, "t", "i")


def test_a_null_where_there_was_to_be_none(
    far: ForeignServer, connect: Callable[..., FlightsqlConnector]
) -> None:
    connector = connect()
    assert table(connector, "t")
    schema = pa.schema([pa.field("i", pa.int64(), nullable=False)])
    far.sends = pa.table({"i": pa.array([1, None], pa.int64())}).to_reader()
    fragment = Fragment(TableScan(TableName("main", "t"), ("i",)), schema)
    with pytest.raises(SourceSchemaChangedError, match="holds NULL but was declared NOT NULL"):
        list(connector.execute(fragment, None))


def test_dictionaries_that_change_between_batches_are_read_right(
    far: ForeignServer, connect: Callable[..., FlightsqlConnector]
) -> None:
    connector = connect()
    as_sent = pa.dictionary(pa.uint8(), pa.string())
    batches = [
        pa.record_batch({"m": pa.array(values).dictionary_encode().cast(as_sent)})
        for values in (["a", "b"], ["b", None], ["c", "a"])
    ]
    connector.tables().find(TableName("main", "t"))
    far.sends = pa.RecordBatchReader.from_batches(batches[0].schema, batches)
    got = scan(connector, "t", "m")
    assert got["m"].to_pylist() == ["a", "b", "b", None, "c", "a"]


# --- logins ---


@pytest.fixture(scope="module")
def guarded() -> Iterator[ForeignServer]:
    with foreign_server(*TABLES, login=True) as server:
        yield server


@pytest.mark.parametrize(
    "options",
    [
        {"username": USER, "password": PASSWORD},
        {"token": TOKEN},
        {"headers": {"Authorization": f"Bearer {TOKEN}"}},
    ],
)
def test_a_login_is_sent(
    options: dict[str, object], guarded: ForeignServer, connect: Callable[..., FlightsqlConnector]
) -> None:
    connector = connect(url(guarded), **options)
    assert scan(connector, "t", "i").num_rows == 10


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"username": USER, "password": "wrong-password"},
        {"token": "wrong-token"},
        {"headers": {"authorization": "Bearer wrong-header"}},
    ],
)
def test_who_is_refused_is_told_so_without_the_secret(
    options: dict[str, object], guarded: ForeignServer, connect: Callable[..., FlightsqlConnector]
) -> None:
    connector = connect(url(guarded), **options)
    with pytest.raises(SourceRejectedError, match="the server refused who asks") as refused:
        connector.tables().names()
    said = f"{refused.value!r} {refused.value} {connector!r} {connector.identity}"
    # The server repeats what it was sent, also as base64.
    for secret in ("wrong", "YW5uOndyb25n"):
        assert secret not in said


# --- TLS ---


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def secure(authority: trustme.CA) -> Iterator[ForeignServer]:
    """A server with a certificate for `localhost` and its address."""
    with foreign_server(*TABLES, **_tls(authority)) as server:
        yield server


def _tls(authority: trustme.CA) -> dict[str, object]:
    certificate = authority.issue_cert("localhost", "127.0.0.1")
    chain, key = certificate.cert_chain_pems[0].bytes(), certificate.private_key_pem.bytes()
    return {"tls_certificates": [(chain, key)]}


def test_a_certificate_is_trusted_by_its_authority(
    secure: ForeignServer,
    authority: trustme.CA,
    tmp_path: Path,
    connect: Callable[..., FlightsqlConnector],
) -> None:
    pem = authority.cert_pem.bytes().decode()
    path = tmp_path / "ca.pem"
    path.write_text(pem)
    for root in (pem, str(path)):
        connector = connect(url(secure, "grpc+tls"), tls={"root_certificate": root})
        assert scan(connector, "t", "i").num_rows == 10
    connector = connect(url(secure, "grpc+tls"), tls={"skip_verify": True})
    assert scan(connector, "t", "i").num_rows == 10


def test_a_client_shows_its_certificate(
    authority: trustme.CA, connect: Callable[..., FlightsqlConnector]
) -> None:
    own = authority.issue_cert("ann@example.org")
    shown = {
        "root_certificate": authority.cert_pem.bytes().decode(),
        "client_certificate": own.cert_chain_pems[0].bytes().decode(),
        "client_key": own.private_key_pem.bytes().decode(),
    }
    options = {"verify_client": True, "root_certificates": authority.cert_pem.bytes()}
    with foreign_server(*TABLES, **_tls(authority), **options) as server:
        connector = connect(url(server, "grpc+tls"), tls=shown)
        assert scan(connector, "t", "i").num_rows == 10
        assert "PRIVATE KEY" not in f"{connector!r} {connector.identity}"
        with pytest.raises(SourceError, match="'west'"):
            connect(
                url(server, "grpc+tls"), tls={"root_certificate": shown["root_certificate"]}
            ).tables().names()


def test_tls_that_is_refused_says_why(
    secure: ForeignServer,
    far: ForeignServer,
    authority: trustme.CA,
    tmp_path: Path,
    connect: Callable[..., FlightsqlConnector],
) -> None:
    pem = authority.cert_pem.bytes().decode()
    refused: list[tuple[str, dict[str, object], type[SourceError], str]] = [
        (url(secure, "grpc+tls"), {}, SourceRejectedError, "certificate is not trusted"),
        (
            url(secure, "grpc+tls"),
            {"tls": {"root_certificate": pem, "server_name": "other"}},
            SourceRejectedError,
            "certificate is valid for localhost, not other",
        ),
        (url(far, "grpc+tls"), {}, SourceRejectedError, "does not speak TLS"),
        (url(secure, "grpc"), {}, SourceUnavailableError, "cannot be reached"),
        (
            url(secure, "grpc+tls"),
            {"tls": {"root_certificate": str(tmp_path / "absent.pem")}},
            SourceRejectedError,
            "cannot be read: No such file",
        ),
        (
            url(secure, "grpc+tls"),
            {"tls": {"root_certificate": "-----BEGIN nonsense"}},
            SourceRejectedError,
            "append certificates",
        ),
    ]
    for uri, options, error, message in refused:
        with pytest.raises(error, match=message):
            connect(uri, **options).tables().names()
