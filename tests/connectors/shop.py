"""A PostgreSQL database that is a source: what it holds, and how the tests of its connector ask."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator

import pyarrow as pa

from connectors.adbc.postgres import PostgresConnector
from connectors.adbc.postgres.reader import QueryBatches
from connectors.contract import Fragment, SqlQuery
from connectors.errors import (
    CrosswindError,
)
from tests.postgres_server import PostgresServer

DATABASE = "tests_connectors_shop"
# In the select list, because in FROM the server collects a function's rows before it sends any.
ENDLESS = "SELECT generate_series(1, 100000000), repeat('x', 100)"
ENDLESS_SCHEMA = pa.schema([("i", pa.int32()), ("x", pa.string())])
SLEEP = "SELECT CAST(pg_sleep(600) AS text)"
TEXT = pa.schema([("x", pa.string())])

# The embedded server has no ICU, which alone makes collations nondeterministic: one is declared so.
TABLES = """
CREATE TYPE mood AS ENUM ('sad', 'glad')
CREATE DOMAIN cents AS numeric(15, 2)
CREATE DOMAIN price AS cents NOT NULL
CREATE COLLATION folded (provider = libc, locale = 'C')
CREATE TABLE everything (
  a_bool bool, a_int2 int2, a_int4 int4 NOT NULL, a_int8 int8, a_float4 float4, a_float8 float8,
  a_text text, a_varchar varchar(10), an_open_varchar varchar, a_bpchar bpchar(3), a_name name,
  a_char "char", a_date date, a_timestamp timestamp(3), a_timestamptz timestamptz, a_time time,
  a_bytea bytea, a_numeric numeric(15, 2), a_wide_numeric numeric(50, 10), an_open_numeric numeric,
  a_thousands numeric(2, -3), a_uuid uuid, a_json json, a_jsonb jsonb, a_mood mood, a_price price,
  an_inet inet, an_interval interval, an_array int4[], a_folded text COLLATE folded)
CREATE TABLE "Odd ""name"" é" ("a b" int PRIMARY KEY, "Ü" text)
CREATE TABLE no_columns ()
CREATE TABLE parts (id int, region text NOT NULL) PARTITION BY LIST (region)
CREATE TABLE parts_eu PARTITION OF parts FOR VALUES IN ('eu')
CREATE TABLE parts_us PARTITION OF parts FOR VALUES IN ('us')
CREATE VIEW a_view AS SELECT a_int4, a_numeric FROM everything
CREATE MATERIALIZED VIEW a_matview AS SELECT a_int4 FROM everything
CREATE FOREIGN DATA WRAPPER nothing
CREATE SERVER elsewhere FOREIGN DATA WRAPPER nothing
CREATE FOREIGN TABLE abroad (a int NOT NULL) SERVER elsewhere
CREATE SCHEMA sales
CREATE TABLE sales.orders AS
  SELECT i AS id, i % 100 AS customer, CASE WHEN i % 4 = 0 THEN NULL ELSE 'abcdefgh' END AS note
  FROM generate_series(1, 10000) i
INSERT INTO parts
  SELECT i, CASE WHEN i % 2 = 0 THEN 'eu' ELSE 'us' END FROM generate_series(1, 1000) i
UPDATE pg_collation SET collisdeterministic = false WHERE collname = 'folded'
ANALYZE sales.orders
ANALYZE parts
"""


def batches(
    connector: PostgresConnector, sql: str, schema: pa.Schema, deadline: float | None = None
) -> QueryBatches:
    return connector.execute(Fragment(SqlQuery(sql), schema), deadline)


def read(connector: PostgresConnector, sql: str, schema: pa.Schema) -> pa.Table:
    found = list(batches(connector, sql, schema))
    assert all(batch.schema.equals(schema, check_metadata=True) for batch in found)
    return pa.Table.from_batches(found, schema)


def one(connector: PostgresConnector, sql: str, type_: pa.DataType) -> object:
    return read(connector, sql, pa.schema([("x", type_)]))["x"].to_pylist()[0]


def sessions(server: PostgresServer, where: str = "true") -> int:
    """Sessions of the connector that the server has now, but for those of the whole test run."""
    rows = server.execute(
        "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'crosswind'"
        f" AND datname <> 'tpch' AND {where}"
    )
    return int(str(rows[0][0]))


@contextlib.contextmanager
def silent_listener() -> Iterator[tuple[int, list[socket.socket]]]:
    """A server that takes connections and never says a word; its port, and what it took."""
    accepted: list[socket.socket] = []

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                accepted.append(listener.accept()[0])

    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        thread = threading.Thread(target=accept)
        thread.start()
        try:
            yield listener.getsockname()[1], accepted
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()
            for connection in accepted:
                connection.close()


class Reader(threading.Thread):
    """Reads batches in a thread of its own; keeps the rows and what was raised."""

    def __init__(self, source: QueryBatches) -> None:
        super().__init__(daemon=True)
        self.source = source
        self.rows = 0
        self.error: BaseException | None = None
        self.complete = False
        self.start()

    def run(self) -> None:
        try:
            for batch in self.source:
                self.rows += batch.num_rows
            self.complete = True
        except BaseException as error:
            self.error = error

    def finish(self) -> BaseException | None:
        self.join(20)
        assert not self.is_alive()
        return self.error


def assert_clean(error: CrosswindError, secret: str) -> None:
    """Neither the message nor anything chained to it shows a secret or a connection string."""
    seen: BaseException | None = error
    while seen is not None:
        assert secret not in str(seen)
        assert "postgresql://" not in str(seen)
        seen = seen.__cause__ or (None if seen.__suppress_context__ else seen.__context__)
