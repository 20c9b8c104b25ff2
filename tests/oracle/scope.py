"""What a random statement can name: tables and columns, by the kind of their values.

Owns the kinds and the constants of each. Knows no statement.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Literal

import pyarrow as pa
from sqlglot import exp

from tests.planner.unpleasant import TEXTS

Kind = Literal["int", "decimal", "float", "text", "bool", "date", "timestamp"]

KINDS: tuple[Kind, ...] = ("int", "decimal", "float", "text", "bool", "date", "timestamp")

_INTEGERS = (0, 1, -1, 2, 7, -7, 42, 100, 32_767, -32_768, 2_147_483_647, -2_147_483_648)
_DECIMALS = ("0.00", "0.01", "-0.01", "1.10", "-7.50", "3.0", "0.05", "9999999999999.99")
_FLOATS = ("0.5", "1.5", "-7.0", "0.1")
_DATES = ("0001-01-01", "1582-10-10", "1969-12-31", "2000-02-29", "2024-02-29", "9999-12-31")
_TIMES = ("1970-01-01 00:00:00", "1969-12-31 23:59:59.999999", "2024-02-29 12:34:56.789012")


@dataclass(frozen=True, slots=True)
class Column:
    """A column that an expression may name."""

    table: str
    name: str
    kind: Kind

    def sql(self) -> exp.Expression:
        """The column, by its table's alias."""
        return exp.column(
            exp.to_identifier(self.name, quoted=True), table=exp.to_identifier(self.table)
        )


@dataclass(frozen=True, slots=True)
class Table:
    """A table, and its columns of a kind; the others are never named."""

    name: str
    columns: tuple[tuple[str, Kind], ...]

    def aliased(self, alias: str) -> tuple[Column, ...]:
        """The columns, of this table under an alias."""
        return tuple(Column(alias, name, kind) for name, kind in self.columns)


def tables_of(schemas: Mapping[str, pa.Schema], *, shared: bool = False) -> tuple[Table, ...]:
    """The tables of a source, in the order of their names.

    Args:
        shared: only columns with which other engines compute alike.
    """
    return tuple(
        Table(name, tuple(_columns(schemas[name], shared)))
        for name in sorted(schemas)
        if schemas[name]
    )


def _columns(schema: pa.Schema, shared: bool) -> Iterable[tuple[str, Kind]]:
    for field in schema:
        kind = kind_of(field.type)
        if kind is not None and (not shared or field.name == "id" or is_plain(field.type)):
            yield field.name, kind


def is_plain(type_: pa.DataType) -> bool:
    """Whether other engines compute alike with a type: no float, and nothing near its limits."""
    if pa.types.is_decimal(type_):
        return bool(type_.precision <= 18)
    return kind_of(type_) != "float" and not pa.types.is_int64(type_)


def kind_of(type_: pa.DataType) -> Kind | None:
    """The kind of an Arrow type's values, or None when statements do not compute with them."""
    t = pa.types
    if t.is_integer(type_) and not t.is_unsigned_integer(type_):
        return "int"
    if t.is_decimal128(type_):
        return "decimal"
    if t.is_floating(type_):
        return "float"
    if t.is_string(type_):
        return "text"
    if t.is_boolean(type_):
        return "bool"
    if t.is_date32(type_):
        return "date"
    return "timestamp" if type_ == pa.timestamp("us") else None


def constant(kind: Kind, random: Random) -> exp.Expression:
    """A constant of a kind; now and then NULL."""
    if random.random() < 0.05:
        return exp.cast(exp.Null(), _NULLS[kind])
    match kind:
        case "int":
            return _number(str(random.choice(_INTEGERS)))
        case "decimal":
            # Bare, the engine would read it as a float.
            return exp.cast(_number(random.choice(_DECIMALS)), "decimal(15,2)")
        case "float":
            return exp.cast(_number(random.choice(_FLOATS)), "double")
        case "text":
            return exp.Literal.string(random.choice([t for t in TEXTS if t is not None]))
        case "bool":
            return exp.Boolean(this=random.random() < 0.5)
        case "date":
            return exp.cast(exp.Literal.string(random.choice(_DATES)), "date")
        case "timestamp":
            return exp.cast(exp.Literal.string(random.choice(_TIMES)), "timestamp")


_NULLS: Mapping[Kind, str] = {
    "int": "bigint",
    "decimal": "decimal(15,2)",
    "float": "double",
    "text": "varchar",
    "bool": "boolean",
    "date": "date",
    "timestamp": "timestamp",
}


def _number(text: str) -> exp.Expression:
    if text.startswith("-"):
        return exp.Paren(this=exp.Neg(this=exp.Literal.number(text[1:])))
    return exp.Literal.number(text)
