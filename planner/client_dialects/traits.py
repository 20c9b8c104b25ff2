"""What is a fact of a whole dialect: sets of their names. Owns facts, and no rewriting.

A dialect's facts are those of its documentation with its default settings.
"""

from __future__ import annotations

Dialects = frozenset[str]

_TRINO = frozenset({"trino", "presto", "athena"})
_SPARK = frozenset({"spark", "databricks"})
_POSTGRES = frozenset({"postgres", "redshift"})

TRINO: Dialects = _TRINO
SPARK: Dialects = _SPARK
HIVE: Dialects = _SPARK | {"hive"}
POSTGRES: Dialects = _POSTGRES

# --- numbers -------------------------------------------------------------------------------------

EXACT_LITERALS: Dialects = frozenset(
    {"postgres", "redshift", "duckdb", "snowflake", "mysql", "tsql", "oracle"}
) | _TRINO | HIVE  # fmt: skip
"""`0.1` is a decimal number; elsewhere it is double precision, as in the engine."""

WIDE_INTEGERS: Dialects = frozenset({"snowflake", "bigquery", "sqlite", "oracle"})
"""INT has 64 bits or more."""

ROUNDING_CASTS: Dialects = frozenset(
    {"snowflake", "bigquery", "mysql", "duckdb", "postgres", "redshift", "oracle"}
) | _TRINO  # fmt: skip
"""A cast of a fraction to an integer rounds; the engine's cuts."""

EVEN_HALVES: Dialects = frozenset({"postgres", "redshift", "duckdb", "mysql"})
"""A cast of double precision to an integer takes x.5 to the even neighbour."""

EVEN_ROUND: Dialects = frozenset({"postgres", "redshift", "mysql", "clickhouse"})
"""So does round() of double precision."""

DECIMAL_QUOTIENTS: Dialects = frozenset({"snowflake", "bigquery", "mysql", "oracle"})
"""The quotient of whole numbers is a decimal number, or may be."""

NARROW_LITERALS: Dialects = frozenset(
    {"postgres", "redshift", "duckdb", "tsql"}
) | _TRINO | HIVE  # fmt: skip
"""A whole number that fits 32 bits has no more, and what is computed of such."""

STEPS_BEHIND_THE_POINT: Dialects = frozenset({"snowflake"}) | _SPARK
"""ceil() and floor() take a number of digits."""

ZERO_GIVES_NULL: Dialects = frozenset({"duckdb", "sqlite", "mysql", "spark", "hive"})
"""A remainder or a whole quotient by zero is NULL; elsewhere it fails, as in the engine."""

NULL_OUTSIDE: Dialects = frozenset({"sqlite", "mysql"})
"""Roots and logarithms are NULL where they have no value."""

NULL_WINS: Dialects = frozenset({"snowflake", "mysql", "oracle", "bigquery", "sqlite", "hive"}) | (
    _TRINO
)
"""The greatest of several values is NULL when one of them is."""

WHOLE_AVERAGES: Dialects = frozenset({"tsql", "redshift"})
"""The average of whole numbers is a whole number."""

DECIMAL_DEFAULTS: dict[str, tuple[int, int]] = {
    "mysql": (10, 0), "spark": (10, 0), "databricks": (10, 0), "hive": (10, 0),
    "tsql": (18, 0), "redshift": (18, 0), "oracle": (38, 10), "snowflake": (38, 0),
    "trino": (38, 0), "presto": (38, 0), "athena": (38, 0), "duckdb": (18, 3),
    "bigquery": (38, 9), "clickhouse": (10, 0),
}  # fmt: skip
"""Digits of DECIMAL without any, and those of them behind the point."""

NUMBERS_ARE_TRUTHS: Dialects = frozenset({"mysql", "tsql", "sqlite", "clickhouse"})
"""True is the number 1."""

# --- texts ---------------------------------------------------------------------------------------

FOLDED_TEXTS: Dialects = frozenset({"mysql", "tsql"})
"""Texts are compared without regard to case, unless told otherwise."""

NO_LIKE_ESCAPE: Dialects = frozenset({"snowflake", "oracle", "sqlite", "duckdb", "tsql"}) | _TRINO
"""A backslash in a pattern of LIKE is a letter like any other; in the engine's it escapes."""

FAR_START: dict[str, str] = {
    "snowflake": "empty", "mysql": "empty", "oracle": "empty", "hive": "empty",
    "trino": "empty", "presto": "empty", "athena": "empty", "clickhouse": "empty",
    "bigquery": "first", "spark": "virtual", "databricks": "virtual", "sqlite": "virtual",
    "duckdb": "first",
}  # fmt: skip
"""Dialects whose substr() counts a negative start from the end, and what lies before the first
letter: nothing at all, the first letter, or letters that are not there and count all the same."""

