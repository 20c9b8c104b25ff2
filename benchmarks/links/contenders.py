"""Who answers the 22 queries: Crosswind in several ways, and DuckDB with its postgres extension.

Owns the list of them, and how each is asked. A new way of planning is one more line of CONTENDERS.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import adbc_driver_flightsql.dbapi as flightsql
import duckdb
import pyarrow as pa

from benchmarks import peers
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
        placements: where it can run.
    """

    name: str
    title: str
    opened: Callable[[Placement, Cell], AbstractContextManager[Ask]]
    options: Mapping[str, str] = field(default_factory=dict)
    placements: tuple[str, ...] = ("local", "s3")

    @property
    def available(self) -> bool:
        """Whether this build has what it needs."""
        try:
            for name, value in self.options.items():
                DEFAULTS.with_option(name, value)
        except RequestError:
            return False
        return True


def _crosswind(name: str, title: str, told: bool = False, **options: str) -> Contender:
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

    return Contender(name, title, opened, options)


@contextmanager
def _duckdb(placement: Placement, _cell: Cell) -> Iterator[Ask]:
    try:
        import duckdb_extension_postgres_scanner as scanner
    except ImportError:
        raise RuntimeError("DuckDB's scanner is missing: pip install 'crosswind[bench]'") from None
    extension = next(Path(scanner.__file__).parent.rglob("postgres_scanner.duckdb_extension"))
    with duckdb.connect(config={"allow_unsigned_extensions": "true"}) as connection:
        connection.load_extension(str(extension))
        connection.execute(f"ATTACH '{placement.uri}' AS shop (TYPE postgres, READ_ONLY)")
        for table in IN_DATABASE:
            connection.execute(f"CREATE VIEW {table} AS FROM shop.{table}")
        for table in IN_LAKE:
            file = placement.folder / f"{table}.parquet"
            connection.execute(f"CREATE VIEW {table} AS FROM read_parquet('{file}')")
        yield lambda sql: connection.execute(sql).to_arrow_table()


CONTENDERS = (
    _crosswind("crosswind", "Crosswind"),
    _crosswind("told", "Crosswind, told the link", told=True),
    _crosswind("push-all", "push all", told=True, cuts="push"),
    _crosswind("pull-all", "pull all", told=True, pushdown="none"),
    _crosswind("no-reduction", "no reduction", told=True, reductions="none"),
    Contender("duckdb", "DuckDB", _duckdb, placements=("local",)),
)

DUCKDB = "duckdb"
