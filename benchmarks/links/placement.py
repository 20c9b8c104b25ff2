"""TPC-H split over two places: a PostgreSQL behind a link, and Parquet here or on an S3 behind one.

Owns the data and the servers that hold it, and what connects to them. Knows no contender.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import adbc_driver_postgresql.dbapi as postgres

from benchmarks.bucket_server import STORAGE_OPTIONS, bucket_server
from benchmarks.links.cells import Cell
from benchmarks.links.emulator import EmulatedLink, emulated
from demo import postgres as embedded
from demo import tpch

IN_DATABASE = ("region", "nation", "supplier", "customer", "orders")
IN_LAKE = ("part", "partsupp", "lineitem")
BUCKET = "lake"

PLACEMENTS = ("local", "s3")


@dataclass(frozen=True)
class Placement:
    """The tables and the ways to them.

    Attributes:
        name: `local` or `s3`: where the lake is.
        scale: of TPC-H.
        database: the link to PostgreSQL.
        lake: the link to S3, or None.
        folder: of the lake's files.
        storage_options: how S3 is reached through its link, for s3fs; None where there is none.
    """

    name: str
    scale: float
    database: EmulatedLink
    lake: EmulatedLink | None
    folder: Path
    storage_options: dict[str, Any] | None

    @property
    def uri(self) -> str:
        """PostgreSQL, through its link."""
        return f"postgresql://postgres@127.0.0.1:{self.database.port}/postgres"

    @property
    def root(self) -> str:
        """Of the lake: a folder, or the URL of a bucket."""
        return str(self.folder) if self.lake is None else f"s3://{BUCKET}"

    def sources(self, told: Cell | None) -> dict[str, dict[str, Any]]:
        """The tables as sources of Crosswind.

        Args:
            told: the link as the configuration says it is; None to let it be found out.
        """
        link = {} if told is None else {"link": {"rtt_ms": told.rtt_ms, "mbps": told.mbps}}
        shop = {"connector": "postgres", "uri": self.uri, **link}
        if self.storage_options is None:
            return {"shop": shop, "lake": {"connector": "files", "root": self.root}}
        options = {"root": self.root, "storage_options": self.storage_options, **link}
        return {"shop": shop, "lake": {"connector": "files", **options}}

    def becomes(self, cell: Cell) -> None:
        """Make its links those of a cell."""
        for link in (self.database, self.lake):
            if link is not None:
                link.change(rtt_ms=cell.rtt_ms, mbps=cell.mbps)

    def received_bytes(self) -> tuple[int, int]:
        """From PostgreSQL and from S3, so far."""
        lake = 0 if self.lake is None else self.lake.crossed().down_bytes
        return self.database.crossed().down_bytes, lake


@contextmanager
def placed(name: str, scale: float, cache: Path, say: Callable[[str], None]) -> Iterator[Placement]:
    """The tables, made at first use, and their servers until the end of the block.

    Args:
        name: one of PLACEMENTS.
        scale: of TPC-H.
        cache: where the data is kept.
        say: told what happens now.
    """
    home = cache / f"links-{scale:g}"
    files = home / "files"
    if not (files / "complete").exists():
        say(f"generating TPC-H at scale {scale:g}")
        tpch.generate(files, scale)
        (files / "complete").touch()
    lake = home / BUCKET
    lake.mkdir(exist_ok=True)
    for table in IN_LAKE:
        if not (lake / f"{table}.parquet").exists():
            os.link(files / f"{table}.parquet", lake / f"{table}.parquet")
    with ExitStack() as running:
        say("starting PostgreSQL")
        uri = running.enter_context(embedded.running(home / "postgres"))
        _load(uri, files, say)
        query = parse_qs(urlsplit(uri).query)
        socket = f"{query['host'][0]}/.s.PGSQL.{query['port'][0]}"
        database = running.enter_context(emulated(socket))
        if name == "local":
            yield Placement(name, scale, database, None, lake, None)
            return
        say("starting S3")
        server = running.enter_context(bucket_server(home))
        link = running.enter_context(emulated(server.url.removeprefix("http://")))
        through = STORAGE_OPTIONS | {"endpoint_url": f"http://127.0.0.1:{link.port}"}
        yield Placement(name, scale, database, link, lake, through)


def _load(uri: str, files: Path, say: Callable[[str], None]) -> None:
    with postgres.connect(uri, autocommit=True) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT relname FROM pg_class WHERE relkind = 'r'")
        there = {name for (name,) in cursor.fetchall()}
    # The last one that is loaded tells whether all are there.
    if not there.issuperset(IN_DATABASE):
        say("loading PostgreSQL, which takes minutes the first time")
        tpch.load_postgres(uri, files, IN_DATABASE)
