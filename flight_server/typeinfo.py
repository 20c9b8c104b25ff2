"""The SQL types of the engine, as GetXdbcTypeInfo describes them to JDBC, ODBC and Power BI.

Owns that one table. Numbers are those of the JDBC and ODBC specifications.
"""

from __future__ import annotations

import pyarrow as pa

SCHEMA = pa.schema(
    [
        pa.field("type_name", pa.utf8(), nullable=False),
        pa.field("data_type", pa.int32(), nullable=False),
        pa.field("column_size", pa.int32()),
        pa.field("literal_prefix", pa.utf8()),
        pa.field("literal_suffix", pa.utf8()),
        pa.field("create_params", pa.list_(pa.field("item", pa.utf8(), nullable=False))),
        pa.field("nullable", pa.int32(), nullable=False),
        pa.field("case_sensitive", pa.bool_(), nullable=False),
        pa.field("searchable", pa.int32(), nullable=False),
        pa.field("unsigned_attribute", pa.bool_()),
        pa.field("fixed_prec_scale", pa.bool_(), nullable=False),
        pa.field("auto_increment", pa.bool_()),
        pa.field("local_type_name", pa.utf8()),
        pa.field("minimum_scale", pa.int32()),
        pa.field("maximum_scale", pa.int32()),
        pa.field("sql_data_type", pa.int32(), nullable=False),
        pa.field("datetime_subcode", pa.int32()),
        pa.field("num_prec_radix", pa.int32()),
        pa.field("interval_precision", pa.int32()),
    ]
)

_DATETIME = 9
_INTERVAL = 10
_BASIC, _FULL = 2, 3


def _type(name: str, number: int, size: int | None, **others: object) -> dict[str, object]:
    row: dict[str, object] = {
        "type_name": name,
        "data_type": number,
        "column_size": size,
        "nullable": 1,
        "case_sensitive": False,
        "searchable": _BASIC,
        "fixed_prec_scale": False,
        "local_type_name": name,
        "sql_data_type": number,
    }
    return row | others


def _number(name: str, number: int, digits: int, radix: int = 10) -> dict[str, object]:
    return _type(
        name,
        number,
        digits,
        unsigned_attribute=False,
        auto_increment=False,
        minimum_scale=0 if radix == 10 else None,
        maximum_scale=0 if radix == 10 else None,
        num_prec_radix=radix,
    )


def _quoted(
    name: str, number: int, size: int | None, prefix: str = "'", **others: object
) -> dict[str, object]:
    return _type(name, number, size, literal_prefix=prefix, literal_suffix="'", **others)


_TYPES = (
    _type("BOOLEAN", -7, 1),
    _number("TINYINT", -6, 3),
    _number("BIGINT", -5, 19),
    _quoted("VARBINARY", -3, None, "X'"),
    _number("DECIMAL", 3, 38) | {"create_params": ["precision", "scale"], "maximum_scale": 38},
    _number("INTEGER", 4, 10),
    _number("SMALLINT", 5, 5),
    _number("REAL", 7, 24, radix=2),
    _number("DOUBLE", 8, 53, radix=2),
    _quoted("INTERVAL", 10, None, "INTERVAL '", sql_data_type=_INTERVAL),
    _quoted("VARCHAR", 12, None, case_sensitive=True, searchable=_FULL),
    _quoted("DATE", 91, 10, "DATE '", sql_data_type=_DATETIME, datetime_subcode=1),
    _quoted("TIME", 92, 18, "TIME '", sql_data_type=_DATETIME, datetime_subcode=2),
    _quoted("TIMESTAMP", 93, 29, "TIMESTAMP '", sql_data_type=_DATETIME, datetime_subcode=3),
    _quoted(
        "TIMESTAMP WITH TIME ZONE",
        93,
        35,
        "TIMESTAMPTZ '",
        sql_data_type=_DATETIME,
        datetime_subcode=5,
    ),
)


def type_info(data_type: int | None) -> pa.RecordBatch:
    """Every type, or those of one JDBC number; by number, then name."""
    rows = [row for row in _TYPES if data_type is None or row["data_type"] == data_type]
    return pa.RecordBatch.from_pylist(rows, schema=SCHEMA)
