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

_ARRAY = "[]"

DOMAIN_ELEMENTS = "domain elements"
"""A trait of an array: its elements are of a domain, so that the driver does not know its type."""

# pg_attribute.atttypmod counts a varlena header that is not there.
_HEADER = 4


def native_type(name: str, modifier: int, dimensions: int = 0) -> str:
    """PostgreSQL's type as `Column.native_type` has it.

    Args:
        name: pg_type.typname, of a domain's base; with its schema unless that is pg_catalog.
        modifier: pg_attribute.atttypmod; -1 for none.
        dimensions: of an array, as it was declared, at least 1; then the others are its element's.

    >>> native_type("numeric", 983046), native_type("varchar", 14), native_type("int4", -1)
    ('numeric(15,2)', 'varchar(10)', 'int4')
    >>> native_type("numeric", 983046, 1)
    'numeric(15,2)[]'
    """
    if dimensions:
        return native_type(name, modifier) + _ARRAY * dimensions
    if modifier >= _HEADER and name == "numeric":
        packed = modifier - _HEADER
        scale = ((packed & 0x7FF) ^ 0x400) - 0x400  # 11 bits, signed since PostgreSQL 15
        return f"numeric({packed >> 16 & 0xFFFF},{scale})"
    if modifier >= _HEADER and name in ("varchar", "bpchar"):
        return f"{name}({modifier - _HEADER})"
    return name


def is_array(native: str) -> bool:
    """Whether a native type is an array: its element's, and brackets for each declared dimension.

    >>> is_array("numeric(15,2)[]"), is_array("int2vector")
    (True, False)
    """
    return native.endswith(_ARRAY)


def arrow_type(native: str) -> pa.DataType:
    """The Arrow type of a native type; a plain string for what Arrow has no equal of.

    >>> arrow_type("numeric(15,2)"), arrow_type("public.mood")
    (Decimal128Type(decimal128(15, 2)), DataType(string))
    >>> arrow_type("int4[]"), arrow_type("int4[][]")
    (ListType(list<item: int32>), DataType(string))
    """
    if is_array(native):
        element = native.removesuffix(_ARRAY)
        # What was declared with several dimensions has them, most likely.
        return pa.string() if is_array(element) else pa.list_(arrow_type(element))
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

ARRAY_AS_TEXT = "that it is an array; it is its text, in braces"

_DIMENSIONS = "dimensions but the first, with which it fails; where it starts, if not at 1"

_TEXTS = frozenset({"text", "varchar", "name", "char", "citext"})


def lost(native: str) -> str:
    """What `arrow_type` of a native type lacks; empty when nothing is lost.

    >>> lost("numeric(15,2)"), lost("bpchar(3)")
    ('', 'that spaces at its end do not count')
    >>> lost("public.mood")
    "that it is of a type of the source's own; it is its text, and sorts and compares as that"
    """
    if is_array(native):
        element = native.removesuffix(_ARRAY)
        inner = "" if is_array(element) else lost(element)
        if pa.types.is_string(arrow_type(native)):
            return ARRAY_AS_TEXT
        return f"{_DIMENSIONS}; of each element {inner}" if inner else _DIMENSIONS
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
