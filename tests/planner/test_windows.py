"""Functions over windows give the engine's results at each source; what stays here says why.

Each statement runs where the source does all of it, where it only hands out rows, and in DataFusion
alone. Where a function tells peers apart, the order has none.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from connectors.errors import UnsupportedError
from planner.bind import bind
from planner.emit.dialects import DIALECTS
from planner.parse import parse
from planner.relations import Relation, Window, inputs_of, subqueries_of
from tests.planner.real_sources import REAL, real_sources
from tests.planner.twins import Twins
from tests.postgres_server import PostgresServer

_TYPES = ("i4", "i8", "n", "b", "d", "t")
_ORDERS = ("", " DESC", " NULLS FIRST", " DESC NULLS LAST")
_ROWS = (
    "ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW",
    "ROWS BETWEEN 2 PRECEDING AND CURRENT ROW",
    "ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING",
    "ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING",
    "ROWS BETWEEN 3 PRECEDING AND 1 PRECEDING",
    "ROWS BETWEEN 1 FOLLOWING AND 2 FOLLOWING",
    "ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING",
    "ROWS 4 PRECEDING",
)
_PEERS = (
    "RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW",
    "RANGE BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING",
    "RANGE BETWEEN CURRENT ROW AND CURRENT ROW",
    "RANGE BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING",
)

_COLUMNS = "id, i2, i4, i8, n, b, d"


def _ranked(function: str) -> list[str]:
    """By every type, with NULLs at either end; in partitions; by what has peers."""
    return [
        *(
            f"SELECT id, {function}() OVER (ORDER BY {x}{order}) FROM odd"
            for x in _TYPES[:-1]
            for order in _ORDERS
        ),
        f"SELECT id, {function}() OVER (ORDER BY t DESC) FROM texts",
        f"SELECT id, {function}() OVER (PARTITION BY b ORDER BY i4, d DESC) FROM odd",
        f"SELECT a, b, {function}() OVER (PARTITION BY a, b IS NULL ORDER BY y) FROM pairs",
        f"SELECT a, {function}() OVER (PARTITION BY 1 ORDER BY a, 'x') FROM pairs",
        f"SELECT id, {function}() OVER (PARTITION BY i4 > 0 ORDER BY coalesce(i2, 5)) FROM odd",
        f"SELECT a, b, {function}() OVER (ORDER BY count(*)) FROM pairs GROUP BY a, b",
        f"SELECT id, {function}() OVER (ORDER BY i4) FROM nothing",
    ]


def _numbered(function: str) -> list[str]:
    """In an order without peers."""
    return [
        f"SELECT id, {function} OVER (ORDER BY i4 NULLS FIRST, id) FROM odd",
        f"SELECT id, {function} OVER (PARTITION BY b ORDER BY n DESC, id DESC) FROM odd",
        f"SELECT id, {function} OVER (PARTITION BY d, b ORDER BY id) FROM odd",
        f"SELECT id, {function} OVER (ORDER BY t, id) FROM texts",
    ]


def _moved(name: str) -> list[str]:
    return [
        f"SELECT id, {name}('x', 1, 'y') OVER (PARTITION BY b ORDER BY id) FROM odd",
        *(f"SELECT id, {name}({x}) OVER (ORDER BY id) FROM odd" for x in _TYPES[:-1]),
        f"SELECT id, {name}(t) OVER (ORDER BY t NULLS FIRST, id) FROM texts",
        f"SELECT id, {name}(i4, 2) OVER (PARTITION BY b ORDER BY id DESC) FROM odd",
        f"SELECT id, {name}(n, 0) OVER (ORDER BY id) FROM odd",
        f"SELECT id, {name}(i4, 3, 7) OVER (PARTITION BY b ORDER BY d, id) FROM odd",
        f"SELECT id, {name}(t, 1, 'none') OVER (ORDER BY id) FROM texts",
        f"SELECT id, {name}(i8, 100, -1) OVER (ORDER BY id) FROM odd",
        f"SELECT id, {name}(i4, 1, NULL) OVER (ORDER BY id) FROM odd",
    ]


def _of_a_frame(call: str) -> list[str]:
    """A call with `{x}` for its argument, over every type and frame."""
    made = [call.format(x=x) for x in _TYPES]
    constant = call.format(x="'x'")
    return [
        f"SELECT id, {constant} OVER (PARTITION BY b ORDER BY id {_ROWS[4]}) FROM odd",
        *(f"SELECT id, {c} OVER (ORDER BY id) FROM odd" for c in made[:-1]),
        f"SELECT id, {made[-1]} OVER (PARTITION BY id > 9 ORDER BY id DESC) FROM texts",
        *(f"SELECT id, {made[0]} OVER (PARTITION BY b ORDER BY id {f}) FROM odd" for f in _ROWS),
        *(f"SELECT id, {made[2]} OVER (ORDER BY i4, id {f}) FROM odd" for f in _PEERS),
    ]


def _aggregated(call: str, *types: str) -> list[str]:
    """An aggregate of each type, over whole partitions, peers and rows."""
    made = [call.format(x=x) for x in types]
    last = made[-1]
    return [
        *(f"SELECT id, {c} OVER () FROM odd" for c in made),
        *(f"SELECT id, {c} OVER (PARTITION BY b) FROM odd" for c in made),
        *(f"SELECT id, {c} OVER (ORDER BY d NULLS FIRST) FROM odd" for c in made),
        *(f"SELECT id, {last} OVER (PARTITION BY b ORDER BY id {f}) FROM odd" for f in _ROWS),
        *(f"SELECT id, {last} OVER (ORDER BY i2 {f}) FROM odd" for f in _PEERS),
        f"SELECT id, {last} OVER (PARTITION BY i4 ORDER BY i2 DESC) FROM odd",
        f"SELECT {call.format(x=types[0])} OVER () FROM odd WHERE id < 0",
    ]


def _truth(name: str) -> list[str]:
    return [
        f"SELECT id, {name}(b) OVER () FROM odd",
        f"SELECT id, {name}(i4 > 0) OVER (PARTITION BY b) FROM odd",
        f"SELECT id, {name}(b) OVER (ORDER BY d) FROM odd",
        f"SELECT id, {name}(b) OVER (ORDER BY id {_ROWS[0]}) FROM odd",
    ]


CASES: dict[str, list[str]] = {
    "row_number": [*_numbered("row_number()"), "SELECT row_number() OVER () FROM pairs"],
    "rank": _ranked("rank"),
    "dense_rank": _ranked("dense_rank"),
    "percent_rank": _ranked("percent_rank"),
    "cume_dist": _ranked("cume_dist"),
    "ntile": [sql for tiles in (1, 4, 7, 100) for sql in _numbered(f"ntile({tiles})")],
    "lag": _moved("lag"),
    "lead": _moved("lead"),
    "first_value": _of_a_frame("first_value({x})"),
    "last_value": _of_a_frame("last_value({x})"),
    "nth_value": [*_of_a_frame("nth_value({x}, 1)"), *_of_a_frame("nth_value({x}, 3)")],
    "count": [
        *_aggregated("count({x})", "i4", "b", "d"),
        "SELECT id, count(*) OVER (PARTITION BY b ORDER BY i4) FROM odd",
        "SELECT id, count(t) OVER (ORDER BY t) FROM texts",
    ],
    "sum": _aggregated("sum({x})", "i2", "i4"),
    "avg": _aggregated("avg({x})", "n"),
    "min": [
        *_aggregated("min({x})", "i8", "d", "i4"),
        "SELECT id, min(t) OVER (ORDER BY id DESC) FROM texts",
    ],
    "max": [
        *_aggregated("max({x})", "i8", "d", "i4"),
        "SELECT id, max(t) OVER (ORDER BY id) FROM texts",
    ],
    "bool_and": _truth("bool_and"),
    "bool_or": _truth("bool_or"),
}
"""By the name of a rule, what each source that has it runs whole."""

SHAPES = [
    "SELECT id, rank() OVER (ORDER BY i4), sum(i4) OVER (PARTITION BY b), max(d) OVER () FROM odd",
    f"SELECT {_COLUMNS} FROM odd QUALIFY row_number() OVER (PARTITION BY b ORDER BY i4, id) <= 2",
    "SELECT id, i4 FROM odd QUALIFY count(*) OVER (PARTITION BY i4) > 5 AND i4 > 0",
    "SELECT b, i4, count(*) FROM odd GROUP BY b, i4 QUALIFY rank() OVER (ORDER BY count(*)) = 1",
    "SELECT DISTINCT rank() OVER (ORDER BY a) FROM pairs",
    "SELECT id FROM (SELECT id, rank() OVER (ORDER BY i4) AS r FROM odd) WHERE r BETWEEN 3 AND 20",
    "SELECT r, count(*) FROM (SELECT rank() OVER (ORDER BY i4) AS r FROM odd) GROUP BY r",
    "SELECT r, rank() OVER (ORDER BY r) FROM (SELECT rank() OVER (ORDER BY a) AS r FROM pairs)",
    "SELECT id, rank() OVER (ORDER BY i4) AS r FROM odd ORDER BY r, id LIMIT 9",
    "SELECT id, rank() OVER (ORDER BY i4) FROM (SELECT id, i4 FROM odd ORDER BY id LIMIT 9)",
    "SELECT rank() OVER (ORDER BY a) FROM pairs UNION ALL SELECT ntile(3) OVER () FROM pairs",
]
"""Windows among other relations."""

_FIRST_OF_EACH = "SELECT DISTINCT ON (b) b, i4, id FROM odd ORDER BY b, i4 DESC NULLS LAST, id"

STAYS: dict[str, dict[str, str]] = {
    "postgres": {
        "SELECT id, 1 + row_number() OVER (ORDER BY id) FROM odd": "the conversion of uint64",
        "SELECT id FROM odd WHERE id IN (SELECT rank() OVER (ORDER BY a) FROM pairs)": (
            "the conversion of uint64"
        ),
        "SELECT id, count(*) OVER (PARTITION BY f8) FROM odd": (
            "NaN and -0.0 compare differently there"
        ),
        "SELECT id, max(f4) OVER (ORDER BY id) FROM odd": "NaN and -0.0 compare differently there",
        "SELECT id, avg(i8) OVER () FROM odd": "depends on the order of its rows",
    },
    "duckdb": {
        "SELECT id, rank() OVER (ORDER BY f4) FROM odd": "NaN and -0.0 compare differently there",
        "SELECT id, count(*) OVER (PARTITION BY f8) FROM odd": (
            "NaN and -0.0 compare differently there"
        ),
        "SELECT id, max(f8) OVER (ORDER BY id) FROM odd": "NaN and -0.0 compare differently there",
        "SELECT id, avg(i8) OVER () FROM odd": "depends on the order of its rows",
    },
    "sqlite": {
        "SELECT id, rank() OVER (ORDER BY f8) FROM odd": "-0.0 compares differently there",
        "SELECT id, count(*) OVER (PARTITION BY f8) FROM odd": "-0.0 compares differently there",
        "SELECT id, max(f8) OVER (ORDER BY id) FROM odd": "-0.0 compares differently there",
        **dict.fromkeys(CASES["avg"], "avg over a window is not proven there"),
    },
    "datafusion": {"SELECT id, avg(i4) OVER () FROM odd": "may depend on the order of its rows"},
}
"""By the source, what stays above its rows, and the reason that EXPLAIN gives."""

for _source in STAYS:
    STAYS[_source] |= {
        _FIRST_OF_EACH: "aggregate first_value is not proven there",
        "SELECT id, sum(f8) OVER (PARTITION BY id) FROM odd": "sum",
        "SELECT id, bit_and(i4) OVER (PARTITION BY b) FROM odd": (
            "bit_and over a window is not proven there"
        ),
    }

UNCUT = {
    "SELECT id, lag(i4) IGNORE NULLS OVER (ORDER BY id) FROM odd": "IGNORE NULLS",
    "SELECT id, first_value(i4) IGNORE NULLS OVER (ORDER BY id DESC) FROM odd": "IGNORE NULLS",
    "SELECT id, sum(i4) FILTER (WHERE b) OVER (ORDER BY id) FROM odd": "FILTER beside a window",
    "SELECT id, count(DISTINCT i4) OVER (PARTITION BY b) FROM odd": "DISTINCT beside a window",
    "SELECT id, sum(i4) OVER (ORDER BY id RANGE 2 PRECEDING) FROM odd": "a window frame of values",
    "SELECT id, count(*) OVER (ORDER BY id RANGE BETWEEN 1 PRECEDING AND 3 FOLLOWING) FROM odd": (
        "a window frame of values"
    ),
    "SELECT id, count(*) OVER (ORDER BY i4 GROUPS BETWEEN 1 PRECEDING AND CURRENT ROW) FROM odd": (
        "a window frame of values"
    ),
    "SELECT id, sum(i4 + (SELECT max(a) FROM pairs)) OVER (ORDER BY id) FROM odd": (
        "a subquery in a window function"
    ),
    "SELECT id, sum(i4) OVER (PARTITION BY b ORDER BY id), count(*) FILTER (WHERE i4 > 0) OVER (),"
    " ntile(7) OVER (ORDER BY id), ntile(50) OVER (PARTITION BY i4 ORDER BY id),"
    " ntile(3) OVER (PARTITION BY b ORDER BY id DESC), rank() OVER (ORDER BY d) FROM odd": (
        "FILTER beside a window"
    ),
}
"""What the engine's plans do not carry: the statement runs here, each table read by itself."""


