"""Keys of each type that are sent to each kind of source: the rows are those of the engine alone.

The same rows stand in a database and in a file; another file has the keys, and is kept whole.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import adbc_driver_postgresql.dbapi as postgres
import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sqlglot import exp

import flight_server
from connectors.contract import SqlQuery
from flight_server.config import Config
from planner.account import Account
from planner.emit.datafusion import DATAFUSION
from planner.emit.datafusion.keys import KEYS
from planner.emit.keys import marked, with_keys
from planner.options import PlanningOptions
from planner.plan import Plan
from tests.placements import Placement
from tests.postgres_server import PostgresServer

TEXTS = [
    "note 3", "Note 3", "note 3 ", "", "o'dd", 'quo"te', "back\\slash", "a,b", "[1]", "{1}",
    "NULL", "null", "tab\there", "line\nfeed", "é", "e\u0301", "\U0001f600", "7", "07", "7.0",
]  # fmt: skip
WHOLE = [0, 1, -1, 3, 7, 127, -128, 32_767, -32_768, 2**31 - 1, -(2**31), 2**53 + 1, 2**63 - 1]
WHOLE = [*WHOLE, -(2**63), -(2**63) + 1, 10, 11, 12, 13, 14]
DAYS = [date(1, 1, 1), date(1969, 12, 31), date(1970, 1, 1), date(2020, 2, 29), date(9999, 12, 31)]
DAYS = [*DAYS, *(date(2021, 3, day) for day in range(1, 16))]
TIMES = [datetime(d.year, d.month, d.day, 23, 59, 59, 10 ** (n % 6)) for n, d in enumerate(DAYS)]
AMOUNTS = [Decimal(n).scaleb(-2) for n in range(-10, 10)]
TINY = [Decimal(n).scaleb(-8) for n in range(-10, 10)]

SCHEMA = pa.schema(
    {
        "whole": pa.int64(),
        "narrow": pa.int16(),
        "day": pa.date32(),
        "moment": pa.timestamp("us"),
        "amount": pa.decimal128(15, 2),
        "tiny": pa.decimal128(10, 8),
        "units": pa.decimal128(12, 0),
        "note": pa.string(),
        "loose": pa.string(),
    }
)
NARROW = [n if -(2**15) <= n < 2**15 else n % 100 for n in WHOLE]
VALUES: dict[str, list[Any]] = {
    "whole": WHOLE,
    "narrow": NARROW,
    "day": DAYS,
    "moment": TIMES,
    "amount": AMOUNTS,
    # Some have exponents where they are written.
    "tiny": TINY,
    "units": [Decimal(n) for n in range(20)],
    "note": TEXTS,
    "loose": TEXTS,
}
STORED = pa.table([pa.array([*VALUES[f.name], None], f.type) for f in SCHEMA], schema=SCHEMA)
ODD = [index for index in range(STORED.num_rows) if index % 3 != 1]
"""Of the rows whose keys are sent; NULL is one of them."""

_ALL = tuple(name for name in SCHEMA.names if name != "tiny")
TAKEN = {
    "duck": _ALL,
    "shop": _ALL,
    "west": _ALL,
    "notes": ("whole", "narrow", "day", "note", "loose"),
}


def in_duckdb(folder: Path) -> dict[str, object]:
    with duckdb.connect(str(folder / "stored.duckdb")) as connection:
        connection.register("given", STORED)
        connection.execute("CREATE TABLE stored AS SELECT * FROM given")
    return {"connector": "duckdb", "uri": str(folder / "stored.duckdb")}


def in_postgres(uri: str) -> None:
    with postgres.connect(uri) as connection, connection.cursor() as cursor:
        cursor.execute(
            "CREATE TABLE stored (whole bigint, narrow smallint, day date, moment timestamp,"
            " amount numeric(15, 2), tiny numeric(10, 8), units numeric(12, 0), note text,"
            " loose varchar)"
        )
        cursor.adbc_ingest("stored", STORED, mode="append")
        connection.commit()


def in_sqlite(folder: Path) -> dict[str, object]:
    """Collations and a column of no type: neither may decide what is equal."""
    with sqlite3.connect(folder / "stored.sqlite") as connection:
        connection.execute(
            "CREATE TABLE stored (whole INTEGER, narrow SMALLINT, day DATE, moment DATETIME,"
            " amount DECIMAL(15, 2), tiny DECIMAL(10, 8), units DECIMAL(12, 0),"
            " note TEXT COLLATE NOCASE, loose COLLATE RTRIM)"
        )
        texts = [
            tuple(str(v) if isinstance(v, date | Decimal) else v for v in row.values())
            for row in STORED.to_pylist()
        ]
        connection.executemany(f"INSERT INTO stored VALUES ({', '.join('?' * 9)})", texts)
    connection.close()
    return {"connector": "sqlite", "uri": str(folder / "stored.sqlite")}


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("keys")
    pq.write_table(STORED, folder / "alone.parquet")
    pq.write_table(STORED.take(ODD), folder / "picked.parquet")
    pq.write_table(STORED.slice(0, 0), folder / "none.parquet")
    texts = pa.table({"blank": [""], "parted": ["\x1f"], "ended": ["a\0"], "wild": ["\x01\x02"]})
    pq.write_table(texts, folder / "odd.parquet")
    return folder


@pytest.fixture(scope="module")
def stored(
    lake: Path, postgres_server: PostgresServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Placement]:
    """The rows in each kind of source, and in a file."""
    folder = tmp_path_factory.mktemp("stored")
    duck = in_duckdb(folder)
    far = Config.from_mapping({"server": {"listen": "grpc://127.0.0.1:0"}, "sources": {"a": duck}})
    with (
        postgres_server.database("keys_of_types") as uri,
        flight_server.serve(far) as server,
    ):
        in_postgres(uri)
        sources: dict[str, dict[str, object]] = {
            "duck": duck,
            "notes": in_sqlite(folder),
            "shop": {"connector": "postgres", "uri": uri},
            "west": {"connector": "flightsql", "uri": server.url},
            "lake": {"connector": "files", "root": str(lake)},
        }
        with Placement.of_sources(sources) as placement:
            yield replace(placement, options=PlanningOptions(reductions="all"))


def ran(placement: Placement, plan: Plan) -> tuple[list[tuple[object, ...]], Account]:
    execution = placement.engine.start(plan)
    rows = [tuple(row.values()) for batch in execution.batches() for row in batch.to_pylist()]
    return sorted(rows, key=repr), execution.account()


def both_ways(placement: Placement, sql: str) -> tuple[Plan, Account]:
    """A query with keys, whose rows are those without, and those of the engine alone."""
    plan = placement.plan(sql)
    rows, account = ran(placement, plan)
    plain = replace(placement, options=PlanningOptions(reductions="none"))
    assert rows == ran(plain, plain.plan(sql))[0]
    assert rows == ran(plain, plain.plan(re.sub(r"\w+\.stored", "lake.alone", sql)))[0]
    return plan, account


@pytest.mark.parametrize("source", TAKEN)
def test_rows_with_a_key_are_sent_and_no_others(stored: Placement, source: str) -> None:
    for key in TAKEN[source]:
        join = f"picked p LEFT JOIN {source}.stored s ON p.{key} = s.{key}"
        sql = f"SELECT s.note, p.note AS n FROM {join}"
        _, account = both_ways(stored, sql)
        (fragment,) = account.fragments
        picked = STORED.take(ODD)[key].drop_null()
        assert fragment.keys == len(picked.unique()), key
        assert fragment.rows == sum(map(STORED[key].to_pylist().count, set(picked.to_pylist())))
        _, account = both_ways(stored, sql.replace("picked", "none"))
        assert (account.fragments[0].keys, account.fragments[0].rows) == (0, 0), key


@pytest.mark.parametrize(
    ("source", "key"),
    [("duck", "tiny"), ("shop", "tiny"), ("west", "tiny"), ("notes", "units"), ("notes", "amount")],
)
def test_keys_without_a_sure_form_stay(stored: Placement, source: str, key: str) -> None:
    sql = f"SELECT s.note FROM picked p LEFT JOIN {source}.stored s ON p.{key} = s.{key}"
    plan, _ = both_ways(stored, sql)
    assert all(fragment.reduction is None for fragment in plan.fragments)


@pytest.mark.parametrize("source", TAKEN)
def test_texts_are_left_at_home_where_one_has_no_form(stored: Placement, source: str) -> None:
    sent = {"blank": 1, "parted": 1, "ended": None, "wild": 1}
    if source in ("duck", "west"):
        sent["parted"] = None
    if source == "shop":
        # It has no row with such a text.
        sent["ended"] = 1
    for text, keys in sent.items():
        sql = f"SELECT s.whole FROM odd o LEFT JOIN {source}.stored s ON o.{text} = s.note"
        _, account = both_ways(stored, sql)
        assert account.fragments[0].keys == keys, text


def test_another_crosswind_hands_keys_on_to_its_sources(stored: Placement) -> None:
    condition = KEYS.write(exp.column("whole"), marked("k1", 0, pa.int64()), pa.int64())
    select = exp.select("whole").from_("duck.stored").where(condition)
    filled = with_keys(select, KEYS, {("k1", 0): pa.array(WHOLE[:5])})
    assert filled is not None
    plan = stored.plan(filled.sql(DATAFUSION.generator))
    (fragment,) = plan.fragments
    assert plan.residual is None
    assert isinstance(fragment.fragment.query, SqlQuery)
    assert all(str(abs(key)) in fragment.fragment.query.text for key in WHOLE[:5])
    assert stored.run(plan).num_rows == 5


@pytest.mark.parametrize("source", TAKEN)
def test_a_long_list_is_sent_as_keys_are(stored: Placement, source: str) -> None:
    numbers = ", ".join(map(str, [*range(3, 150), -1, 2**53 + 1]))
    texts = ", ".join(f"'{text}'" for text in [*map(str, range(150)), "o''dd", "", "a,b", 'quo"te'])
    days = ", ".join(f"DATE '2021-03-{n % 28 + 1:02}'" for n in range(150))
    for condition in (
        f"whole IN ({numbers})",
        f"note IN ({texts}) AND whole IS NOT NULL",
        f"whole + 0 IN ({numbers}) OR note = 'NULL'",
        f"whole NOT IN ({numbers})",
        f"note IN ({texts}, NULL)",
        f"day IN ({days})",
    ):
        plan, _ = both_ways(stored, f"SELECT note FROM {source}.stored WHERE {condition}")
        (fragment,) = plan.fragments
        assert isinstance(fragment.fragment.query, SqlQuery)
        if condition.endswith(")") and " NOT " not in condition and "day" not in condition:
            # One by one, there would be spaces between them.
            assert "3, 4" not in fragment.fragment.query.text, condition
