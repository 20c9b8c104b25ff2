"""A whole table's rows by columns: for some pages at a time, each column's values as one value.

Owns which tables that is done for, the statement, and how its values become columns. Must not know
connections.

A value of its own costs the driver more to decode than the server to make, and so does a row. So
the server aggregates the rows of some pages into one: integers, dates and the like as what they are
in binary, one after the other, as which Arrow has them but for the order of bytes; texts likewise,
with their lengths; decimals as CSV. A row that is a batch costs next to nothing for each value.

Not for tables with values that are kept apart for their length: one value of the server holds 1 GB,
and so many pages may have more. The server looks when it begins, and then has no row to give: the
same rows are read by another statement. What is compressed within its page is longer than it is
there: where that may be, the server first sums up the lengths, and takes fewer pages at a time.
"""

from __future__ import annotations

import operator
from dataclasses import dataclass, field
from functools import lru_cache, reduce

import pyarrow as pa
import sqlglot.expressions as exp

from connectors.adbc.postgres.gathered import (
    FIXED,
    LENGTH,
    MORE,
    NONE,
    SENT_AS_THEY_ARE,
    Fixed,
    Row,
)
from connectors.adbc.postgres.packing import WORTH_BYTES
from connectors.adbc.postgres.ranges import Extent, select_of, with_list

BATCH_BYTES = 5 << 20
"""What a batch has, at most but for texts that are longer than others: two thirds of it, mostly,
which is sent on as it is. Each batch has its price, here and at the client."""

_MOST_PAGES = 1024

_PAGES = "crosswind_pages"

# With many columns the places that are written to in turn outgrow a processor's cache, and a batch
# has few rows for what each column costs here. A function of the server has 100 arguments at most.
_MOST_COLUMNS = 64


