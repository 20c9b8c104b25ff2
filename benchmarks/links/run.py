"""One contender in one cell: asked the queries that it has not answered yet.

Owns the order of things, the clock and the counters. Must not know what is done with the figures.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path

import adbc_driver_manager
import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from benchmarks.links.cells import Answer, Cell, Measured
from benchmarks.links.contenders import Ask, Contender
from benchmarks.links.placement import Placement

QUERIES_FOLDER = Path(__file__).parents[1] / "tpch" / "queries"
QUERIES = {path.stem: path.read_text() for path in sorted(QUERIES_FOLDER.glob("q*.sql"))}

WARM_UP = (
    "SELECT c_name, c_address, c_comment FROM customer LIMIT 10000",
    "SELECT count(*) FROM orders JOIN supplier ON o_orderkey = s_suppkey",
    "SELECT n_name, r_name FROM nation JOIN region ON n_regionkey = r_regionkey",
)
"""What everyone is asked before the clock starts: 1.5 MB, so that the link can be seen."""


def measured_path(
    cache: Path, scale: float, placement: str, cell: Cell, contender: Contender
) -> Path:
    """The file that keeps a contender's answers in a cell."""
    folder = cache / f"links-{scale:g}" / "measured" / placement / str(cell)
    return folder / f"{contender.name}.json"


def measure(
    contender: Contender,
    placement: Placement,
    cell: Cell,
    queries: Mapping[str, str],
    kept: Measured,
    say: Callable[[str], None],
) -> None:
    """Ask what `kept` has no answer to, and add the answers to it.

    Args:
        queries: SQL by name.
        say: told what happens now, and each figure.
    """
    kept.forget(kept.failed)
    missing = {name: sql for name, sql in queries.items() if name not in kept.answers}
    if not missing:
        return
    placement.becomes(cell)
    with contender.opened(placement, cell) as ask:
        for sql in WARM_UP:
            ask(sql)
        for name, sql in missing.items():
            say(f"{placement.name} {cell} {contender.title}: {name}")
            kept.add(name, _answer(ask, placement, sql))


def _answer(ask: Ask, placement: Placement, sql: str) -> Answer:
    before = placement.received_bytes()
    started = time.perf_counter()
    try:
        table = ask(sql)
    except (adbc_driver_manager.Error, duckdb.Error) as failure:
        table, error = pa.table({}), str(failure)[:300]
    else:
        error = ""
    seconds = time.perf_counter() - started
    after = placement.received_bytes()
    received = after[0] - before[0], after[1] - before[1]
    return Answer(seconds, *received, table.num_rows, _sums(table), error)


def _sums(table: pa.Table) -> list[float]:
    """Of each column that holds numbers."""
    numeric = [
        column
        for column in table.columns
        if pa.types.is_decimal(column.type)
        or pa.types.is_integer(column.type)
        or pa.types.is_floating(column.type)
    ]
    return [float(pc.sum(pc.cast(column, pa.float64())).as_py() or 0.0) for column in numeric]
