"""Who answers the 22 queries: Crosswind in several ways, and DuckDB with its postgres extension.

Owns the list of them, and how each is asked. A new way of planning is one more line of CONTENDERS.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import adbc_driver_flightsql.dbapi as flightsql
import duckdb
import pyarrow as pa

from benchmarks import peers
from benchmarks.bucket_server import STORAGE_OPTIONS
from benchmarks.links.cells import Cell
from benchmarks.links.placement import IN_DATABASE, IN_LAKE, Placement
from connectors.errors import RequestError
from flight_server.session_options import DEFAULTS

HEADER = "adbc.flight.sql.rpc.call_header.x-crosswind-"

Ask = Callable[[str], pa.Table]
"""From SQL to its whole answer."""


@dataclass(frozen=True, slots=True)
class Contender:
    """One way to answer.

    Attributes:
        name: on the command line, and of its files.
        title: on the page.
        opened: starts it over a placement, whose links are those of a cell.
        options: the session options that it needs; a build that has them not leaves it out.
        explains: it tells its plans, if it is asked `EXPLAIN (FORMAT json)`.
        judged: it is asked what came of them as well, by running each once more.
        only_lake: the placement that it is for, where it differs from another there alone.
    """

    name: str
    title: str
    opened: Callable[[Placement, Cell], AbstractContextManager[Ask]]
    options: Mapping[str, str] = field(default_factory=dict)
    explains: bool = False
    judged: bool = False
    only_lake: str | None = None

    @property
    def available(self) -> bool:
        """Whether this build has what it needs."""
        try:
            for name, value in self.options.items():
                DEFAULTS.with_option(name, value)
        except RequestError:
            return False
        return True


def _crosswind(
    name: str, title: str, *, told: bool = True, judged: bool = False, **options: str
) -> Contender:
    """Crosswind with session options; `told` has the link in its configuration."""

    @contextmanager
    def opened(placement: Placement, cell: Cell) -> Iterator[Ask]:
        headers = {f"{HEADER}{option}": value for option, value in options.items()}
        with (
            peers.crosswind_over(placement.sources(cell if told else None)) as server,
            flightsql.connect(server.url, db_kwargs=headers, autocommit=True) as connection,
        ):

            def ask(sql: str) -> pa.Table:
                with connection.cursor() as cursor:
                    cursor.execute(sql)
                    return cursor.fetch_arrow_table()

            yield ask

    return Contender(name, title, opened, options, explains=True, judged=judged)


@contextmanager
def _duckdb(placement: Placement, _cell: Cell, *, keeps_files: bool = True) -> Iterator[Ask]:
    """DuckDB; unless told not to, it keeps in memory what it read of far files."""
    config = {"allow_unsigned_extensions": "true"}
    with duckdb.connect(config=config) as connection:
        connection.execute(f"SET enable_external_file_cache = {str(keeps_files).lower()}")
        connection.load_extension(_extension("postgres_scanner"))
        connection.execute(f"ATTACH '{placement.uri}' AS shop (TYPE postgres, READ_ONLY)")
        for table in IN_DATABASE:
            connection.execute(f"CREATE VIEW {table} AS FROM shop.{table}")
        if placement.lake is not None:
            connection.load_extension(_extension("httpfs"))
            connection.execute(
                f"CREATE SECRET (TYPE s3, KEY_ID '{STORAGE_OPTIONS['key']}',"
                f" SECRET '{STORAGE_OPTIONS['secret']}', REGION 'us-east-1',"
                f" ENDPOINT '127.0.0.1:{placement.lake.port}', URL_STYLE 'path', USE_SSL false)"
            )
        for table in IN_LAKE:
            file = f"{placement.root}/{table}.parquet"
            connection.execute(f"CREATE VIEW {table} AS FROM read_parquet('{file}')")
        yield lambda sql: connection.execute(sql).to_arrow_table()


def _extension(name: str) -> str:
    """The file of one of DuckDB's extensions, as its package has it."""
    try:
        package = importlib.import_module(f"duckdb_extension_{name}")
    except ImportError:
        raise RuntimeError(f"DuckDB's {name} is missing: pip install 'crosswind[bench]'") from None
    return str(next(Path(str(package.__file__)).parent.rglob(f"{name}.duckdb_extension")))


CONTENDERS = (
    _crosswind("crosswind", "Crosswind", told=False, judged=True),
    _crosswind("told", "Crosswind, told the link"),
    _crosswind("push-all", "push all", cuts="push"),
    _crosswind("pull-all", "pull all", pushdown="none"),
    _crosswind("open", "joins here", cuts="open"),
    _crosswind("no-reduction", "no reduction", reductions="none"),
    _crosswind("all-reductions", "all reductions", reductions="all"),
    Contender("duckdb", "DuckDB", _duckdb),
    Contender(
        "duckdb-forgets",
        "DuckDB, keeping no files",
        partial(_duckdb, keeps_files=False),
        only_lake="s3",
    ),
)

DUCKDB = "duckdb"