def cases_of(source: str) -> dict[str, list[str]]:
    """What runs whole at a source, by the name of the rule."""
    stays = STAYS[source]
    found = {rule: [sql for sql in cases if sql not in stays] for rule, cases in CASES.items()}
    return {rule: cases for rule, cases in found.items() if cases}


def _statements(cases: dict[str, list[str]]) -> list[tuple[str, str]]:
    return [(rule, sql) for rule, statements in cases.items() for sql in statements]


def _calls(relation: Relation) -> Iterator[str]:
    if isinstance(relation, Window):
        yield from (call.function for call in relation.calls)
    for part in (*inputs_of(relation), *subqueries_of(relation)):
        yield from _calls(part)


@pytest.fixture(scope="module")
def sources(
    postgres_server: PostgresServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Twins]]:
    folder = tmp_path_factory.mktemp("windows")
    with real_sources(postgres_server, folder, "windows") as made:
        yield made


@pytest.mark.parametrize(
    ("source", "sql"), [(s, sql) for s in REAL for _, sql in _statements(cases_of(s))]
)
def test_a_rule_gives_the_engines_result(source: str, sql: str, sources: dict[str, Twins]) -> None:
    sources[source].check(sql, "whole")


@pytest.mark.parametrize("rule", CASES)
def test_the_cases_of_a_rule_try_it(rule: str, sources: dict[str, Twins]) -> None:
    catalog = sources["postgres"].pushing.catalog
    for sql in CASES[rule]:
        relation = bind(parse(sql), catalog).relation
        assert relation is not None
        assert rule in _calls(relation)


