"""Tables of unpleasant values for the dialect tests, as PostgreSQL statements."""

from __future__ import annotations

TEXTS = [
    None,
    "",
    " ",
    "a",
    "A",
    "b",
    "B",
    "ä",
    "Ä",
    "é",
    "e\u0301",
    "ß",
    "z",
    "Z",
    "_",
    "%",
    "a%b",
    "a_b",
    "a.b",
    "a\\b",
    "\\",
    "it's",
    '"q"',
    "  padded ",
    "padded",
    "\U0001f600",
    "\uffff",
    "x\ny",
    "a\tb",
    "(a|b)*",
    "abc",
    "ABC",
    "true",
    "-0",
    "\u0130",
    "ﬁ",
]


FOLDS = [
    "k",
    "K",
    "\u212a",
    "s",
    "S",
    "\u017f",
    "a\u212ab",
    "\u017fS",
    "i",
    "I",
    "\u0130",
    "\u0131",
]
FOLDS += ["\u0149", "\u01f0", "\u1e96", "\u1e97", "\u1e98", "\u1e99", "\u1e9a", "\ufb00", "\ufb02"]
FOLDS += ["\ufb03", "\ufb04", "\ufb05", "ßmith", "smit\u1e96", "SMITH", "smith", "\u017fm\u0131th"]
FOLDS += [
    "straße",
    "STRASSE",
    "\u0130stanbul",
    "i\u0307stanbul",
    "Istanbul",
    "mi\ufb06",
    "mist",
    None,
]
FOLDS += ["ss", "ß", "\u1e9e", "fi", "ﬁ", "ﬆ", "Å", "\u212b", "σ", "ς", "Σ", "µ", "\u03bc"]
"""Letters, and what matches them or becomes them without case."""


def literal(text: str | None) -> str:
    """A text constant of PostgreSQL."""
    if text is None:
        return "NULL"
    escaped = text.replace("\\", "\\\\").replace("'", "''").replace("\n", "\\n")
    return f"E'{escaped}'"


