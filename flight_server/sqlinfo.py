"""What the server says of itself: GetSqlInfo.

Owns the answer to every code of the specification, and no other: JDBC fails on codes that it does
not know. The dense union is built from buffers, because clients compare its schema exactly.
"""

from __future__ import annotations

import importlib.metadata
from collections.abc import Iterable
from functools import lru_cache

import pyarrow as pa

from flight_server.proto import flight_sql_pb2 as pb

VALUE_TYPE = pa.dense_union(
    [
        pa.field("string_value", pa.utf8(), nullable=False),
        pa.field("bool_value", pa.bool_(), nullable=False),
        pa.field("bigint_value", pa.int64(), nullable=False),
        pa.field("int32_bitmask", pa.int32(), nullable=False),
        pa.field("string_list", pa.list_(pa.utf8()), nullable=False),
        pa.field("int32_to_int32_list_map", pa.map_(pa.int32(), pa.list_(pa.int32())), False),
    ],
    type_codes=[0, 1, 2, 3, 4, 5],
)

SCHEMA = pa.schema(
    [
        pa.field("info_name", pa.uint32(), nullable=False),
        pa.field("value", VALUE_TYPE, nullable=False),
    ]
)


class Int32(int):
    """An ordinal or a bit mask, which has another place in the union than a number."""


Value = str | bool | int | Int32 | list[str] | dict[int, list[int]]

_ALL_BITS_OF = {n: Int32((1 << n) - 1) for n in (1, 2, 3, 4)}
_NO_LIMIT = 0
_ARROW_FORMAT = "1.5"

_NUMERIC_FUNCTIONS = "ABS ACOS ASIN ATAN ATAN2 CEIL COS COT DEGREES EXP FLOOR LN LOG LOG10 LOG2 MOD PI POWER RADIANS RANDOM ROUND SIGN SIN SQRT TAN TRUNC"  # noqa: E501
_STRING_FUNCTIONS = "ASCII BTRIM CHAR_LENGTH CHR CONCAT INITCAP LEFT LENGTH LOWER LPAD LTRIM OCTET_LENGTH POSITION REPEAT REPLACE REVERSE RIGHT RPAD RTRIM SPLIT_PART STRPOS SUBSTRING TRANSLATE TRIM UPPER"  # noqa: E501
_DATETIME_FUNCTIONS = (
    "CURRENT_DATE CURRENT_TIME CURRENT_TIMESTAMP DATE_PART DATE_TRUNC EXTRACT NOW TO_TIMESTAMP"
)
_SYSTEM_FUNCTIONS = "ARROW_TYPEOF COALESCE NULLIF VERSION"
_KEYWORDS = "ANALYZE EXPLAIN ILIKE LIMIT OFFSET QUALIFY SEMI ANTI"


