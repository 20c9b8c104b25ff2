"""Tables of unpleasant values for the dialect tests, as an SQLite file."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from pathlib import Path

from tests.planner.unpleasant import TEXTS as SHARED

TEXTS = [*SHARED, "a\0b", "\0a", "a\0", "\0", "aa", "b\0a", "padded\0", "abcabc"]
"""SQLite's own functions take a text to end at its first NUL character."""

_COLUMNS: dict[str, tuple[str, list[object]]] = {
    "i1": ("TINYINT", [None, 0, 1, -1, 127, -128]),
    "i2": ("SMALLINT", [None, 0, 1, -1, 32767, -32768, 7]),
    "i4": ("INT4", [None, 0, 1, -1, 2147483647, -2147483648, 42, 100]),
    "i8": ("BIGINT", [None, 0, 1, -1, 2**63 - 1, -(2**63), 2**53 + 1, -(2**53) - 1, 2**31]),
    "f8": ("REAL", [None, 0.0, 1.5, float("inf"), float("-inf"), 5e-324, 1.7e308, 0.1, -7.0]),
    "b": ("BOOLEAN", [None, 1, 0]),
    "d": (
        "DATE",
        [
            *(None, "0001-01-01", "9999-12-31", "1970-01-01", "1969-12-31", "2000-02-29"),
            *("1900-03-01", "2024-02-29", "2024-12-30", "2023-01-01", "1582-10-10"),
        ],
    ),
    "ts": ("DATETIME COLLATE NOCASE", [None, "2024-02-29 12:34:56", 5, 1.5, "", "a", "A"]),
    "n": (
        "DECIMAL(15,2)",
        [None, 0, 0.01, -0.01, 9999999999999.99, -9999999999999.99, 1.10, -7.5, 3, 0.05, 0.1 + 0.2],
    ),
    "m": ("DECIMAL(9,4)", [None, 0, 99999.9999, -99999.9999, 0.0001, -1.5, 7]),
    "folded": ("TEXT COLLATE NOCASE", [None, "", "a", "A", "b", "ä", "Ä"]),
    "v": ("VARCHAR(8)", [None, "", "a", "a ", "abcde", "ä", "A"]),
    "raw": ("BLOB", [b"", None, b"\x00\xff", b"a", b"b"]),
}


def _twice(declared: str) -> str:
    """The columns of every row of a table with every one: a_… and b_…"""
    columns = re.split(r",(?![^(]*\))", declared)
    return ", ".join(f"{side}_{column.strip()}" for side in "ab" for column in columns)


def make(path: Path) -> Path:
    """A file with the tables of `TABLES`.

    `odd` has in each row the next value of each column, so that columns of different lengths meet
    in many combinations; `texts` every text; `pairs` every two numbers of a few; `odd_pairs` and
    `text_pairs` every row of those tables beside every one.
    """
    declared = ", ".join(f"{name} {type_}" for name, (type_, _) in _COLUMNS.items())
    marks = ", ".join("?" * (len(_COLUMNS) + 1))
    rows = [[row, *(v[row % len(v)] for _, v in _COLUMNS.values())] for row in range(45)]
    numbers = (None, 0, 1, -1, 2, 3, -7, 100)
    pairs = [
        (a, b, None if a is None else a / 4, None if b is None else b / 8)
        for a in numbers
        for b in (None, 0, 1, -1, 3, 7, -10)
    ]
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(f"CREATE TABLE odd (id INT4 NOT NULL, {declared})")
        connection.executemany(f"INSERT INTO odd VALUES ({marks})", rows)
        connection.execute("CREATE TABLE texts (id INTEGER PRIMARY KEY NOT NULL, t TEXT)")
        connection.executemany("INSERT INTO texts VALUES (?, ?)", list(enumerate(TEXTS)))
        connection.execute("CREATE TABLE pairs (a INT4, b INT4, x DECIMAL(15,2), y DECIMAL(9,4))")
        connection.executemany("INSERT INTO pairs VALUES (?, ?, ?, ?)", pairs)
        connection.execute("CREATE TABLE days (day DATE NOT NULL)")
        connection.executemany(
            "INSERT INTO days VALUES (date(?, '+' || ? || ' days'))",
            [
                (start, day)
                for start in ("0000-01-01", "1995-12-20", "9999-12-01")
                for day in range(25)
            ],
        )
        connection.execute(
            f"CREATE TABLE text_pairs ({_twice('id INTEGER, t TEXT')})",
        )
        connection.execute("INSERT INTO text_pairs SELECT a.*, b.* FROM texts a, texts b")
        connection.execute(f"CREATE TABLE odd_pairs ({_twice(f'id INT4 NOT NULL, {declared}')})")
        connection.execute("INSERT INTO odd_pairs SELECT a.*, b.* FROM odd a, odd b")
        connection.execute(
            "CREATE TABLE odd_texts (a_id INT4, a_folded TEXT COLLATE NOCASE, b_id INT4, b_t TEXT)"
        )
        connection.execute(
            "INSERT INTO odd_texts SELECT a.id, a.folded, b.id, b.t FROM odd a, texts b"
        )
        connection.execute(
            'CREATE TABLE "nothing" (id INT4 NOT NULL, i4 INT4, n DECIMAL(15,2), t TEXT, f8 REAL)'
        )
    return path


TABLES = ("odd", "texts", "pairs", "days", "odd_pairs", "text_pairs", "odd_texts", "nothing")

TEXTS_COMPARED = [text for text in SHARED if text is not None]