_COLUMNS = {
    "i2": ("int2", ["NULL", "0", "1", "-1", "32767", "-32768", "7"]),
    "i4": ("int4", ["NULL", "0", "1", "-1", "2147483647", "-2147483648", "42", "100"]),
    "i8": (
        "int8",
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
    "f4": (
        "float4",
        [
            *("NULL", "'-0'", "0", "1.5", "'NaN'", "'inf'", "'-inf'", "1e-45", "3.4e38", "-2.5"),
            "'inf'::float4 - 'inf'",
        ],
    ),
    "f8": (
        "float8",
        [
            *("NULL", "'-0'", "0", "1.5", "'NaN'", "'inf'", "'-inf'", "5e-324", "1.7e308", "0.1"),
            *("-7", "'inf'::float8 - 'inf'", "-0.5"),
        ],
    ),
    "b": ("bool", ["NULL", "true", "false"]),
    "d": (
        "date",
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
        "timestamp",
        [
            "NULL",
            "'0001-01-01 00:00:00'",
            "'9999-12-31 23:59:59.999999'",
            "'1970-01-01'",
            "'1969-12-31 23:59:59.999999'",
            "'2024-02-29 12:34:56.789012'",
            "'2000-02-29 00:00'",
        ],
    ),
    "tstz": (
        "timestamptz",
        [
            "NULL",
            "'0001-01-01 00:00:00+00'",
            "'9999-12-31 23:59:59.999999+00'",
            "'1970-01-01 UTC'",
            "'2024-03-31 01:30:00+01'",
            "'2024-10-27 02:30:00+02'",
            "'2024-10-27 02:30:00+01'",
        ],
    ),
    "tm": ("time", ["NULL", "'00:00'", "'23:59:59.999999'", "'12:00'"]),
    "n": (
        "numeric(15,2)",
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
    "w": (
        "numeric(38,10)",
        [
            "NULL",
            "0",
            "0.0000000001",
            "-0.0000000001",
            "9999999999999999999999999999.9999999999",
            "-9999999999999999999999999999.9999999999",
            "12345678901234567890.0123456789",
            "1",
        ],
    ),
    "big": ("numeric(38,0)", ["NULL", "0", "9" * 38, "-" + "9" * 38, "1", "-7"]),
    "u": ("numeric", ["NULL", "0", "1.5", "-12345678901234567890.123456789012345678", "7.00"]),
    "c": ("char(5)", ["NULL", "''", "'a'", "'a  b'", "'abcde'", "' x'", "'A'"]),
    "v": ("varchar(8)", ["NULL", "''", "'a'", "'a '", "'abcde'", "'ä'", "'A'"]),
    "e": ("mood", ["NULL", "'sad'", "'ok'", "'glad'"]),
    "uid": (
        "uuid",
        [
            "NULL",
            "'00000000-0000-0000-0000-000000000000'",
            "'ffffffff-ffff-ffff-ffff-ffffffffffff'",
            "'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'",
        ],
    ),
    "j": ("json", ["NULL", "'null'", """'{"a": [1,  2]}'""", "'\"x\"'", "'[]'"]),
    "jb": ("jsonb", ["NULL", "'null'", """'{"a": [1,  2]}'""", "'\"x\"'", "'[]'"]),
    "raw": ("bytea", ["NULL", "'\\x'", "'\\x00ff'", "'\\x61'"]),
    "folded": ("text COLLATE folded", ["NULL", "''", "'a'", "'A'", "'b'", "'ä'"]),
}


def statements() -> list[str]:
    """Statements that make the tables of `TABLES`, and the types that they need.

    `odd` has in each row the next value of each column, so that columns of different lengths meet
    in many combinations; `texts` every text; `pairs` every two numbers of a few.
    """
    rows = 45
    declared = ", ".join(f"{name} {type_}" for name, (type_, _) in _COLUMNS.items())
    values = [
        ", ".join([str(row), *(v[row % len(v)] for _, v in _COLUMNS.values())])
        for row in range(rows)
    ]
    texts = [f"({i}, {literal(text)})" for i, text in enumerate(TEXTS)]
    folds = [f"({i}, {literal(text)})" for i, text in enumerate(FOLDS)]
    return [
        "CREATE TYPE mood AS ENUM ('sad', 'ok', 'glad')",
        "CREATE COLLATION folded (provider = libc, locale = 'C')",
        f"CREATE TABLE odd (id int NOT NULL, {declared})",
        f"INSERT INTO odd VALUES {', '.join(f'({row})' for row in values)}",
        "UPDATE pg_collation SET collisdeterministic = false WHERE collname = 'folded'",
        "CREATE TABLE texts (id int8 NOT NULL, t text)",
        f"INSERT INTO texts VALUES {', '.join(texts)}",
        "CREATE TABLE pairs AS SELECT a, b, a::numeric(15,2) / 4 AS x, b::numeric(9,4) / 8 AS y"
        " FROM unnest(ARRAY[NULL, 0, 1, -1, 2, 3, -7, 100]) a,"
        " unnest(ARRAY[NULL, 0, 1, -1, 3, 7, -10]) b",
        "ALTER TABLE pairs ALTER x TYPE numeric(15,2), ALTER y TYPE numeric(9,4)",
        "CREATE TABLE early AS SELECT d::date, d::timestamp AS ts FROM unnest(ARRAY["
        "'0044-03-15 BC', '0001-12-31 BC', '4713-01-01 BC', '0001-01-01', '10000-01-01'"
        ", '200000-02-28']) d",
        "CREATE TABLE digits AS SELECT row_number() OVER () AS id, t FROM unnest(ARRAY["
        "'5', '+5', '-5', ' 5', '5 ', E'\\t5\\n', '05', '-0', '-32768', '32767',"
        " '00000000000000000000000005', NULL, E'\\f7\\r']) t",
        "CREATE TABLE folds (id int8 NOT NULL, t text)",
        f"INSERT INTO folds VALUES {', '.join(folds)}",
        "CREATE TABLE nothing (id int NOT NULL, i4 int, n numeric(15,2), t text, f8 float8)",
    ]


TABLES = ("odd", "texts", "pairs", "early", "nothing", "folds", "digits")