@dataclass(frozen=True, slots=True, eq=False)
class Gathering:
    """How a whole table is gathered.

    Attributes:
        select: what is gathered of some pages; not to be changed.
        schema: of the statement itself; decimals of more than 38 digits are texts.
        extent: of the table.
        step: how many pages become one row, at most.
        long: what may be compressed within its page, as text.
        places: of the decimals, which stand in one text together.
    """

    select: exp.Select
    schema: pa.Schema
    extent: Extent
    step: int
    places: tuple[int, ...]
    long: tuple[exp.Expr, ...]
    batch_bytes: int = field(default=1, init=False)

    @property
    def is_whole(self) -> bool:
        """Nothing comes as the driver makes it; but nothing is checked here either."""
        return False

    def unpacked(self, _: pa.Schema) -> pa.Schema:
        """The schema of the statement itself."""
        return self.schema

    def statement(self, first: int, end: int | None) -> str:
        """What gathers the pages from one up to another; None for all that follow, as they were
        counted: the first column says whether there are rows behind."""
        return _statement(self, first, end)

    def more(self, batch: pa.RecordBatch) -> bool:
        """Whether there are rows behind."""
        return bool(batch.column(MORE)[batch.num_rows - 1].as_py())

    def unpack(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """The columns of the statement itself.

        Raises:
            pyarrow.ArrowInvalid: a value is not of its column's type; `texts` has it.
        """
        unpacked = self._unpacked(batch, texts=False)
        # Decimals are read without a look at how many digits they have.
        for place in self.places:
            unpacked.column(place).validate(full=True)
        return unpacked

    def texts(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Likewise, where those in `places` are texts.

        Raises:
            pyarrow.ArrowInvalid: these are not the columns.
        """
        return self._unpacked(batch, texts=True)

    def _unpacked(self, batch: pa.RecordBatch, *, texts: bool) -> pa.RecordBatch:
        schema = self.schema
        if texts:
            for place in self.places:
                schema = schema.set(place, schema.field(place).with_type(pa.string()))
        # It is one row, unless one before it had no values.
        parts = [
            pa.RecordBatch.from_arrays(
                Row(batch.slice(row, 1), schema, self.places).columns(), schema.names
            )
            for row in range(batch.num_rows)
        ]
        return parts[0] if len(parts) == 1 else pa.concat_batches(parts)


@lru_cache(maxsize=64)
def _statement(gathering: Gathering, first: int, end: int | None) -> str:
    last = gathering.extent.pages if end is None else end
    inner = _between(
        gathering.select,
        exp.column("first", table=_PAGES),
        exp.column("behind", table=_PAGES),
    )
    more: exp.Expr = exp.false()
    if end is None:
        rows = with_list(gathering.select, [exp.Literal.number(1)])
        after = exp.column("ctid") >= _place(exp.Literal.number(last))
        rows.where(after, append=False, copy=False)
        more = exp.Exists(this=rows)
    return (
        exp.select(exp.alias_(more, "more"), "crosswind_rows.*")
        .from_(_series(gathering, first, last))
        .join(exp.Lateral(this=exp.Subquery(this=inner), alias=_alias("crosswind_rows")))
        .sql("postgres")
    )


@lru_cache(maxsize=64)
def gathered(text: str, schema: pa.Schema, extent: Extent) -> Gathering | None:
    """How the statement that reads a whole table is gathered; None where it cannot be.

    Args:
        text: the statement.
        schema: of its fragment, a column for each of the statement's.
        extent: of the table.

    >>> extent = Extent(10_000, 8192, rows=1e6, long_values=0)
    >>> found = gathered('SELECT t1."a" FROM "t" AS t1', pa.schema([("a", pa.int32())]), extent)
    >>> print(found.statement(0, 4096)[:61])
    SELECT FALSE AS more, crosswind_rows.* FROM (SELECT page AS f
    """
    if extent.size_bytes < WORTH_BYTES or extent.long_values is None:
        return None
    select = select_of(text)
    if select is None or not 0 < len(select.expressions) == len(schema) <= _MOST_COLUMNS:
        return None
    written = [column.unalias() for column in select.expressions]
    schema = pa.schema([_as_sent(column) for column in schema])
    if not all(map(_can_be_gathered, written, schema, [extent] * len(schema))):
        return None
    columns = [*_head(written, schema), _numbers(written, schema)]
    for column, wanted in zip(written, schema, strict=True):
        columns += _values(column, wanted)
    places = tuple(i for i, wanted in enumerate(schema) if pa.types.is_decimal128(wanted.type))
    gathering = with_list(select, columns).where(_unchanged(written, schema), copy=False)
    long = tuple(
        column
        for column, wanted in zip(written, schema, strict=True)
        if wanted.type in SENT_AS_THEY_ARE and _may_be_long(column, extent)
    )
    return Gathering(gathering, schema, extent, _step(schema, extent), places, long)


def _as_sent(wanted: pa.Field) -> pa.Field:
    # Those of more digits are too few to be read from text together with others.
    return wanted.with_type(pa.string()) if pa.types.is_decimal256(wanted.type) else wanted


def _can_be_gathered(written: exp.Expr, wanted: pa.Field, extent: Extent) -> bool:
    as_text = isinstance(written, exp.Cast) and written.is_type("text")
    column = written.this if as_text else written
    if not isinstance(column, exp.Column):
        return False
    if pa.types.is_decimal128(wanted.type) or as_text:
        return as_text and (pa.types.is_decimal128(wanted.type) or pa.types.is_string(wanted.type))
    fixed = FIXED.get(wanted.type)
    if fixed is None:
        return wanted.type in SENT_AS_THEY_ARE
    return not fixed.exact or column.name in extent.own


def _may_be_long(written: exp.Expr, extent: Extent) -> bool:
    """Whether values may be longer than what their page has of them."""
    column = written.this if isinstance(written, exp.Cast) else written
    # Where rows are short whatever is in them, there is no table for long values.
    return bool(extent.long_values) and column.name not in extent.short


def _step(schema: pa.Schema, extent: Extent) -> int:
    rows = max(extent.rows / max(extent.pages, 1), 0.1)
    row_bytes = sum(_value_bytes(column.type) for column in schema)
    page_bytes = rows * row_bytes
    if any(column.type in SENT_AS_THEY_ARE for column in schema):
        page_bytes += extent.page_bytes
    return max(1, min(_MOST_PAGES, int(BATCH_BYTES / page_bytes)))


def _value_bytes(type_: pa.DataType) -> float:
    """In Arrow's form, but for what a text is."""
    return 4 if type_ in SENT_AS_THEY_ARE else type_.bit_width / 8


# --- the statement ---


def _call(name: str, *arguments: exp.Expr) -> exp.Expr:
    function = exp.Anonymous(this=name, expressions=[argument.copy() for argument in arguments])
    return exp.Dot(this=exp.to_identifier("pg_catalog"), expression=function)


def _joined(values: exp.Expr, separator: str | None = None) -> exp.Expr:
    between = exp.Null() if separator is None else exp.Literal.string(separator)
    return _call("string_agg", values, between)


def _or_nothing(value: exp.Expr, fixed: Fixed) -> exp.Expr:
    """The bytes of a value, or as many others."""
    zeros = exp.Literal.string("\\x" + "00" * fixed.size_bytes)
    return exp.Coalesce(this=value, expressions=[exp.cast(zeros, "bytea")])


def _head(written: list[exp.Expr], schema: pa.Schema) -> list[exp.Expr]:
    optional = [
        column.this if isinstance(column, exp.Cast) else column
        for column, wanted in zip(written, schema, strict=True)
        if wanted.nullable
    ]
    rows = exp.Count(this=exp.Star())
    if not optional:
        return [rows, exp.cast(exp.Null(), "text")]
    # A composite value of which every part is NULL is none, and `IS NULL` all the same.
    flags = [exp.NullSafeEQ(this=column.copy(), expression=exp.Null()) for column in optional]
    none = exp.EQ(this=_call("num_nulls", *optional), expression=exp.Literal.number(0))
    which = exp.Case(
        ifs=[exp.If(this=none, true=exp.Literal.string(NONE))], default=_call("concat", *flags)
    )
    return [rows, _joined(which)]


def _numbers(written: list[exp.Expr], schema: pa.Schema) -> exp.Expr:
    """The text of the decimals, a line for each row."""
    values = []
    for column, wanted in zip(written, schema, strict=True):
        if pa.types.is_decimal128(wanted.type):
            zero = [exp.Literal.string("0")] if wanted.nullable else []
            number = column.this.copy()
            values.append(exp.Coalesce(this=number, expressions=zero) if zero else number)
    if not values:
        return exp.cast(exp.Null(), "text")
    return _joined(_call("concat_ws", exp.Literal.string(","), *values), "\n")


def _values(written: exp.Expr, wanted: pa.Field) -> list[exp.Expr]:
    """What has a column's values: nothing of decimals, which are elsewhere."""
    if pa.types.is_decimal128(wanted.type):
        return []
    fixed = FIXED.get(wanted.type)
    if fixed is not None:
        sent = _call(fixed.send, written)
        return [_joined(_or_nothing(sent, fixed) if wanted.nullable else sent)]
    length = _call(LENGTH.send, _call("octet_length", written))
    return [_joined(written), _joined(_or_nothing(length, LENGTH) if wanted.nullable else length)]


def _unchanged(written: list[exp.Expr], schema: pa.Schema) -> exp.Expr:
    """True, if each column has the type that it had; it costs nothing when the statement runs."""
    checks = [
        exp.If(this=exp.false(), true=exp.Is(this=check, expression=exp.Null()))
        for check in map(_check, written, schema)
        if check is not None
    ]
    return exp.Case(ifs=checks, default=exp.true()) if checks else exp.true()


def _check(written: exp.Expr, wanted: pa.Field) -> exp.Expr | None:
    """What fails for another type; not where the values' own function does."""
    if pa.types.is_decimal128(wanted.type):
        return _call("numeric_send", written.this)
    fixed = FIXED.get(wanted.type)
    if fixed is None:
        return _call(SENT_AS_THEY_ARE[wanted.type], written)
    if not fixed.exact:
        return None
    none = exp.cast(exp.Null(), exp.DataType.build(f"{fixed.exact}[]", dialect="postgres"))
    return _call("array_larger", exp.Array(expressions=[written.copy()]), none)


def _series(gathering: Gathering, first: int, end: int) -> exp.Expr:
    """The first page and the end of each batch; none where the table has long values.

    The planner takes the condition, which always holds, to hold for a few: so it does not think
    that each batch reads a large part of the table.
    """
    last: exp.Expr = exp.Literal.number(end - 1)
    if long_values := gathering.extent.long_values:
        kept = _call("pg_relation_size", _cast(exp.Literal.number(long_values), "regclass"))
        none = exp.EQ(this=kept, expression=exp.Literal.number(0))
        last = exp.Case(ifs=[exp.If(this=none, true=last)])
    page = exp.column("page")
    step = exp.Literal.number(gathering.step)
    behind = _least(page + step, exp.Literal.number(end))
    series = (
        exp.select(exp.alias_(page.copy(), "first"), exp.alias_(behind, "behind"))
        .from_(_each_page(exp.Table, exp.Literal.number(first), last, step))
        .where(exp.EQ(this=page.copy(), expression=exp.Abs(this=page.copy())))
        .subquery(_PAGES)
    )
    return _cut(gathering, series) if gathering.long else series


def _cut(gathering: Gathering, series: exp.Expr) -> exp.Expr:
    """The same pages in as many batches as their values need, which may be long and compressed.

    Their lengths are known without a look at what they are. What is not compressed has no more than
    its pages have, and is not cut.
    """
    first, behind = exp.column("first", table=_PAGES), exp.column("behind", table=_PAGES)
    none = [exp.Literal.number(0)]
    lengths = [
        exp.Coalesce(this=_call("octet_length", column), expressions=none)
        for column in gathering.long
    ]
    whole = exp.Coalesce(this=_call("sum", reduce(operator.add, lengths)), expressions=none)
    some = exp.Greatest(this=whole, expressions=[exp.Literal.number(1)])
    pages = exp.paren(behind - first) * exp.cast(exp.Literal.number(BATCH_BYTES), "bigint")
    fitting = exp.Div(this=pages, expression=some, typed=True)
    step = exp.Greatest(
        this=_least(fitting, exp.Literal.number(gathering.step)),
        expressions=[exp.Literal.number(1)],
    )
    summed = _between(with_list(gathering.select, [exp.alias_(step, "step")]), first, behind)
    page, cut = exp.column("page", table="pages"), exp.column("step", table="crosswind_step")
    return (
        exp.select(
            exp.alias_(page.copy(), "first"), exp.alias_(_least(page + cut, behind), "behind")
        )
        .from_(series)
        .join(exp.Lateral(this=exp.Subquery(this=summed), alias=_alias("crosswind_step")))
        .join(_each_page(exp.Lateral, first, behind - 1, cut))
        .subquery(_PAGES)
    )


def _each_page(kind: type[exp.Expr], first: exp.Expr, last: exp.Expr, step: exp.Expr) -> exp.Expr:
    return kind(
        this=exp.Anonymous(
            this="generate_series", expressions=[each.copy() for each in (first, last, step)]
        ),
        alias=exp.TableAlias(this=exp.to_identifier("pages"), columns=[exp.to_identifier("page")]),
    )


def _least(one: exp.Expr, other: exp.Expr) -> exp.Expr:
    return exp.Least(this=one.copy(), expressions=[other.copy()])


def _between(select: exp.Select, first: exp.Expr, behind: exp.Expr) -> exp.Select:
    ctid = exp.column("ctid")
    return select.where(ctid >= _place(first), ctid.copy() < _place(behind))


def _place(page: exp.Expr) -> exp.Expr:
    """Where a page begins, as what `ctid` is."""
    text = exp.DPipe(this=exp.Literal.string("("), expression=page.copy())
    whole = exp.paren(exp.DPipe(this=text, expression=exp.Literal.string(",0)")))
    return _cast(whole, "tid")


def _cast(value: exp.Expr, to: str) -> exp.Expr:
    return exp.cast(value, exp.DataType.build(to, udt=True))


def _alias(name: str) -> exp.TableAlias:
    return exp.TableAlias(this=exp.to_identifier(name))
