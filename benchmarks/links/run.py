"""One contender in one cell: asked the queries that it has not answered yet.

Owns the order of things, the clock and the counters. Must not know what is done with the figures.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from operator import attrgetter
from pathlib import Path

import adbc_driver_manager
import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from benchmarks.links.cells import Answer, Cell, Measured
from benchmarks.links.contenders import Ask, Contender
from benchmarks.links.estimates import explained, judged, passed_over, same_plan
from benchmarks.links.placement import Placement

QUERIES_FOLDER = Path(__file__).parents[1] / "tpch" / "queries"
QUERIES = {path.stem: path.read_text() for path in sorted(QUERIES_FOLDER.glob("q*.sql"))}

WARM_UP = (
    "SELECT c_name, c_address, c_comment FROM customer LIMIT 10000",
    "SELECT count(*) FROM orders JOIN supplier ON o_orderkey = s_suppkey",
    "SELECT n_name, r_name FROM nation JOIN region ON n_regionkey = r_regionkey",
    "SELECT max(l_quantity) FROM lineitem WHERE l_shipdate >= DATE '1998-11-01'",
    "SELECT p_size, min(ps_supplycost) FROM part JOIN partsupp ON ps_partkey = p_partkey"
    " WHERE p_size < 5 GROUP BY p_size ORDER BY p_size",
    "SELECT n_name, count(*) FROM partsupp JOIN supplier ON s_suppkey = ps_suppkey"
    " JOIN nation ON n_nationkey = s_nationkey WHERE ps_partkey < 100 GROUP BY n_name",
)
"""What everyone is asked before the clock starts: 1.5 MB of PostgreSQL, so that the link can be
seen; every table of both places; and what an engine does with rows here."""

QUICK_SECONDS = 2.0
"""A query is asked again as long as its askings have taken less, all together: one time alone would
tell of the machine more than of the plan."""


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
    repeat: int = 1,
) -> None:
    """Ask what `kept` has no answer to, and add the answers to it.

    Args:
        queries: SQL by name.
        say: told what happens now, and each figure.
        repeat: how often a query is asked, at most, that is quick.
    """
    kept.forget([*kept.failed, *_asked_too_seldom(kept)])
    missing = {name: sql for name, sql in queries.items() if name not in kept.answers}
    if not missing:
        return
    placement.becomes(cell)
    with contender.opened(placement, cell) as ask:
        for sql in WARM_UP:
            ask(sql)
        for name, sql in missing.items():
            say(f"{placement.name} {cell} {contender.title}: {name}")
            before = explained(ask, sql) if contender.explains else None
            answer = _fastest(ask, placement, sql, repeat)
            if before is not None and not answer.error:
                after = explained(ask, sql, run=contender.judged)
                parts = judged(before, after) if contender.judged else ()
                answer = replace(
                    answer,
                    plan=same_plan(before, after),
                    judged=parts,
                    passed_over=passed_over(after),
                )
            kept.add(name, answer)


def _asked_too_seldom(kept: Measured) -> list[str]:
    """The quick queries that an earlier version of this asked once."""
    return [n for n, a in kept.answers.items() if not a.times and a.seconds < QUICK_SECONDS]


def _fastest(ask: Ask, placement: Placement, sql: str, repeat: int) -> Answer:
    """The fastest of several askings; one that is slow, or fails, is the last."""
    answers = [_answer(ask, placement, sql)]
    while len(answers) < repeat and not answers[-1].error:
        if sum(answer.seconds for answer in answers) >= QUICK_SECONDS:
            break
        answers.append(_answer(ask, placement, sql))
    fastest = answers[-1] if answers[-1].error else min(answers, key=attrgetter("seconds"))
    return replace(fastest, times=tuple(answer.seconds for answer in answers))


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
