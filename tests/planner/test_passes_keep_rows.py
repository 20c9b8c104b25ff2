"""The passes over trees change no row: random statements, as bound and as rearranged, run here.

Tables are at three places on paper and as Arrow in the engine, which runs both trees whole. So this
is about the passes alone, and not about what sources make of their parts.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from decimal import Decimal

import datafusion
import pyarrow as pa
import pytest
from datafusion.substrait import Consumer, Serde

from connectors.errors import RequestError
from planner.bind import Bound, bind
from planner.catalog import Catalog
from planner.emit.names import unique_names
from planner.parse import parse
from planner.passes import PASSES, rearranged
from planner.placing import Places
from planner.relations import Read, Relation
from planner.residual_text import residual_text
from planner.rewrite import with_reads
from planner.substrait.writer import write_plan
from tests.planner.paper import PaperTable, paper, paper_catalog

STATEMENTS = 400
SEED = 20

COLUMNS = {
    "k": pa.int64(),
    "x": pa.int64(),
    "s": pa.string(),
    "d": pa.decimal128(15, 2),
    "w": pa.float64(),
}
TABLES = ("a.t", "a.u", "a.v", "b.t", "b.u", "c.t", "c.u")
_TEXTS = ("", "a", "b", "A", "é", "ab")


def rows_of(dice: random.Random, count: int) -> pa.Table:
    """Few distinct values and many NULLs, so that joins and groups meet often."""

    def maybe(value: Callable[[], object]) -> list[object]:
        return [None if dice.random() < 0.15 else value() for _ in range(count)]

    columns = {
        "k": maybe(lambda: dice.randint(0, 4)),
        "x": maybe(lambda: dice.choice((0, 1, 2, 3, -7, 2**62))),
        "s": maybe(lambda: dice.choice(_TEXTS)),
        "d": maybe(lambda: Decimal(dice.randint(-999, 999)) / 100),
        "w": maybe(lambda: dice.choice((0.0, -0.0, 1.5, float("nan")))),
    }
    return pa.table(columns, schema=pa.schema(list(COLUMNS.items())))


class Statements:
    """Random statements over the tables; a seed gives the same ones."""

    def __init__(self, dice: random.Random) -> None:
        self._dice = dice

    def statement(self) -> str:
        made = self._dice.choice((self._rows, *[self._groups] * 3, self._first, self._little))
        return made()

    def _rows(self) -> str:
        source, names = self._source()
        columns = [f"{n}.{self._any()} AS c{i}" for i, n in enumerate(names)]
        return f"SELECT {', '.join(columns)} FROM {source}{self._where(names)}"

    def _groups(self) -> str:
        source, names = self._source()
        one, other = self._dice.choice(names), self._dice.choice(names)
        measures = self._dice.sample(
            [
                "count(*)",
                "count(1)",
                f"count({one}.x)",
                f"sum({one}.x)",
                f"sum({one}.d)",
                f"avg({one}.d)",
                f"min({one}.s)",
                f"max({one}.d)",
                f"bool_or({one}.x > 1)",
                f"sum({one}.k) FILTER (WHERE {one}.x > 0)",
                f"count(DISTINCT {one}.s)",
                f"sum({one}.x + {other}.k)",
            ],
            self._dice.choice((1, 1, 1, 2, 3)),
        )
        named = ", ".join(f"{m} AS m{i}" for i, m in enumerate(measures))
        groups = [f"{n}.{self._dice.choice('ks')}" for n in self._dice.sample(names, 1)]
        groups *= self._dice.random() < 0.8
        listed = "".join(f"{g} AS g{i}, " for i, g in enumerate(groups))
        by = f" GROUP BY {', '.join(groups)}" if groups else ""
        return f"SELECT {listed}{named} FROM {source}{self._where(names)}{by}"

    def _first(self) -> str:
        if self._dice.random() < 0.5:
            source, names = self._source()
        else:
            # Some tables end to end, or one that keeps all of its rows in a join with others.
            parts = [f"SELECT * FROM {self._table()} p" for _ in range(self._dice.randint(1, 3))]
            source, names = f"({' UNION ALL '.join(parts)}) r0", ["r0"]
            if self._dice.random() < 0.7:
                kind = self._dice.choice(("LEFT", "LEFT", "RIGHT", "RIGHT", "FULL", "INNER"))
                sides = [source, f"{self._table()} r1"]
                self._dice.shuffle(sides)
                source = f"{sides[0]} {kind} JOIN {sides[1]} ON {self._meeting(names, 'r1')}"
        columns = [f"{n}.{self._dice.choice('kxs')} AS c{i}" for i, n in enumerate(names)]
        columns.append("r0.k AS c8")
        keys = [
            f"{c.split()[-1]} {self._dice.choice(('', 'DESC', 'NULLS FIRST'))}" for c in columns
        ]
        self._dice.shuffle(keys)
        columns.append("r0.k + 1 AS c9")
        count, offset = self._dice.randint(1, 8), self._dice.choice((0, 0, 2))
        return (
            f"SELECT {', '.join(columns)} FROM {source}{self._where(names[1:])}"
            f" ORDER BY {', '.join(keys)} LIMIT {count} OFFSET {offset}"
        )

    def _little(self) -> str:
        """Groups by constants, and of joins of which one side is not read."""
        one = "r0"
        match self._dice.randint(0, 3):
            case 0:
                kind = self._dice.choice(("LEFT", "RIGHT", "INNER", "RIGHT SEMI", "RIGHT ANTI"))
                one = "r1" if kind.startswith("RIGHT") else self._dice.choice(("r0", "r1"))
                condition = f"{one}.k > {self._dice.randint(-1, 2)}"
                source = f"{self._table()} r0 {kind} JOIN {self._table()} r1 ON {condition}"
            case 1:
                one = self._dice.choice(("r0", "r1"))
                source = f"{self._table()} r0 CROSS JOIN {self._table()} r1"
            case 2:
                source = f"(SELECT *, 7 AS g FROM {self._table()} UNION ALL SELECT *, 7 AS g"
                source += f" FROM {self._table()}) r0"
            case _:
                source = f"{self._table()} r0 JOIN {self._table()} r1 ON r0.k = r1.k"
        constant = self._dice.choice(("7", "r0.g" if "g FROM" in source else "'a'"))
        group = self._dice.choice((f"{one}.k", f"{one}.k", constant))
        where = self._dice.choice(("", f" WHERE {one}.k > 9", self._where([one])))
        measure = self._dice.choice(("count(*)", f"count({one}.x)", f"sum({one}.x)"))
        return f"SELECT {group} AS g0, {measure} AS m0 FROM {source}{where} GROUP BY 1"

    def _source(self) -> tuple[str, list[str]]:
        """A FROM clause, and the names in it whose columns can be read."""
        text, names = f"{self._table()} r0", ["r0"]
        for number in range(1, self._dice.randint(1, 4)):
            name = f"r{number}"
            kind = self._dice.choice(
                ("JOIN",) * 5 + ("LEFT JOIN", "RIGHT JOIN", "FULL JOIN", "SEMI", "ANTI")
            )
            kind = {"SEMI": "LEFT SEMI JOIN", "ANTI": "LEFT ANTI JOIN"}.get(kind, kind)
            text += f" {kind} {self._table()} {name} ON {self._meeting(names, name)}"
            if "LEFT SEMI" not in kind and "ANTI" not in kind:
                names.append(name)
        return text, names

    def _table(self) -> str:
        table = self._dice.choice(TABLES)
        match self._dice.randint(0, 9):
            case 0 | 1 | 2:
                return f"(SELECT * FROM {table} WHERE {self._condition(None)})"
            case 3:
                return (
                    f"(SELECT * FROM {table} UNION ALL SELECT * FROM {self._dice.choice(TABLES)})"
                )
            case 4:
                return (
                    f"(SELECT k, max(x) AS x, min(s) AS s, sum(d) AS d, max(w) AS w FROM {table}"
                    " GROUP BY k)"
                )
            case 5:
                return f"(SELECT x AS k, k + 1 AS x, s, d, w FROM {table})"
        return table

    def _meeting(self, names: list[str], name: str) -> str:
        column = self._dice.choice("kkkkxsdw")
        text = f"{self._dice.choice(names)}.{column} = {name}.{column}"
        if self._dice.random() < 0.3:
            text += f" AND {self._condition(self._dice.choice([*names, name]))}"
        if self._dice.random() < 0.2:
            text += f" AND {self._dice.choice(names)}.k < {name}.x"
        return text

    def _where(self, names: list[str]) -> str:
        if not names:
            return ""
        parts = [self._condition(self._dice.choice(names)) for _ in range(self._dice.randint(0, 2))]
        if self._dice.random() < 0.2:
            word = self._dice.choice(("IN", "NOT IN"))
            inner = f"SELECT k FROM {self._dice.choice(TABLES)} WHERE {self._condition(None)}"
            parts.append(f"{self._dice.choice(names)}.k {word} ({inner})")
        return f" WHERE {' AND '.join(parts)}" if parts else ""

    def _condition(self, name: str | None) -> str:
        at = "" if name is None else f"{name}."
        return self._dice.choice(
            (
                f"{at}k < 3",
                f"{at}k IN (0, 2, 3, 4)",
                f"{at}k = 2",
                f"{at}x BETWEEN 0 AND 2",
                f"({at}k = 1 OR {at}k > 3)",
                f"{at}s >= 'a'",
                f"{at}d < 2.5",
                f"{at}w <= 0",
                f"{at}w IN (0, 1.5)",
                f"{at}s LIKE 'a%'",
                f"{at}k IS NULL",
                f"{at}k + {at}x > 2",
            )
        )

    def _any(self) -> str:
        return self._dice.choice(tuple(COLUMNS))


@pytest.fixture(scope="module")
def engine() -> datafusion.SessionContext:
    dice = random.Random(4)
    context = datafusion.SessionContext(datafusion.SessionConfig().with_target_partitions(1))
    for name in TABLES:
        batches = rows_of(dice, dice.choice((0, 9, 14, 14))).to_batches()
        empty = [pa.RecordBatch.from_pylist([], pa.schema(list(COLUMNS.items())))]
        context.register_record_batches(name.replace(".", "_"), [batches or empty])
    return context


def _catalog(distinct: float | None) -> Catalog:
    """Three places, whose columns are said to have so many distinct values."""
    known = {} if distinct is None else dict.fromkeys("kxsd", distinct)
    tables = dict.fromkeys("tuv", PaperTable(COLUMNS, 1_000.0, known))
    return paper_catalog(
        a=paper("postgres", tables, "a"),
        b=paper("postgres", tables, "b"),
        c=paper("native", tables, "c"),
    )


CATALOGS = (_catalog(3.0), _catalog(2_000.0), _catalog(None))
"""With few groups, with joins that make no more rows than they get, and with neither known."""


def answered(
    relation: Relation, bound: Bound, engine: datafusion.SessionContext
) -> tuple[pa.Schema, list[tuple[str, ...]]]:
    def flat(read: Read) -> Relation:
        return Read((f"{read.path[0]}_{read.path[2]}",), read.base, read.columns)

    assert bound.origin is not None
    plan = write_plan(with_reads(relation, flat), unique_names(bound.names), bound.origin)
    logical = Consumer.from_substrait_plan(
        engine, Serde.deserialize_bytes(plan.SerializeToString())
    )
    table = engine.create_dataframe_from_logical_plan(logical).to_arrow_table()
    types = pa.schema([pa.field(f.name, f.type) for f in table.schema])
    return types, [tuple(map(repr, row.values())) for row in table.to_pylist()]


def test_rearranged_trees_answer_the_same(engine: datafusion.SessionContext) -> None:
    statements, changed, refused = Statements(random.Random(SEED)), Counter[str](), 0
    for number in range(STATEMENTS):
        sql = statements.statement()
        try:
            bound = bind(parse(sql), CATALOGS[number % len(CATALOGS)])
        except RequestError:
            refused += 1
            continue
        if bound.relation is None:
            continue
        want = answered(bound.relation, bound, engine)
        places = Places(bound)
        new = bound.relation
        for one in PASSES:
            before, new = new, rearranged(new, places, (one,))
            changed[one.__name__] += new is not before
        got = answered(new, bound, engine)
        ordered = "ORDER BY" in sql
        same = got == want or (
            not ordered and got[0] == want[0] and Counter(got[1]) == Counter(want[1])
        )
        assert same, (
            f"{sql}\n{residual_text(bound.relation, {})}\n--- became ---\n"
            f"{residual_text(new, {})}\n{sorted(want[1])}\n--- became ---\n{sorted(got[1])}"
        )
    assert refused < STATEMENTS / 20
    assert all(changed[one.__name__] >= STATEMENTS / 40 for one in PASSES), changed
