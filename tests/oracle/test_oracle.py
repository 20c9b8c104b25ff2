"""A fixed share of the oracle's statements, and all that it ever found; `make oracle` runs more."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.oracle import sources
from tests.oracle.check import Outcome, check, fragments_of, text_of
from tests.oracle.judge import Judge
from tests.oracle.scope import tables_of
from tests.oracle.shrink import shrunk
from tests.oracle.statements import statement
from tests.planner.twins import Twins
from tests.postgres_server import PostgresServer

STATEMENTS = 500
"""In all, spread over the sources."""

COMMON = 80
"""Over one common table each."""

FOUND = [
    line
    for path in sorted((Path(__file__).parent / "found").glob("*.sql"))
    for line in path.read_text().splitlines()
]


@pytest.fixture(scope="module")
def running(postgres_server: PostgresServer) -> Iterator[dict[str, Twins]]:
    with ExitStack() as stack:
        yield {
            name: stack.enter_context(make(postgres_server))
            for name, make in sources.SOURCES.items()
        }


@pytest.fixture(scope="module")
def judges(running: dict[str, Twins]) -> dict[str, Judge]:
    return {name: sources.judge(twins) for name, twins in running.items()}


@pytest.mark.parametrize("source", sources.SOURCES)
def test_a_source_answers_as_the_engine_alone(
    source: str, running: dict[str, Twins], judges: dict[str, Judge]
) -> None:
    twins = running[source]
    tables = sources.tables(twins)
    count = -(-STATEMENTS // len(sources.SOURCES))
    outcomes: Counter[Outcome] = Counter()
    keyed = 0
    for seed in range(1_000_000, 1_000_000 + count):
        sql = text_of(statement(seed, tables, joined=source in sources.JOINED))
        verdict = check(twins, sql, judges[source])
        keyed += verdict.keyed
        outcomes[verdict.outcome] += 1
        assert verdict.outcome is not Outcome.DIFFERENT, (
            f"seed {seed}\n{sql}\n{verdict.detail}\nsent: {fragments_of(twins, sql)}"
        )
    assert outcomes[Outcome.SAME] > count * 0.7, f"most statements must show something: {outcomes}"
    assert source not in sources.JOINED or keyed > count * 0.3, f"{keyed} of {count} with keys"


@pytest.mark.parametrize("source", sources.JOINED)
def test_what_is_named_several_times_is_answered_so(
    source: str, running: dict[str, Twins], judges: dict[str, Judge]
) -> None:
    twins, judge = running[source], judges[source]
    tables = sources.tables(twins, shared=True)
    computed_once = 0
    for seed in range(2_000_000, 2_000_000 + COMMON):
        sql = text_of(statement(seed, tables, shared=True, joined=True, common=True))
        verdict = check(twins, sql, judge, always=True)
        computed_once += verdict.shared
        assert verdict.outcome is not Outcome.DIFFERENT, f"seed {seed}\n{sql}\n{verdict.detail}"
    # What is as costed computes little once of tables that are so small.
    forced = twins.pushing.options.reductions == "all"
    assert computed_once > COMMON * 0.15 or not forced, f"{computed_once} of {COMMON}"


@pytest.mark.parametrize("sql", FOUND)
@pytest.mark.parametrize("source", sources.SOURCES)
def test_what_was_found_once_stays_mended(
    source: str, sql: str, running: dict[str, Twins], judges: dict[str, Judge]
) -> None:
    verdict = check(running[source], sql, judges[source])
    right = verdict.outcome in (Outcome.SAME, Outcome.WRONG_ALONE)
    assert right, f"{sql}\n{verdict.detail}"


def test_what_means_the_same_elsewhere_is_answered_so(
    running: dict[str, Twins], judges: dict[str, Judge]
) -> None:
    twins, judge = running["duckdb"], judges["duckdb"]
    tables = sources.tables(twins, shared=True)
    judged = 0
    for seed in range(2_000_000, 2_000_060):
        sql = text_of(statement(seed, tables, shared=True))
        verdict = check(twins, sql, judge, always=True)
        judged += verdict.judged
        assert verdict.outcome is not Outcome.DIFFERENT, f"seed {seed}\n{sql}\n{verdict.detail}"
    assert judged > 40


def test_the_judge_tells_that_the_engine_alone_is_wrong(
    running: dict[str, Twins], judges: dict[str, Judge]
) -> None:
    sql = 'SELECT t1."id" AS c1 FROM texts AS t1 WHERE NOT 7 IN (SELECT t2."i4" FROM odd AS t2)'
    assert check(running["postgres"], sql, judges["postgres"]).outcome is Outcome.WRONG_ALONE
    assert judges["postgres"].answer("SELECT nanvl(1.0, 2.0)") is None
    sql = (
        'SELECT nanvl(t3."f4", t3."f8") AS c1 FROM odd AS t1 JOIN pairs AS t2'
        ' ON t1."i4" IS NOT DISTINCT FROM t2."a" JOIN odd AS t3 ON t1."n" = t3."n"'
    )
    assert check(running["postgres"], sql, judges["postgres"]).outcome is Outcome.WRONG_ALONE


def test_the_same_seed_gives_the_same_statement(running: dict[str, Twins]) -> None:
    tables = sources.tables(running["duckdb"])
    texts = [text_of(statement(seed, tables)) for seed in range(200)]
    assert texts == [text_of(statement(seed, tables)) for seed in range(200)]
    assert len(set(texts)) == 200


def test_a_difference_is_found_and_made_small(running: dict[str, Twins]) -> None:
    """Here what is looked for is a word, so that there is something to find."""
    twins = running["postgres"]
    tables = sources.tables(twins)

    def suspicious(tree: object) -> bool:
        sql = text_of(tree)  # type: ignore[arg-type]
        return "BETWEEN" in sql and check(twins, sql).outcome is Outcome.SAME

    tree = next(t for t in (statement(s, tables) for s in range(500)) if suspicious(t))
    small = text_of(shrunk(tree, suspicious))
    assert len(small) < len(text_of(tree))
    assert "BETWEEN" in small


def test_tables_show_the_columns_of_every_kind(running: dict[str, Twins]) -> None:
    alone = running["postgres"].alone
    (table,) = tables_of({"odd": alone.table('"odd"').schema()})
    assert {kind for _, kind in table.columns} >= {"int", "decimal", "float", "text", "bool"}
