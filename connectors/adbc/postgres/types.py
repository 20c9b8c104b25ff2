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


def _decimal(precision: int, scale: int) -> pa.DataType:
    if not 0 <= scale <= precision:
        # numeric(2,-3) counts thousands and numeric(2,5) thousandths of hundredths: the same
        # values, written with as many digits as they then have.
        precision, scale = max(precision - min(scale, 0), scale), max(scale, 0)
    if precision <= 38:
        return pa.decimal128(precision, scale)
    return pa.decimal256(precision, scale) if precision <= 76 else pa.string()
