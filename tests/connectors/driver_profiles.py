"""The profiles of sources behind drivers that nothing here knows: of ADBC, and of ODBC.

The first two are sources that have connectors of their own, reached otherwise.
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path

import pyarrow as pa

from connectors.conformance import Place, Profile
from connectors.conformance.tables import LARGE, VALUES
from tests import mariadb_server
from tests.connectors import profiles
from tests.postgres_server import free_port

_PASSWORD = "driver-p4ssword"
_STAMP = pa.timestamp("us")
_MOMENT = pa.timestamp("us", tz="UTC")


def duckdb() -> Profile:
    """A DuckDB file, through ADBC and nothing that knows DuckDB."""

    def through(options: Mapping[str, object]) -> Mapping[str, object]:
        kwargs = {"path": options["uri"], "access_mode": "READ_ONLY"}
        return {"driver": "adbc_driver_duckdb", "db_kwargs": kwargs, "default_schema": "main"}

    def place(made: Place) -> Place:
        assert made.unreachable is not None
        assert made.other is not None
        return replace(
            made,
            options=through(made.options),
            unreachable=through(made.unreachable),
            other=through(made.other),
            silent=None,
        )

    known = profiles.duck()
    return Profile(
        connector="adbc",
        opened=_changed(known.opened, place),
        holds=known.holds,
        lacks=known.lacks,
        waivers={
            **known.waivers,
            **_scan_waivers(),
            "a_column_that_has_gone_is_noticed": (
                "DuckDB reads a file as it was when it was opened, until the catalog is refreshed"
            ),
        },
    )


def postgres() -> Profile:
    """PostgreSQL, through ADBC and nothing that knows PostgreSQL."""

    def through(options: Mapping[str, object]) -> Mapping[str, object]:
        return {"driver": "adbc_driver_postgresql", **options, "default_schema": "public"}

    def place(made: Place) -> Place:
        assert made.unreachable is not None
        assert made.refused is not None
        assert made.other is not None
        return replace(
            made,
            options=through(made.options),
            unreachable=through(made.unreachable),
            refused=through(made.refused),
            other=through(made.other),
            silent=None,
            kill=None,
        )

    known = profiles.postgres()
    return Profile(
        connector="adbc",
        opened=_changed(known.opened, place),
        # A numeric without its scale: the driver says that it is text, and writes all its digits.
        holds={t: t for t in known.holds if not pa.types.is_decimal(t)},
        waivers={
            **_scan_waivers(),
            "a_place_that_dies_in_mid_stream_fails_the_query": (
                "a second server takes long to fill: test_adbc.py ends the session in mid-stream"
            ),
        },
    )


def _changed(
    opened: Callable[[Mapping[str, pa.Table]], AbstractContextManager[Place]],
    change: Callable[[Place], Place],
) -> Callable[[Mapping[str, pa.Table]], AbstractContextManager[Place]]:
    """The same source, reached otherwise."""

    @contextmanager
    def changed(tables: Mapping[str, pa.Table]) -> Iterator[Place]:
        with opened(tables) as made:
            yield change(made)

    return changed


def _scan_waivers(shown_by: str = "test_adbc.py") -> dict[str, str]:
    why = f"tables are scanned, and no statement of the kit's goes there: see {shown_by}"
    return {"cancel_while_it_is_silent": why, "a_deadline_while_it_is_silent": why}


def mariadb() -> Profile:
    """A MariaDB through its ODBC driver, with a user that has a password."""
    types: Mapping[pa.DataType, tuple[str, str]] = {
        pa.bool_(): ("tinyint(1)", "{}"),
        pa.int8(): ("tinyint", "{}"),
        pa.int16(): ("smallint", "{}"),
        pa.int32(): ("int", "{}"),
        pa.int64(): ("bigint", "{}"),
        pa.float32(): ("float", "{}"),
        pa.float64(): ("double", "{}"),
        pa.decimal128(9, 2): ("decimal(9,2)", "{}"),
        pa.decimal128(38, 10): ("decimal(38,10)", "CAST({} AS decimal(38,10))"),
        pa.string(): ("longtext", "{}"),
        pa.binary(): ("varbinary(1000)", "UNHEX({})"),
        pa.date32(): ("date", "{}"),
        _STAMP: ("datetime(6)", "{}"),
        _MOMENT: ("timestamp(6) NULL", "{}"),
    }

    def columns(name: str, table: pa.Table) -> tuple[str, list[str]]:
        texts = "varchar(1000)" if name == LARGE else types[pa.string()][0]
        declared = [
            f"{f.name} {texts if f.type == pa.string() else types[f.type][0]}" for f in table.schema
        ]
        return ", ".join(declared), [types[f.type][1] for f in table.schema]

    @contextmanager
    def opened(tables: Mapping[str, pa.Table]) -> Iterator[Place]:
        with (
            tempfile.TemporaryDirectory(prefix="crosswind-kit-") as folder,
            mariadb_server.mariadb(Path(folder)) as server,
        ):
            server.execute(
                f"CREATE USER reader@'127.0.0.1' IDENTIFIED BY '{_PASSWORD}'",
                "GRANT SELECT ON *.* TO reader@'127.0.0.1'",
            )
            for name, table in tables.items():
                declared, values = columns(name, table)
                marks = [v.format(f"@v{number}") for number, v in enumerate(values)]
                few = table.slice(0, _PERIOD_ROWS) if name == LARGE else table
                server.load(name, few, declared, *marks)
                if name == LARGE:
                    _repeat(server, table)
            login = {"user": "reader", "password": _PASSWORD}
            bounds = {"dialect": "mysql", "max_text_bytes": 131_072, "wait_seconds": 10}
            there = {"connection_string": server.connection_string(), **bounds}
            nowhere = server.connection_string(Port=free_port())
            yield Place(
                {**there, **login},
                unreachable={**there, **login, "connection_string": nowhere},
                refused={**there, **login, "password": "not-the-password"},
                other={**there, **login, "connection_string": server.connection_string("other")},
                secret=_PASSWORD,
                active=lambda: len(server.execute(_MARIADB_ACTIVE)),
                add=lambda name: server.execute(f"CREATE TABLE {name} AS SELECT 1 AS a") and None,
                alter=lambda name: server.execute(f"ALTER TABLE {name} DROP COLUMN a") and None,
            )

    return Profile(
        connector="odbc",
        opened=opened,
        holds={t: t for t in types},
        lacks={
            pa.float32(): (math.nan, math.inf, -math.inf, -0.0),
            pa.float64(): (math.nan, math.inf, -math.inf, -0.0),
            _MOMENT: tuple(v for v in VALUES[_MOMENT] if not 1970 < v.year < 2038),
        },
        waivers={
            **_scan_waivers("test_odbc.py"),
            "memory_is_bounded": _WHOLE_RESULT,
            "a_place_that_dies_in_mid_stream_fails_the_query": _WHOLE_RESULT,
        },
    )


_PERIOD_ROWS = 1024
"""After so many the large table's texts come again: repeating them is faster than reading them."""


def _repeat(server: mariadb_server.MariadbServer, table: pa.Table) -> None:
    """Fill the large table, which has its first rows, with the others."""
    texts = table.column("b")
    assert texts.slice(_PERIOD_ROWS).equals(texts.slice(0, len(texts) - _PERIOD_ROWS))
    assert table.column("a").equals(pa.chunked_array([range(len(table))], pa.int64()))
    server.execute(
        f"CREATE TEMPORARY TABLE few (PRIMARY KEY (a)) AS SELECT * FROM {LARGE}",
        f"INSERT INTO {LARGE} SELECT s.seq, f.b FROM seq_{_PERIOD_ROWS}_to_{len(table) - 1} s"
        f" JOIN few f ON f.a = s.seq % {_PERIOD_ROWS}",
    )


_WHOLE_RESULT = (
    "MariaDB's ODBC driver (3.1, Debian's) takes a whole result into memory before its first row"
)
_MARIADB_ACTIVE = (
    "SELECT id FROM information_schema.processlist WHERE user = 'reader' AND command <> 'Sleep'"
)
