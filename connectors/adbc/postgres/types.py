"""Which Arrow type a PostgreSQL column has, and how PostgreSQL's own type is written.

Owns the mapping. Must not know how values travel: the emitter reads the native type and decides.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import pyarrow as pa

_ARROW: Mapping[str, pa.DataType] = {
    "bool": pa.bool_(),
    "int2": pa.int16(),
    "int4": pa.int32(),
    "int8": pa.int64(),
    "float4": pa.float32(),
    "float8": pa.float64(),
    "date": pa.date32(),
    "time": pa.time64("us"),
    "timestamp": pa.timestamp("us"),
    "timestamptz": pa.timestamp("us", tz="UTC"),
    "bytea": pa.binary(),
}

# A numeric without a declared scale takes any number. 20 digits before the point and 18 after it
# hold every value that is met in practice; one that does not fit fails the query, never rounds.
UNDECLARED_NUMERIC = pa.decimal128(38, 18)

# pg_attribute.atttypmod counts a varlena header that is not there.
_HEADER = 4


def native_type(name: str, modifier: int) -> str:
    """PostgreSQL's type as `Column.native_type` has it.

    Args:
        name: pg_type.typname, of a domain's base; with its schema unless that is pg_catalog.
        modifier: pg_attribute.atttypmod; -1 for none.

    >>> native_type("numeric", 983046), native_type("varchar", 14), native_type("int4", -1)
    ('numeric(15,2)', 'varchar(10)', 'int4')
    """
    if modifier >= _HEADER and name == "numeric":
        packed = modifier - _HEADER
        scale = ((packed & 0x7FF) ^ 0x400) - 0x400  # 11 bits, signed since PostgreSQL 15
        return f"numeric({packed >> 16 & 0xFFFF},{scale})"
    if modifier >= _HEADER and name in ("varchar", "bpchar"):
        return f"{name}({modifier - _HEADER})"
    return name


def arrow_type(native: str) -> pa.DataType:
    """The Arrow type of a native type; a plain string for what Arrow has no equal of.

    >>> arrow_type("numeric(15,2)"), arrow_type("public.mood")
    (Decimal128Type(decimal128(15, 2)), DataType(string))
    """
    numeric = re.match(r"numeric\((\d+),(-?\d+)\)", native)
    if numeric:
        return _decimal(int(numeric[1]), int(numeric[2]))
    if native == "numeric":
        return UNDECLARED_NUMERIC
    return _ARROW.get(native, pa.string())


_LOST: Mapping[str, str] = {
    "timestamptz": "the time zone that it is shown in; the moment is kept, in UTC",
    "timetz": "that it is a time with a zone; it is its text",
    "interval": "that it is a length of time; it is its text, and sorts and compares as that",
    "uuid": "that it is 16 bytes; it is its text",
    "json": "its structure; it is its text",
    "jsonb": "its structure; it is its text",
    "xml": "its structure; it is its text",
    "money": "that it is a number; it is its text, in the currency of the server",
    "bit": "that it is bits; it is its text",
    "varbit": "that it is bits; it is its text",
    "inet": "that it is an address; it is its text, and sorts and compares as that",
    "cidr": "that it is an address; it is its text, and sorts and compares as that",
    "macaddr": "that it is an address; it is its text",
    "tsvector": "its structure; it is its text",
}

_TEXTS = frozenset({"text", "varchar", "name", "char", "citext"})


def lost(native: str) -> str:
    """What `arrow_type` of a native type lacks; empty when nothing is lost.

    >>> lost("numeric(15,2)"), lost("bpchar(3)")
    ('', 'that spaces at its end do not count')
    >>> lost("public.mood")
    "that it is of a type of the source's own; it is its text, and sorts and compares as that"
    """
    plain = native.partition("(")[0]
    if native == "numeric":
        return "numbers of more than 20 digits before the point or 18 after it, which fail"
    if plain == "numeric":
        too_long = pa.types.is_string(arrow_type(native))
        return "that it is a number, of more than 76 digits; it is its text" if too_long else ""
    if plain in _ARROW:
        return _LOST.get(plain, "")
    if plain == "bpchar":
        return "that spaces at its end do not count"
    if plain in _TEXTS:
        return ""
    if plain.startswith("_") or plain.rpartition(".")[2].startswith("_"):
        return "that it is an array; it is its text, in braces"
    return _LOST.get(
        plain,
        "that it is of a type of the source's own; it is its text, and sorts and compares as that",
    )


def _decimal(precision: int, scale: int) -> pa.DataType:
    if not 0 <= scale <= precision:
        # numeric(2,-3) counts thousands and numeric(2,5) thousandths of hundredths: the same
        # values, written with as many digits as they then have.
        precision, scale = max(precision - min(scale, 0), scale), max(scale, 0)
    if precision <= 38:
        return pa.decimal128(precision, scale)
    return pa.decimal256(precision, scale) if precision <= 76 else pa.string()
