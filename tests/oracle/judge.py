"""A third answer over the same rows: which of two that differ is wrong.

Owns who is asked: DuckDB, and the engine without the rules that move and drop, where it errs.
Owns what of SQL means the same in DuckDB, and when an answer of its is the same. Either has no
opinion of what it cannot run. Knows nothing of sources.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping
from decimal import Decimal
from functools import cached_property

import datafusion
import duckdb
import pyarrow as pa
import sqlglot
from sqlglot import exp

from tests.comparison import order_keys
from tests.oracle.scope import is_plain, kind_of

_SHARED = (
    *(exp.Select, exp.From, exp.Join, exp.Where, exp.Group, exp.Having, exp.Order, exp.Ordered),
    *(exp.Limit, exp.Offset, exp.Distinct, exp.Subquery, exp.With, exp.CTE, exp.SetOperation),
    *(exp.Table, exp.TableAlias, exp.Alias, exp.Identifier, exp.Column, exp.Star, exp.Tuple),
    *(exp.Literal, exp.Boolean, exp.Null, exp.Paren, exp.Neg, exp.And, exp.Or, exp.Not, exp.Is),
    *(exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE, exp.NullSafeEQ, exp.NullSafeNEQ),
    *(exp.In, exp.Exists, exp.Between, exp.Like, exp.Case, exp.If, exp.Coalesce, exp.Nullif),
    *(exp.Add, exp.Sub, exp.Mul, exp.Mod, exp.Abs, exp.Greatest, exp.Least),
    *(exp.Count, exp.Sum, exp.Min, exp.Max, exp.LogicalAnd, exp.Filter, exp.Grouping),
    *(exp.Rollup, exp.Cube, exp.GroupingSets),
    *(exp.Window, exp.WindowSpec, exp.Rank, exp.DenseRank, exp.RowNumber, exp.Ntile),
    *(exp.PercentRank, exp.CumeDist, exp.DPipe, exp.Var),
    *(exp.Lag, exp.Lead, exp.FirstValue, exp.LastValue, exp.NthValue),
)
"""What a statement may consist of to mean the same in both, over columns of plain types."""

_CASTS = (exp.DataType.Type.BIGINT, exp.DataType.Type.DECIMAL, exp.DataType.Type.DATE)
_CASTS += (
    exp.DataType.Type.TIMESTAMP,
    exp.DataType.Type.DOUBLE,
    exp.DataType.Type.VARCHAR,
    exp.DataType.Type.BOOLEAN,
)

_MOVING = (
    *("eliminate_join", "eliminate_filter", "eliminate_cross_join", "eliminate_limit"),
    *("eliminate_outer_join", "eliminate_duplicated_expr", "eliminate_group_by_constant"),
    *("optimize_unions", "unions_to_filter", "propagate_empty_relation", "filter_null_join_keys"),
    *("extract_equijoin_predicate", "single_distinct_aggregation_to_group_by"),
    *("push_down_limit", "push_down_filter", "push_down_leaf_projections"),
    *("common_sub_expression_eliminate", "extract_leaf_expressions", "optimize_projections"),
)
"""The engine's rules that are there for speed alone. Joins are nested loops without them."""


