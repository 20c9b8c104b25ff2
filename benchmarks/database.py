"""How fast a whole PostgreSQL table becomes Arrow: through Crosswind, by DuckDB's scanner and bare.

Owns the tables, the queries, the rounds and their order. PostgreSQL is the demonstration's.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import adbc_driver_flightsql.dbapi as flightsql
import adbc_driver_postgresql.dbapi as postgres
import duckdb
import psutil
import pyarrow as pa

from benchmarks import peers
from benchmarks.report import Comparison, Measured
from demo import postgres as embedded
from demo import tpch
from execution import sizing

WIDE = {"wide_50": (50, 20_000), "wide_50_long": (50, 500_000), "wide_1000": (1_000, 20_000)}
"""Tables of so many columns and rows. The columns are an integer, a numeric and a short text in
turn; a row fits a page. What a query costs once is much of the first table, and little of the
others."""

TABLES = ("lineitem", *WIDE)

_TYPES = ("{i}::integer", "({i} % 100 / 4.0)::numeric(6, 2)", "'t' || {i} % 100")


@dataclass(frozen=True, slots=True)
class Fetched:
    """One answer, read to its end and thrown away; processor time of PostgreSQL and the reader."""

    rows: int
    size_bytes: int
    seconds: float
    postgres_cpu_seconds: float
    cpu_seconds: float


Fetch = Callable[[str], tuple[int, int]]
"""From a table to the rows and bytes that were read of it."""


def measure(
    lineitem: Path,
    scale: float,
    cache: Path,
    rounds: int,
    say: Callable[[str], None],
    tables: Collection[str] = TABLES,
) -> list[Comparison]:
    """Compare them for lineitem and for wide tables.

    Args:
        lineitem: the table as a Parquet file.
        scale: its scale factor; PostgreSQL's data is kept for each.
        cache: where that is.
        rounds: in each, everyone answers once; one more before them warms up.
        say: told what happens now.
        tables: those of `TABLES` that are to be read.
    """
    home = cache / f"database-{scale:g}"
    with ExitStack() as running:
        say("starting PostgreSQL")
        uri = running.enter_context(embedded.running(home))
        server = psutil.Process(int((home / "postmaster.pid").read_text().splitlines()[0]))
        say("loading PostgreSQL, which takes minutes the first time")
        _load(uri, lineitem, tables)
        options = {"connector": "postgres", "uri": uri}
        crosswind = running.enter_context(peers.crosswind_over({"shop": options}))
        duck = running.enter_context(_duckdb(uri))
        contenders: dict[str, tuple[psutil.Process, Fetch]] = {
            "DuckDB postgres_scanner": (psutil.Process(), duck),
            crosswind.name: (
                crosswind.process,
                running.enter_context(_over_flight(crosswind.url)),
            ),
            "ADBC's PostgreSQL driver": (psutil.Process(), running.enter_context(_driver(uri))),
        }
        return [
            _compare(table, contenders, server, rounds, say) for table in TABLES if table in tables
        ]


def _compare(
    table: str,
    contenders: dict[str, tuple[psutil.Process, Fetch]],
    server: psutil.Process,
    rounds: int,
    say: Callable[[str], None],
) -> Comparison:
    fetched: dict[str, list[Fetched]] = {name: [] for name in contenders}
    for round_ in range(rounds + 1):
        say(f"{table}: round {round_} of {rounds}" if round_ else f"{table}: warming up")
        for name, (process, fetch) in contenders.items():
            fetched[name].append(_timed(table, process, fetch, server))
    if len({each[0].rows for each in fetched.values()}) != 1:
        raise RuntimeError(f"not all read the same number of rows of {table}")
    first = fetched["Crosswind"][0]
    return Comparison(
        title=f"{table}: {first.rows:,} rows, {first.size_bytes / 1e6:,.0f} MB",
        unit="seconds",
        more_is_better=False,
        baseline="DuckDB postgres_scanner",
        measured=[_measured(name, each[1:]) for name, each in fetched.items()],
    )


def _timed(table: str, process: psutil.Process, fetch: Fetch, server: psutil.Process) -> Fetched:
    cpu, postgres_cpu = _cpu_seconds(process), _family_cpu_seconds(server)
    started = time.perf_counter()
    rows, size_bytes = fetch(table)
    seconds = time.perf_counter() - started
    used = _cpu_seconds(process) - cpu
    return Fetched(rows, size_bytes, seconds, _family_cpu_seconds(server) - postgres_cpu, used)


def _measured(name: str, fetched: list[Fetched]) -> Measured:
    middle = sorted(fetched, key=lambda each: each.cpu_seconds)[len(fetched) // 2]
    note = (
        f"{middle.postgres_cpu_seconds:.2f} s of processor in PostgreSQL,"
        f" {middle.cpu_seconds:.2f} s in the reader"
    )
    return Measured(name, [each.seconds for each in fetched], note)


@contextmanager
def _over_flight(url: str) -> Iterator[Fetch]:
    """Over one connection, as the others."""
    with flightsql.connect(url, autocommit=True) as connection:
        yield partial(_fetched, connection)


@contextmanager
def _driver(uri: str) -> Iterator[Fetch]:
    """The driver that Crosswind reads with, by itself: its decimals are texts."""
    with postgres.connect(uri, autocommit=True) as connection:
        yield partial(_fetched, connection)


def _fetched(connection: Any, table: str) -> tuple[int, int]:
    """By any ADBC driver."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM {table}")
        return _drained(cursor.fetch_record_batch())


@contextmanager
def _duckdb(uri: str) -> Iterator[Fetch]:
    try:
        import duckdb_extension_postgres_scanner as scanner
    except ImportError:
        raise RuntimeError("DuckDB's scanner is missing: pip install 'crosswind[bench]'") from None
    extension = next(Path(scanner.__file__).parent.rglob("postgres_scanner.duckdb_extension"))
    with duckdb.connect(config={"allow_unsigned_extensions": "true"}) as connection:
        connection.load_extension(str(extension))
        connection.execute(f"ATTACH '{uri}' AS shop (TYPE postgres, READ_ONLY)")

        def fetch(table: str) -> tuple[int, int]:
            return _drained(connection.execute(f"FROM shop.{table}").to_arrow_reader(65_536))

        yield fetch


def _drained(batches: Iterator[pa.RecordBatch]) -> tuple[int, int]:
    rows = size_bytes = 0
    for batch in batches:
        rows += batch.num_rows
        size_bytes += sizing.size_bytes(batch)
    return rows, size_bytes


def _load(uri: str, lineitem: Path, tables: Collection[str]) -> None:
    """Make those that are not there yet."""
    with postgres.connect(uri, autocommit=True) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT relname FROM pg_class WHERE relkind = 'r'")
        there = {name for (name,) in cursor.fetchall()}
        lacking = set(tables) - there
        if "lineitem" in lacking:
            tpch.load_postgres(uri, lineitem.parent, ("lineitem",))
        for table, (columns, count) in WIDE.items():
            if table in lacking:
                values = [_TYPES[n % 3].format(i="i") + f" AS c{n}" for n in range(columns)]
                rows = f"generate_series(1, {count}) i"
                cursor.execute(f"CREATE TABLE {table} AS SELECT {', '.join(values)} FROM {rows}")
                cursor.execute(f"VACUUM ANALYZE {table}")


def _cpu_seconds(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def _family_cpu_seconds(server: psutil.Process) -> float:
    """Of a PostgreSQL with all its sessions, those that have ended included."""
    times = server.cpu_times()
    ended = float(times.children_user + times.children_system)
    return _cpu_seconds(server) + ended + sum(map(_cpu_seconds, server.children()))