@pytest.mark.parametrize("source", REAL)
def test_every_rule_has_cases(source: str) -> None:
    assert set(DIALECTS[source].windows) == set(cases_of(source))


@pytest.mark.parametrize(("source", "sql"), [(s, sql) for s in REAL for sql in SHAPES])
def test_windows_among_other_relations(source: str, sql: str, sources: dict[str, Twins]) -> None:
    sources[source].check(sql, "whole")


@pytest.mark.parametrize(("source", "sql"), [(s, sql) for s in REAL for sql in STAYS[s]])
def test_what_is_not_proven_stays_with_a_reason(
    source: str, sql: str, sources: dict[str, Twins]
) -> None:
    plan = sources[source].check(sql, "cut")
    reasons = [kept.reason for kept in plan.kept]
    assert any(STAYS[source][sql] in reason for reason in reasons), reasons


@pytest.mark.parametrize(("source", "sql"), [(s, sql) for s in REAL for sql in UNCUT])
def test_what_plans_do_not_carry_runs_here(
    source: str, sql: str, sources: dict[str, Twins]
) -> None:
    plan = sources[source].check(sql, "tables")
    assert any(UNCUT[sql] in kept.reason for kept in plan.kept), [k.reason for k in plan.kept]


@pytest.mark.parametrize("source", REAL)
def test_a_frame_that_the_engine_refuses_is_refused_alike(
    source: str, sources: dict[str, Twins]
) -> None:
    """It cannot take rows out of bool_and again."""
    frame = "ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING"
    for name in ("bool_and", "bool_or"):
        sql = f"SELECT id, {name}(b) OVER (ORDER BY id {frame}) FROM odd"
        for failure in sources[source].check_failure(sql):
            assert isinstance(failure, UnsupportedError)


def test_peers_are_numbered_in_any_order(
    sources: dict[str, Twins],
) -> None:
    """Where peers are numbered, SQL leaves open in which order."""
    for twins in sources.values():
        answer = twins.pushing.query("SELECT b, row_number() OVER (ORDER BY b) AS r FROM odd")
        assert sorted(answer["r"].to_pylist()) == list(range(1, answer.num_rows + 1))
