"""Random functions over windows, whose value the statement determines.

Owns which functions tell peers apart: those get an order in which there are none, or in which peers
are alike in every column that a statement can name. Knows no SELECT.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from sqlglot import exp

from tests.oracle.expressions import Expressions, Sql
from tests.oracle.scope import Column, Kind

_RANKS = ("rank", "dense_rank", "percent_rank", "cume_dist")
_TELLING = ("row_number", "ntile", "lag", "lead", "first_value", "last_value", "nth_value")
_AGGREGATES = ("count", "count", "sum", "min", "max", "bool_and", "avg")
_ROWS = (
    ("UNBOUNDED PRECEDING", "CURRENT ROW"),
    ("2 PRECEDING", "CURRENT ROW"),
    ("1 PRECEDING", "1 FOLLOWING"),
    ("CURRENT ROW", "UNBOUNDED FOLLOWING"),
    ("3 PRECEDING", "1 PRECEDING"),
    ("1 FOLLOWING", "2 FOLLOWING"),
    ("0 PRECEDING", "2 FOLLOWING"),
    ("UNBOUNDED PRECEDING", "UNBOUNDED FOLLOWING"),
)
_VALUES = (
    ("UNBOUNDED PRECEDING", "UNBOUNDED FOLLOWING"),
    ("CURRENT ROW", "UNBOUNDED FOLLOWING"),
    ("CURRENT ROW", "CURRENT ROW"),
)


class Windows:
    """Window functions over the columns of a FROM.

    Args:
        random: where every choice comes from.
        columns: all that may be named there.
        shared: only what means the same in other engines too.
    """

    def __init__(self, random: Random, columns: Sequence[Column], *, shared: bool = False) -> None:
        self._random = random
        self._these = Expressions(random, columns, shared=shared)
        self._aggregates = _AGGREGATES[:-1] if shared else _AGGREGATES
        self._total = total_order(columns)

    def any(self) -> tuple[Sql, Kind]:
        """A function over a window, and the kind of its values."""
        chance = self._random.random()
        if chance < 0.3:
            name = self._random.choice(_RANKS)
            return self.over(_call(name), self._keys()), _rank_kind(name)
        if chance < 0.65 and self._total is not None:
            return self._telling(self._total)
        return self._aggregate()

    def row_number(self) -> Sql | None:
        """The number of a row in its partition; None where rows have no total order."""
        if self._total is None:
            return None
        return self.over(_call("row_number"), [*self._keys(), *map(self._key, self._total)])

    def over(self, function: Sql, keys: list[Sql], frame: tuple[str, ...] = ()) -> Sql:
        """The function over a window of some partition."""
        parts = [self._orderly(1) for _ in range(self._random.choice((0, 1, 1, 2)))]
        return exp.Window(
            this=function,
            partition_by=parts,
            order=exp.Order(expressions=keys) if keys else None,
            spec=_spec(*frame) if frame else None,
        )

    def _telling(self, total: Sequence[Column]) -> tuple[Sql, Kind]:
        self._forget_alike()
        name = self._random.choice(_TELLING)
        keys = [*(self._keys() if self._random.random() < 0.5 else []), *map(self._key, total)]
        if name == "row_number":
            return self.over(_call(name), keys), "int"
        if name == "ntile":
            return self.over(_call(name, self._these.number(1, 12)), keys), "int"
        argument, kind = self._these.any(1)
        arguments = [argument]
        if name == "nth_value":
            arguments.append(self._these.number(1, 4))
        if name in ("lag", "lead") and self._random.random() < 0.6:
            arguments.append(self._these.number(0, 3))
            if self._random.random() < 0.5:
                arguments.append(self._these.constant(kind))
        frame: tuple[str, ...] = ()
        if name.endswith("_value") and self._random.random() < 0.6:
            frame = ("ROWS", *self._random.choice(_ROWS))
        return self.over(_call(name, *arguments), keys, frame), kind

    def _aggregate(self) -> tuple[Sql, Kind]:
        name = self._random.choice(self._aggregates)
        argument, kind = self._argument(name)
        function: Sql = _call(name, argument)
        chance = self._random.random()
        if chance < 0.04 and kind != "float":
            function = _call(name, exp.Distinct(expressions=[argument]))
        elif chance < 0.1:
            function = exp.Filter(
                this=function, expression=exp.Where(this=self._these.condition(1))
            )
        made: Kind = "int" if name == "count" else kind
        chance = self._random.random()
        if chance < 0.3 and self._total is not None and name != "bool_and":
            keys = [*self._keys(), *map(self._key, self._total)]
            self._forget_alike()
            return self.over(function, keys, ("ROWS", *self._random.choice(_ROWS))), made
        keys = self._keys() if chance < 0.85 else []
        frame = ("RANGE", *self._random.choice(_VALUES)) if keys and chance > 0.6 else ()
        if name == "bool_and":
            frame = ()
        return self.over(function, keys, frame), made

    def _forget_alike(self) -> None:
        """Of rows that are alike, one window may number this first and another one that."""
        if self._total is not None and any(column.name != "id" for column in self._total):
            self._total = None

    def _argument(self, name: str) -> tuple[Sql, Kind]:
        if name == "bool_and":
            return self._these.of("bool", 1), "bool"
        if name == "avg":
            return self._these.of("decimal", 1), "decimal"
        if name == "sum":
            kind: Kind = self._random.choice(("int", "decimal"))
            return self._these.of(kind, 1), kind
        argument, kind = self._these.any(1)
        # The engine's least of -0.0 and 0.0, and of NaNs, depends on the order of its rows.
        if name != "count" and kind in ("bool", "float"):
            return self._these.of("int", 1), "int"
        return argument, kind

    def _keys(self) -> list[Sql]:
        return [self._ordered(self._orderly(1)) for _ in range(self._random.choice((1, 1, 2)))]

    def _orderly(self, depth: int) -> Sql:
        """An expression whose values have one form: no float."""
        sql, kind = self._these.any(depth)
        return self._these.of("int", depth) if kind == "float" else sql

    def _key(self, column: Column) -> Sql:
        return self._ordered(column.sql())

    def _ordered(self, sql: Sql) -> Sql:
        nulls = self._random.choice((None, True, False))
        down = self._random.random() < 0.3
        # Without a choice the engine's own default is written out: it is PostgreSQL's.
        return exp.Ordered(this=sql, desc=down, nulls_first=down if nulls is None else nulls)


def total_order(columns: Sequence[Column]) -> list[Column] | None:
    """Columns that tell all rows of a FROM apart, as far as a statement can; None without any."""
    found: list[Column] = []
    for table in dict.fromkeys(column.table for column in columns):
        own = [column for column in columns if column.table == table]
        numbers = [column for column in own if column.name == "id"]
        if not numbers and any(column.kind == "float" for column in own):
            return None
        found += numbers or own
    return found or None


def _rank_kind(name: str) -> Kind:
    return "int" if name.endswith("rank") and not name.startswith("percent") else "float"


def _call(name: str, *arguments: Sql) -> Sql:
    return exp.Anonymous(this=name, expressions=list(arguments))


def _spec(unit: str, start: str, end: str) -> exp.WindowSpec:
    (start, start_side), (end, end_side) = _edge(start), _edge(end)
    return exp.WindowSpec(kind=unit, start=start, start_side=start_side, end=end, end_side=end_side)


def _edge(text: str) -> tuple[str, str | None]:
    if text == "CURRENT ROW":
        return text, None
    distance, side = text.split()
    return distance, side
