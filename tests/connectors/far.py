"""A Crosswind that is a source of another one: what it has, and how tests ask for it."""

from __future__ import annotations

import threading
from collections.abc import Mapping

import psutil
import pyarrow as pa

from connectors.adbc.flightsql import FlightsqlConnector
from connectors.contract import Fragment, SqlQuery

MANY = "SELECT a.i, b.i AS j FROM duck.main.big a CROSS JOIN duck.main.big b"
MANY_SCHEMA = pa.schema([("i", pa.int64()), ("j", pa.int64())])
# Computes for ever before its first row.
SILENT = "SELECT count(*) AS n FROM duck.main.big a, duck.main.big b WHERE a.i + b.i = -7"
NUMBER = pa.schema([("n", pa.int64())])

RUNNING = 4
"""How many queries the far server runs at once: one that is never ended keeps another out."""

TABLES = """
CREATE TABLE big AS SELECT i FROM range(500000) r(i);
CREATE TABLE orders AS
  SELECT i AS id, (i % 100)::INTEGER AS customer, ((i % 7) / 4)::DECIMAL(15, 2) AS price,
         CASE WHEN i % 4 <> 0 THEN 'text ' || i END AS note
  FROM range(10000) r(i);
CREATE TABLE customers (id INTEGER NOT NULL, name VARCHAR);
INSERT INTO customers SELECT i, 'customer ' || i FROM range(100) r(i);
CREATE SCHEMA other;
CREATE TABLE other.a_b (i INTEGER NOT NULL, "Odd ""name"" é" VARCHAR);
CREATE TABLE other.axb (wrong VARCHAR);
CREATE VIEW other.a_view AS SELECT id FROM orders;
"""

NESTED = pa.table(
    {
        "i": pa.array([1, 2, None], pa.int32()),
        "list": pa.array([["a", None], [], None], pa.list_(pa.string())),
        "struct": pa.array(
            [{"x": 1, "y": [1.5]}, {"x": None, "y": None}, None],
            pa.struct([("x", pa.int64()), ("y", pa.list_(pa.float64()))]),
        ),
        "map": pa.array([[("a", 1)], [], None], pa.map_(pa.string(), pa.int32())),
        "category": pa.array(["x", "y", None]).dictionary_encode(),
        "wide": pa.array([None, 1, 2], pa.decimal256(50, 3)),
        "half": pa.array([1.5, None, 2.0], pa.float16()),
        "moment": pa.array([1, None, 3], pa.timestamp("ns", "UTC")),
        "bytes": pa.array([b"\0a", b"", None], pa.binary()),
    }
)


def threads() -> set[threading.Thread]:
    """Those that Python has made."""
    return {t for t in threading.enumerate() if not isinstance(t, threading._DummyThread)}


def connections(port: int) -> int:
    """How many this process has to a port."""
    found = psutil.Process().net_connections("tcp")
    return sum(1 for c in found if c.raddr and c.raddr.port == port and c.status == "ESTABLISHED")


def port_of(url: str) -> int:
    return int(url.rpartition(":")[2])


def fragment(sql: str, schema: pa.Schema | Mapping[str, pa.DataType]) -> Fragment:
    if not isinstance(schema, pa.Schema):
        schema = pa.schema(list(schema.items()))
    return Fragment(SqlQuery(sql), schema)


def read(
    connector: FlightsqlConnector, sql: str, schema: pa.Schema | Mapping[str, pa.DataType]
) -> pa.Table:
    wanted = fragment(sql, schema)
    batches = connector.execute(wanted, None)
    try:
        return pa.Table.from_batches(list(batches), wanted.schema)
    finally:
        batches.close()


def one(connector: FlightsqlConnector) -> None:
    assert read(connector, "SELECT CAST(1 AS BIGINT) AS n", NUMBER).to_pylist() == [{"n": 1}]


def configured(
    sources: Mapping[str, Mapping[str, object]], listen: str = "grpc://127.0.0.1:0"
) -> dict[str, object]:
    return {"server": {"listen": listen}, "sources": sources}