class Judge:
    """DuckDB, and the engine hardly optimised, over tables; opens nothing before it is asked.

    Args:
        tables: by the names that statements use.
    """

    def __init__(self, tables: Mapping[str, pa.Table]) -> None:
        self._tables = tables

    @cached_property
    def _connection(self) -> duckdb.DuckDBPyConnection:
        connection = duckdb.connect()
        connection.execute("SET integer_division = true")
        # Its own is of blobs.
        connection.execute("CREATE MACRO octet_length(text) AS strlen(text)")
        for name, table in self._tables.items():
            known = [field.name for field in table.schema if kind_of(field.type) is not None]
            connection.register("arrow", table.select(known))
            connection.execute(f'CREATE TABLE "{name}" AS SELECT * FROM arrow')
            connection.unregister("arrow")
        return connection

    def answer(self, sql: str) -> pa.Table | None:
        """Its answer to a statement of PostgreSQL's dialect; None for what it cannot run."""
        try:
            (text,) = sqlglot.transpile(sql, read="postgres", write="duckdb")
            return self._connection.execute(text).to_arrow_table()
        except (duckdb.Error, sqlglot.errors.SqlglotError):
            return None

    @cached_property
    def _unoptimised(self) -> datafusion.SessionContext:
        # One partition: nothing is moved for the sake of doing it in parallel.
        context = datafusion.SessionContext(datafusion.SessionConfig().with_target_partitions(1))
        for rule in _MOVING:
            context.remove_optimizer_rule(rule)
        for name, table in self._tables.items():
            batches = table.to_batches() or [pa.RecordBatch.from_pylist([], table.schema)]
            context.register_record_batches(f'"{name}"', [batches])
        return context

    def answer_unoptimised(self, sql: str) -> pa.Table | None:
        """The engine's own answer without `_MOVING`; None for what it cannot run so."""
        try:
            return self._unoptimised.sql(sql).to_arrow_table()
        except asyncio.CancelledError:
            raise
        except Exception:  # the engine has many, and tells none of them apart
            return None

    def shares(self, sql: str) -> bool:
        """Whether a statement means the same here as in the engine."""
        tree = sqlglot.parse_one(sql, read="postgres")
        return all(self._means_the_same(node) for node in tree.walk())

    def _means_the_same(self, node: exp.Expression) -> bool:
        if isinstance(node, exp.Column):
            return node.name not in self._others
        if isinstance(node, exp.Cast):
            # Of constants: their form is the same everywhere.
            of = node.this.this if isinstance(node.this, exp.Paren) else node.this
            constant = isinstance(of, exp.Literal | exp.Null | exp.Neg)
            return constant and node.to.this in _CASTS
        return isinstance(node, (*_SHARED, exp.DataType, exp.DataTypeParam))

    @cached_property
    def _others(self) -> set[str]:
        fields = (field for table in self._tables.values() for field in table.schema)
        return {field.name for field in fields if not is_plain(field.type)} - {"id"}


def agree(one: pa.Table, other: pa.Table, sql: str) -> bool:
    """Whether two answers have the same values, of whatever types of one kind.

    Rows are compared as `tests.comparison` does: in the order of the keys that are asked for.
    """
    if one.num_columns != other.num_columns:
        return False
    left, right = _rows(one), _rows(other)
    keys = order_keys(sql, one.column_names)
    return Counter(left) == Counter(right) and [[row[k] for k in keys] for row in left] == [
        [row[k] for k in keys] for row in right
    ]


def shown(table: pa.Table) -> str:
    """The first rows of an answer, for people."""
    return f"{table.num_rows} rows {_rows(table.slice(0, 5))}"


def _rows(table: pa.Table) -> list[tuple[str, ...]]:
    columns = [[_form(value) for value in _values(column)] for column in table.columns]
    return list(zip(*columns, strict=True))


def _values(column: pa.ChunkedArray) -> list[object]:
    if pa.types.is_date32(column.type):
        return column.cast(pa.int32()).to_pylist()
    if pa.types.is_timestamp(column.type):
        return column.cast(pa.timestamp("us")).cast(pa.int64()).to_pylist()
    return column.to_pylist()


def _form(value: object) -> str:
    """One text for a number, whatever its type and scale.

    >>> _form(Decimal("1.50")), _form(7), _form(Decimal("7.00")), _form(True), _form("7")
    ('1.5', '7', '7', 'True', "'7'")
    """
    if isinstance(value, Decimal):
        text = format(value, "f")
        text = text.rstrip("0").rstrip(".") if "." in text else text
        return "0" if text == "-0" else text
    return repr(value)
