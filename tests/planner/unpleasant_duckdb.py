"""Tables of unpleasant values for the dialect tests, as a DuckDB file."""

from __future__ import annotations

from pathlib import Path

import duckdb

from tests.planner.unpleasant import FOLDS
from tests.planner.unpleasant import TEXTS as SHARED

TEXTS = [*SHARED, "a\0b", "\u00a0a\u00a0", "\ta ", "aa", "äöü", "\U0001f468\u200d\U0001f469"]

_COLUMNS = {
    "i1": ("TINYINT", ["NULL", "0", "1", "-1", "127", "-128"]),
    "i2": ("SMALLINT", ["NULL", "0", "1", "-1", "32767", "-32768", "7"]),
    "i4": ("INTEGER", ["NULL", "0", "1", "-1", "2147483647", "-2147483648", "42", "100"]),
    "i8": (
        "BIGINT",
        [
            "NULL",
            "0",
            "1",
            "-1",
            "9223372036854775807",
            "-9223372036854775808",
            "9007199254740993",
            "-9007199254740993",
            "2147483648",
        ],
    ),
    "u1": ("UTINYINT", ["NULL", "0", "1", "255"]),
    "u2": ("USMALLINT", ["NULL", "0", "1", "65535"]),
    "u4": ("UINTEGER", ["NULL", "0", "1", "4294967295"]),
    "u8": ("UBIGINT", ["NULL", "0", "1", "18446744073709551615"]),
    "f4": (
        "FLOAT",
        [
            "NULL",
            "-0.0::FLOAT",
            "0",
            "1.5",
            "'NaN'",
            "-'NaN'::FLOAT",
            "'inf'",
            "'-inf'",
            "1e-45",
            "3.4e38",
        ],
    ),
    "f8": (
        "DOUBLE",
        [
            "NULL",
            "'-0.0'",
            "0",
            "1.5",
            "'NaN'",
            "-'NaN'::DOUBLE",
            "'inf'",
            "'-inf'",
            "5e-324",
            "1.7e308",
            "0.1",
            "-7",
        ],
    ),
    "b": ("BOOLEAN", ["NULL", "true", "false"]),
    "d": (
        "DATE",
        [
            "NULL",
            "'0001-01-01'",
            "'9999-12-31'",
            "'1970-01-01'",
            "'1969-12-31'",
            "'2000-02-29'",
            "'1900-03-01'",
            "'2024-02-29'",
            "'2024-12-30'",
            "'2023-01-01'",
            "'1582-10-10'",
        ],
    ),
    "ts": (
        "TIMESTAMP",
        [
            "NULL",
            "'0001-01-01 00:00:00'",
            "'9999-12-31 23:59:59.999999'",
            "'1970-01-01'",
            "'1969-12-31 23:59:59.999999'",
            "'2024-02-29 12:34:56.789012'",
            "'2000-02-29 00:00:00'",
        ],
    ),
    "ts_s": ("TIMESTAMP_S", ["NULL", "'1969-12-31 23:59:59'", "'2024-02-29 12:34:56'"]),
    "ts_ms": ("TIMESTAMP_MS", ["NULL", "'1969-12-31 23:59:59.999'", "'2024-02-29 12:34:56.789'"]),
    "ts_ns": ("TIMESTAMP_NS", ["NULL", "'1969-12-31 23:59:59.999999999'", "'2024-02-29'"]),
    "tstz": (
        "TIMESTAMPTZ",
        [
            "NULL",
            "'0001-01-01 00:00:00+00'",
            "'9999-12-31 23:59:59.999999+00'",
            "'1970-01-01 00:00:00+00'",
            "'2024-03-31 01:30:00+01'",
            "'2024-10-27 02:30:00+02'",
            "'2024-10-27 02:30:00+01'",
        ],
    ),
    "tm": ("TIME", ["NULL", "'00:00:00'", "'23:59:59.999999'", "'12:00:00'"]),
    "n": (
        "DECIMAL(15,2)",
        [
            "NULL",
            "0",
            "0.01",
            "-0.01",
            "9999999999999.99",
            "-9999999999999.99",
            "1.10",
            "-7.5",
            "3",
            "0.05",
        ],
    ),
    "m": (
        "DECIMAL(18,4)",
        ["NULL", "0", "99999999999999.9999", "-99999999999999.9999", "0.0001", "-1.5", "7"],
    ),
    "w": (
        "DECIMAL(38,10)",
        [
            "NULL",
            "0",
            "0.0000000001",
            "-0.0000000001",
            "'9999999999999999999999999999.9999999999'",
            "'-9999999999999999999999999999.9999999999'",
            "12345678901234567890.0123456789",
            "1",
        ],
    ),
    "big": ("DECIMAL(38,0)", ["NULL", "0", f"'{'9' * 38}'", f"'-{'9' * 38}'", "1", "-7"]),
    "h": ("HUGEINT", ["NULL", "0", "9" * 38, "-" + "9" * 38, "18446744073709551616", "-7"]),
    "e": ("mood", ["NULL", "'sad'", "'ok'", "'glad'"]),
    "uid": (
        "UUID",
        [
            "NULL",
            "'00000000-0000-0000-0000-000000000000'",
            "'ffffffff-ffff-ffff-ffff-ffffffffffff'",
            "'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'",
        ],
    ),
    "j": ("JSON", ["NULL", "'null'", """'{"a": [1,  2]}'""", "'\"x\"'", "'[]'"]),
    "raw": ("BLOB", ["NULL", "''::BLOB", "'\\x00\\xff'::BLOB", "'a'::BLOB", "'b'::BLOB"]),
    "folded": ("VARCHAR COLLATE nocase", ["NULL", "''", "'a'", "'A'", "'b'", "'ä'", "'Ä'"]),
    "list": ("INTEGER[]", ["NULL", "[]", "[1, NULL]", "[2]"]),
    "span": ("INTERVAL", ["NULL", "INTERVAL 1 MONTH", "INTERVAL 30 DAY", "INTERVAL 0 SECOND"]),
}