def _answers() -> dict[str, Value]:
    nested_subqueries = _ALL_BITS_OF[4]
    forward_only = Int32(1 << 1)
    concurrency_read_only = Int32(1 << 1)
    return {
        "FLIGHT_SQL_SERVER_NAME": "Crosswind",
        "FLIGHT_SQL_SERVER_VERSION": importlib.metadata.version("crosswind"),
        "FLIGHT_SQL_SERVER_ARROW_VERSION": _ARROW_FORMAT,
        "FLIGHT_SQL_SERVER_SQL": True,
        "FLIGHT_SQL_SERVER_SUBSTRAIT": False,
        "FLIGHT_SQL_SERVER_SUBSTRAIT_MIN_VERSION": "",
        "FLIGHT_SQL_SERVER_SUBSTRAIT_MAX_VERSION": "",
        "FLIGHT_SQL_SERVER_TRANSACTION": Int32(0),
        "FLIGHT_SQL_SERVER_CANCEL": True,
        "FLIGHT_SQL_SERVER_INGEST_TRANSACTIONS_SUPPORTED": False,
        "FLIGHT_SQL_SERVER_TRANSACTION_TIMEOUT": Int32(0),
        "SQL_DDL_CATALOG": False,
        "SQL_DDL_SCHEMA": False,
        "SQL_DDL_TABLE": False,
        "SQL_IDENTIFIER_CASE": Int32(3),  # folded to lower case
        "SQL_IDENTIFIER_QUOTE_CHAR": '"',
        "SQL_QUOTED_IDENTIFIER_CASE": Int32(0),  # no ordinal means "case is kept"
        "SQL_ALL_TABLES_ARE_SELECTABLE": True,
        "SQL_NULL_ORDERING": Int32(0),  # nulls sort high
        "SQL_KEYWORDS": _KEYWORDS.split(),
        "SQL_NUMERIC_FUNCTIONS": _NUMERIC_FUNCTIONS.split(),
        "SQL_STRING_FUNCTIONS": _STRING_FUNCTIONS.split(),
        "SQL_SYSTEM_FUNCTIONS": _SYSTEM_FUNCTIONS.split(),
        "SQL_DATETIME_FUNCTIONS": _DATETIME_FUNCTIONS.split(),
        "SQL_SEARCH_STRING_ESCAPE": "\\",
        "SQL_EXTRA_NAME_CHARACTERS": "$",
        "SQL_SUPPORTS_COLUMN_ALIASING": True,
        "SQL_NULL_PLUS_NULL_IS_NULL": True,
        "SQL_SUPPORTS_CONVERT": {},
        "SQL_SUPPORTS_TABLE_CORRELATION_NAMES": True,
        "SQL_SUPPORTS_DIFFERENT_TABLE_CORRELATION_NAMES": False,
        "SQL_SUPPORTS_EXPRESSIONS_IN_ORDER_BY": True,
        "SQL_SUPPORTS_ORDER_BY_UNRELATED": True,
        "SQL_SUPPORTED_GROUP_BY": _ALL_BITS_OF[2],
        "SQL_SUPPORTS_LIKE_ESCAPE_CLAUSE": True,
        "SQL_SUPPORTS_NON_NULLABLE_COLUMNS": True,
        "SQL_SUPPORTED_GRAMMAR": _ALL_BITS_OF[2],
        "SQL_ANSI92_SUPPORTED_LEVEL": _ALL_BITS_OF[1],
        "SQL_SUPPORTS_INTEGRITY_ENHANCEMENT_FACILITY": False,
        "SQL_OUTER_JOINS_SUPPORT_LEVEL": Int32(2),  # full
        "SQL_SCHEMA_TERM": "schema",
        "SQL_PROCEDURE_TERM": "procedure",
        "SQL_CATALOG_TERM": "source",
        "SQL_CATALOG_AT_START": True,
        "SQL_SCHEMAS_SUPPORTED_ACTIONS": Int32(0),
        "SQL_CATALOGS_SUPPORTED_ACTIONS": Int32(0),
        "SQL_SUPPORTED_POSITIONED_COMMANDS": Int32(0),
        "SQL_SELECT_FOR_UPDATE_SUPPORTED": False,
        "SQL_STORED_PROCEDURES_SUPPORTED": False,
        "SQL_SUPPORTED_SUBQUERIES": nested_subqueries,
        "SQL_CORRELATED_SUBQUERIES_SUPPORTED": True,
        "SQL_SUPPORTED_UNIONS": _ALL_BITS_OF[2],
        "SQL_MAX_ROW_SIZE_INCLUDES_BLOBS": True,
        # JDBC reads this one as a number, not as an ordinal.
        "SQL_DEFAULT_TRANSACTION_ISOLATION": 0,
        "SQL_TRANSACTIONS_SUPPORTED": False,
        "SQL_SUPPORTED_TRANSACTIONS_ISOLATION_LEVELS": Int32(1),  # none
        "SQL_DATA_DEFINITION_CAUSES_TRANSACTION_COMMIT": False,
        "SQL_DATA_DEFINITIONS_IN_TRANSACTIONS_IGNORED": False,
        "SQL_SUPPORTED_RESULT_SET_TYPES": forward_only,
        "SQL_SUPPORTED_CONCURRENCIES_FOR_RESULT_SET_UNSPECIFIED": Int32(0),
        "SQL_SUPPORTED_CONCURRENCIES_FOR_RESULT_SET_FORWARD_ONLY": concurrency_read_only,
        "SQL_SUPPORTED_CONCURRENCIES_FOR_RESULT_SET_SCROLL_SENSITIVE": Int32(0),
        "SQL_SUPPORTED_CONCURRENCIES_FOR_RESULT_SET_SCROLL_INSENSITIVE": Int32(0),
        "SQL_BATCH_UPDATES_SUPPORTED": False,
        "SQL_SAVEPOINTS_SUPPORTED": False,
        "SQL_NAMED_PARAMETERS_SUPPORTED": False,
        "SQL_LOCATORS_UPDATE_COPY": False,
        "SQL_STORED_FUNCTIONS_USING_CALL_SYNTAX_SUPPORTED": False,
    }


@lru_cache(maxsize=8)
def _values(statement_ttl_seconds: float, ingests: bool) -> dict[int, Value]:
    answers = _answers()
    answers["FLIGHT_SQL_SERVER_READ_ONLY"] = not ingests
    answers["FLIGHT_SQL_SERVER_BULK_INGESTION"] = ingests
    answers["FLIGHT_SQL_SERVER_STATEMENT_TIMEOUT"] = Int32(statement_ttl_seconds * 1000)
    # What is left is the bounds (SQL_MAX_*, SQL_DB_SCHEMA_NAME_LENGTH): there are none.
    return {
        number: answers.get(name, _NO_LIMIT) for name, number in sorted(pb.SqlInfo.items(), key=_no)
    }


def _no(item: tuple[str, int]) -> int:
    return item[1]


def _place(value: Value) -> int:
    """The union's type code of a value."""
    if isinstance(value, str):
        return 0
    if isinstance(value, bool):
        return 1
    if isinstance(value, Int32):
        return 3
    if isinstance(value, int):
        return 2
    return 4 if isinstance(value, list) else 5


def sql_info(
    codes: Iterable[int], statement_ttl_seconds: float, ingests: bool = False
) -> pa.RecordBatch:
    """The rows of the codes that are known, in the order asked; of all when none is asked for."""
    known = _values(statement_ttl_seconds, ingests)
    wanted = [code for code in codes if code in known] if codes else list(known)
    children: list[list[object]] = [[] for _ in range(VALUE_TYPE.num_fields)]
    places, offsets = [], []
    for code in wanted:
        value = known[code]
        place = _place(value)
        places.append(place)
        offsets.append(len(children[place]))
        children[place].append(list(value.items()) if isinstance(value, dict) else value)
    # UnionArray.from_dense would make the children nullable, and no cast undoes that.
    values = pa.Array.from_buffers(
        VALUE_TYPE,
        len(wanted),
        [
            None,
            pa.array(places, pa.int8()).buffers()[1],
            pa.array(offsets, pa.int32()).buffers()[1],
        ],
        children=[
            pa.array(child, VALUE_TYPE.field(place).type) for place, child in enumerate(children)
        ],
    )
    return pa.RecordBatch.from_arrays([pa.array(wanted, pa.uint32()), values], schema=SCHEMA)