ZERO_START: dict[str, str] = {
    "snowflake": "first", "bigquery": "first", "spark": "first", "databricks": "first",
    "hive": "first", "oracle": "first",
    "mysql": "empty", "trino": "empty", "presto": "empty", "athena": "empty",
    "clickhouse": "empty",
}  # fmt: skip
"""What a substring from 0 is: from the first letter, or empty. Elsewhere, as in the engine, 0 is
the place before the first."""

EMPTY_FOR_NEGATIVE_LENGTH: Dialects = frozenset(
    {"snowflake", "mysql", "oracle", "clickhouse"}
) | _TRINO | HIVE  # fmt: skip

LEFT_LIKE_ENGINE: Dialects = frozenset({"postgres", "duckdb"})
"""left(s, -1) is all but the last letter; elsewhere it is empty or an error."""

CUTTING_CASTS: Dialects = frozenset(
    {"postgres", "redshift", "mysql", "tsql", "oracle", "hive"}
) | _TRINO  # fmt: skip
"""A cast to VARCHAR(n) cuts a longer text."""

LENGTH_IS_IGNORED: Dialects = frozenset({"duckdb", "sqlite"}) | _SPARK
"""VARCHAR(n) is VARCHAR."""

BYTES_ARE_COUNTED: Dialects = frozenset({"mysql", "clickhouse"})
"""length() of a text counts its bytes; elsewhere its letters."""

EMPTY_IS_NULL: Dialects = frozenset({"oracle"})

NO_MATCH_IS_EMPTY: Dialects = frozenset({"duckdb"}) | HIVE
"""regexp_extract() of a text that does not match is empty; elsewhere NULL, as in the engine."""

WHOLE_MATCHES: Dialects = frozenset({"snowflake", "duckdb"})
"""`~` and RLIKE must match all of a text."""

DOLLAR_GROUPS: Dialects = frozenset({"mysql", "clickhouse"}) | _TRINO | HIVE
"""A group in a replacement is $1; elsewhere \\1."""

ISO_TIMESTAMP_TEXTS: Dialects = frozenset({"postgres", "redshift", "duckdb"}) | HIVE
"""A timestamp as text is `2024-01-07 23:59:59.5`, with the digits that it needs."""

TRUE_IS_ONE_AS_TEXT: Dialects = frozenset({"mysql", "tsql", "sqlite"})

ALL_SPACES_TRIMMED: Dialects = frozenset({"bigquery"}) | _TRINO
"""trim() takes away all kinds of spaces; elsewhere only the letter ' '."""

# --- names ---------------------------------------------------------------------------------------

ANY_CASE_QUOTED: Dialects = frozenset(
    {"bigquery", "mysql", "tsql", "duckdb", "sqlite", "redshift"}
) | _TRINO | HIVE  # fmt: skip
"""A quoted name is found in any case."""

UPPER_NAMES: Dialects = frozenset({"snowflake", "oracle"})
"""Names are folded to upper case, and not to lower."""

SILENT_RECURSION: Dialects = frozenset({"snowflake", "oracle", "tsql", "sqlite"})
"""A recursive query is one without RECURSIVE, too."""

# --- time ----------------------------------------------------------------------------------------

ZONED_TIMESTAMPS: Dialects = frozenset({"bigquery"}) | HIVE
"""TIMESTAMP is an instant, shown in the session's time zone, which is UTC here."""

INSTANTS: Dialects = ZONED_TIMESTAMPS | _TRINO | {"oracle"}
"""AT TIME ZONE takes a timestamp without a time zone for one of the session's, UTC's here."""

DATES_ARE_NUMBERS: Dialects = frozenset({"mysql", "sqlite"})
"""A date in a sum is a number, of its digits or its year."""

DATES_DIFFER_BY_INTERVALS: Dialects = _TRINO | _SPARK | {"bigquery"}

SUNDAY_WEEKS: Dialects = frozenset({"bigquery", "tsql"})
"""A week starts on a Sunday where weeks are counted or cut."""

SHIFTED_DATES_ARE_TIMESTAMPS: Dialects = frozenset({"postgres", "redshift", "duckdb"})
"""A date and an interval is a timestamp; elsewhere a date, when the interval has whole days."""

CUT_DATES_ARE_DATES: Dialects = frozenset({"snowflake", "bigquery", "clickhouse"}) | _TRINO
"""A date that is cut to a month is a date; elsewhere, as in the engine, it is a timestamp."""
