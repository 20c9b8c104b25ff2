"""ROAPI for the conformance kit: a Flight SQL server by others, over Parquet files."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks import peers
from connectors.conformance import Place, Profile
from tests.connectors import profiles
from tests.postgres_server import free_port

_TOKEN = "kit-t0ken-of-roapi"
_SCHEMA = "public"
_IN_MEMORY = "it reads its files when it starts, and never again"
_SCANNED = "it is asked for columns only, of tables in its memory: it is never silent"


def roapi() -> Profile:
    """One that runs as its package installs it; it cannot list its tables so that ADBC reads it."""

    @contextmanager
    def opened(tables: Mapping[str, pa.Table]) -> Iterator[Place]:
        with tempfile.TemporaryDirectory(prefix="crosswind-kit-") as folder, ExitStack() as stack:
            for name, table in tables.items():
                pq.write_table(table, Path(folder, f"{name}.parquet"))
            files = {name: Path(folder, f"{name}.parquet") for name in tables}
            far = stack.enter_context(peers.roapi(**files))
            elsewhere = stack.enter_context(peers.roapi(**dict(list(files.items())[:1])))
            login = {
                "token": _TOKEN,
                "tables": [f"{_SCHEMA}.{name}" for name in sorted(tables)],
                "default_schema": _SCHEMA,
                "wait_seconds": 5,
            }
            yield Place(
                {"uri": far.url, **login},
                unreachable={"uri": f"grpc://127.0.0.1:{free_port()}", **login},
                other={"uri": elsewhere.url, **login},
                secret=_TOKEN,
                kill=far.process.kill,
            )

    return Profile(
        connector="flightsql",
        opened=opened,
        holds=profiles.flightsql().holds,
        waivers={
            "a_new_table_is_seen_after_refresh": _IN_MEMORY,
            "a_column_that_has_gone_is_noticed": _IN_MEMORY,
            "a_place_that_is_not_there_is_said_to_be": "its tables are named in the configuration,"
            " because it cannot list them: only a query asks it",
            "a_refusal_names_the_source": "it lets everybody in",
            "what_is_left_or_cancelled_ends_at_the_source": "it does not tell what it runs",
            "cancel_while_it_is_silent": _SCANNED,
            "a_deadline_while_it_is_silent": _SCANNED,
        },
    )
