"""The statements that the kit asks of every source, to compare their answers with the engine's.

Owns their texts, in the engine's own SQL. Must not know how an answer is compared.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal

import pyarrow as pa

from connectors.conformance.tables import EMPTY, LARGE, LARGE_ROWS, OTHERS, PAIRS, VALUES

RELATIONS: Mapping[str, str] = {
    "read": f"SELECT b, a FROM {PAIRS}",
    "filter": f"SELECT a FROM {PAIRS} WHERE a > 2",
    "project": f"SELECT a > 2 AS more, b FROM {PAIRS}",
    "fetch": f"SELECT a FROM {PAIRS} LIMIT 3",
    "sort": f"SELECT a, b FROM {PAIRS} WHERE a <> 3 ORDER BY a DESC NULLS LAST LIMIT 3",
    "aggregate": f"SELECT a, count(*) AS n, min(a) AS low FROM {PAIRS} GROUP BY a",
    "window": f"SELECT a, b, rank() OVER (PARTITION BY b ORDER BY a) AS place FROM {PAIRS}",
    "join": f"SELECT p.a, o.b FROM {PAIRS} p JOIN {OTHERS} o ON p.a = o.a",
    # All rows would cost more on their way than the tables that make them.
    "cross": f"SELECT count(*) AS n FROM {PAIRS} p CROSS JOIN {OTHERS} o",
    "union": f"SELECT a FROM {PAIRS} UNION ALL SELECT a FROM {OTHERS}",
}
"""A statement for each relation that `Capabilities.relations` may name."""

_ON_A = (
    *("a = 3", "a <> 3", "a < 0", "a >= 3", "a BETWEEN 2 AND 3", "a = 2 + 1", "a > 100"),
    *("a IN (3, 5)", "a IN (5, NULL)", "a NOT IN (3, 5)", "a NOT IN (3, NULL)"),
    *("a IS NULL", "a IS NOT NULL", "a IS DISTINCT FROM 3", "NOT (a > 2)", "(a > 2) IS NOT TRUE"),
)

_ON_B = (
    *("b = 'one'", "b <> 'one'", "b < 'three'", "b >= 'three'", "b = ''", "b <> ''"),
    *("b = 'One'", "b = 'one '", "b IN ('one', 'two')", "b NOT IN ('one', 'two')"),
    *("b NOT IN ('one', NULL)", "b LIKE 't%'", "b NOT LIKE '%e'", "b LIKE '_wo'", "b LIKE 'T%'"),
    *("b IS NULL", "b IS NOT NULL"),
)

_ON_BOTH = (
    *("a = 3 AND b = 'three'", "a = 3 AND b = 'one'", "a > 2 AND b IS NULL"),
    *("a = 3 OR b = 'none'", "a > 2 OR b IS NULL", "a IS NULL OR b = ''"),
    *("NOT (a > 2 AND b = 'three')", "NOT (a > 2 OR b = 'three')"),
    *("a > 2 AND (b = 'one' OR b IS NULL)", "(a > 2) = (b = 'three')"),
)

FILTERS: tuple[str, ...] = (
    # Of a column that is not asked for.
    *(f"SELECT b FROM {PAIRS} WHERE {condition}" for condition in _ON_A),
    *(f"SELECT a FROM {PAIRS} WHERE {condition}" for condition in _ON_B),
    *(f"SELECT a, b FROM {PAIRS} WHERE {condition}" for condition in _ON_BOTH),
    f"SELECT count(*) AS n FROM {PAIRS} WHERE b = 'three'",
    f"SELECT a, b FROM {EMPTY} WHERE a > 2 OR b = 'one'",
    f"SELECT a FROM {LARGE} WHERE a >= {LARGE_ROWS - 3}",
)


@dataclass(frozen=True)
class Limited:
    """A statement of which so many rows are asked for, whichever they are."""

    all: str
    limit: int
    offset: int = 0

    @property
    def sql(self) -> str:
        """
        >>> Limited("SELECT a FROM t", 3, 1).sql
        'SELECT a FROM t LIMIT 3 OFFSET 1'
        """
        skipped = f" OFFSET {self.offset}" if self.offset else ""
        return f"{self.all} LIMIT {self.limit}{skipped}"


LIMITS: tuple[Limited, ...] = (
    *(Limited(f"SELECT a, b FROM {PAIRS}", limit) for limit in (0, 3, 7, 9)),
    Limited(f"SELECT a, b FROM {PAIRS}", 3, 5),
    *(Limited(f"SELECT b FROM {PAIRS} WHERE a > 2", limit) for limit in (0, 2, 3, 4)),
    Limited(f"SELECT a FROM {PAIRS} WHERE b = 'three'", 1),
    Limited(f"SELECT a FROM {PAIRS} WHERE b = 'three'", 2, 1),
    Limited(f"SELECT a FROM {PAIRS} WHERE a > 100", 2),
    # What it leaves stands in the last batches.
    *(Limited(f"SELECT a FROM {LARGE} WHERE a >= {LARGE_ROWS - 6}", n) for n in (4, 9)),
    Limited(f"SELECT a FROM {LARGE} WHERE a % 99991 = 7", 3),
)

SHAPES: tuple[str, ...] = (
    f"SELECT a, b, a + 1 AS more, a IS NULL AS none, coalesce(b, '-') AS c FROM {PAIRS}",
    f"SELECT b, count(*) AS n, sum(a) AS s, max(a) AS high FROM {PAIRS} GROUP BY b",
    f"SELECT count(*) AS n, count(a) AS known, count(DISTINCT b) AS d, min(b) AS f FROM {PAIRS}",
    f"SELECT b FROM {PAIRS} GROUP BY b HAVING count(*) > 1",
    f"SELECT sum(a) AS s, count(*) AS n FROM {PAIRS} WHERE a > 100",
    f"SELECT DISTINCT a, b FROM {PAIRS}",
    f"SELECT p.a, p.b, o.b AS o FROM {PAIRS} p LEFT JOIN {OTHERS} o ON p.a = o.a AND o.b <> 'drei'",
    f"SELECT p.a, o.a AS o FROM {PAIRS} p FULL JOIN {OTHERS} o ON p.a = o.a",
    f"SELECT a, b FROM {PAIRS} WHERE a IN (SELECT a FROM {OTHERS})",
    f"SELECT a, b FROM {PAIRS} WHERE a NOT IN (SELECT a FROM {OTHERS})",
    f"SELECT a FROM {PAIRS} UNION SELECT a FROM {OTHERS}",
    f"SELECT a, b, row_number() OVER (ORDER BY a, b) AS n FROM {PAIRS}",
)

SORTED: tuple[str, ...] = (
    f"SELECT a, b FROM {PAIRS} ORDER BY b, a",
    f"SELECT b FROM {PAIRS} WHERE a <> 2 ORDER BY b DESC LIMIT 4",
    f"SELECT a FROM {PAIRS} ORDER BY a NULLS FIRST LIMIT 3 OFFSET 1",
)
"""Their rows come in one order only."""


def comparisons(type_: pa.DataType) -> Iterator[str]:
    """Conditions on a column `v` of a type: is it each value, is it less; none for lists."""
    yield from ("v IS NULL", "v IS NOT NULL")
    for value in VALUES[type_]:
        if (literal := _literal(value, type_)) is not None:
            yield from (f"v = {literal}", f"v < {literal}")


def _literal(value: object, type_: pa.DataType) -> str | None:
    """The value in the engine's SQL; None where it has no plain form.

    >>> _literal("it's", pa.string()), _literal(b"x", pa.binary()), _literal(1.5, pa.float32())
    ("'it''s'", "X'78'", "CAST('1.5' AS REAL)")
    """
    match value:
        case bool():
            return str(value).upper()
        case int():
            # The least of all has no literal: a minus is applied to what does not fit.
            return f"CAST('{value}' AS BIGINT)" if value == -(2**63) else str(value)
        case float():
            return f"CAST('{value!r}' AS {'REAL' if type_ == pa.float32() else 'DOUBLE'})"
        case Decimal():
            return f"CAST('{value:f}' AS DECIMAL({type_.precision}, {type_.scale}))"
        case str():
            return "'" + value.replace("'", "''") + "'"
        case bytes():
            return f"X'{value.hex()}'"
        case datetime():
            # A timestamp in SQL is of nanoseconds, whose years are few.
            return f"TIMESTAMP '{value.isoformat()}'" if 1700 < value.year < 2200 else None
        case date():
            return f"DATE '{value.isoformat()}'"
        case time():
            return f"arrow_cast('{value.isoformat()}', 'Time64(Microsecond)')"
    return None