def _text(value: str | None) -> str:
    if value is None:
        return "NULL"
    return " || chr(0) || ".join("'" + part.replace("'", "''") + "'" for part in value.split("\0"))


def make(path: Path) -> Path:
    """A file with the tables of `TABLES`.

    `odd` has in each row the next value of each column, so that columns of different lengths meet
    in many combinations; `texts` every text; `pairs` every two numbers of a few.
    """
    rows = 45
    declared = ", ".join(f"{name} {type_}" for name, (type_, _) in _COLUMNS.items())
    values = [
        ", ".join([str(row), *(v[row % len(v)] for _, v in _COLUMNS.values())])
        for row in range(rows)
    ]
    texts = [f"({number}, {_text(value)})" for number, value in enumerate(TEXTS)]
    folds = [f"({number}, {_text(value)})" for number, value in enumerate(FOLDS)]
    statements = [
        "CREATE TYPE mood AS ENUM ('sad', 'ok', 'glad')",
        f"CREATE TABLE odd (id INTEGER NOT NULL, {declared})",
        *(f"INSERT INTO odd VALUES ({row})" for row in values),
        "CREATE TABLE texts (id BIGINT NOT NULL, t VARCHAR)",
        f"INSERT INTO texts VALUES {', '.join(texts)}",
        "CREATE TABLE folds (id BIGINT NOT NULL, t VARCHAR)",
        f"INSERT INTO folds VALUES {', '.join(folds)}",
        "CREATE TABLE pairs AS SELECT a, b, (a::DECIMAL(15,2) * 0.25)::DECIMAL(15,2) AS x,"
        " (b::DECIMAL(9,4) * 0.125)::DECIMAL(9,4) AS y"
        " FROM unnest([NULL, 0, 1, -1, 2, 3, -7, 100]) l(a),"
        " unnest([NULL, 0, 1, -1, 3, 7, -10]) r(b)",
        "CREATE TABLE early AS SELECT d::DATE AS d, d::TIMESTAMP AS ts FROM unnest(["
        "'0044-03-15 (BC)', '0001-12-31 (BC)', '4713-01-01 (BC)', '0001-01-01', '10000-01-01'"
        ", '200000-02-28']) l(d)",
        "CREATE TABLE nothing (id INTEGER NOT NULL, i4 INTEGER, n DECIMAL(15,2), t VARCHAR,"
        " f8 DOUBLE)",
        "CREATE VIEW seen AS SELECT id, folded AS t FROM odd",
        # Of views nothing is known, so that a join of them with themselves is never cut.
        "CREATE VIEW many AS FROM odd",
        "CREATE VIEW words AS FROM texts",
    ]
    with duckdb.connect(str(path)) as connection:
        for statement in statements:
            connection.execute(statement)
    return path


TABLES = ("odd", "texts", "pairs", "early", "nothing", "seen", "many", "words", "folds")
