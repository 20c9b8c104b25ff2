"""Hostile and broken input, through a real client to a server of its own: a clear error or a right
answer, never a crash, a hang or a leak, and no text of the user reaches a source unquoted."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import adbc_driver_flightsql.dbapi as flightsql
import adbc_driver_postgresql.dbapi as postgres
import pytest

from flight_server.proto import flight_sql_pb2 as pb
from tests.child_server import ChildServer, child_server

from .wire import descriptor_request, status_of

LONG = "n" * 63
"""PostgreSQL's longest name; one more character would be cut off there."""

NAMES = [
    'a "quoted" name',
    "a.dotted.name",
    "with space",
    "semi;colon -- and comment",
    "'); DROP TABLE victim; --",
    "back\\slash",
    "emoji 🦆",
    "ünïcödé",
    "select",
    "user",
    "UPPER and lower",
    "$1",
    "%s",
    "{x}",
    LONG,
]
"""Names of tables, and of their one column."""

TEXTS = [
    "",
    " ",
    "'",
    "''",
    '"',
    "\\",
    "\\'",
    "'; DROP TABLE victim; --",
    "$$",
    "$1",
    "?",
    "%",
    "_",
    "/*",
    "E'\\n'",
    "tab\tline\n",
    "🦆",
    "e\u0301",
    "\u202e",
]

MEGABYTE = 1_000_000


@pytest.fixture(scope="module")
def server(postgres_uri: str) -> Iterator[ChildServer]:
    with (
        postgres.connect(postgres_uri, autocommit=True) as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute("CREATE TABLE victim AS SELECT 1 AS id, 'still here' AS name")
        for number, name in enumerate(NAMES):
            cursor.execute(_creation(number, name))
        cursor.execute("CREATE TABLE texts (number integer, content text)")
        for number, text in enumerate(TEXTS):
            cursor.execute("INSERT INTO texts VALUES ($1, $2)", (number, text))
    sources = {"shop": {"connector": "postgres", "uri": postgres_uri, "max_connections": 4}}
    with child_server(sources) as running:
        yield running


def _creation(number: int, name: str) -> str:
    """A statement by which the server itself quotes the name."""
    return (
        "DO $do$ BEGIN EXECUTE format('CREATE TABLE %I AS SELECT "
        f"{number} AS %I', $name${name}$name$, $name${name}$name$); END $do$"
    )


@pytest.fixture(scope="module")
def connection(server: ChildServer) -> Iterator[Any]:
    with server.connect() as opened:
        yield opened


def ask(connection: Any, sql: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows


def refusal(connection: Any, sql: str) -> str:
    """The code that a statement is refused with."""
    with pytest.raises(flightsql.Error) as raised:
        ask(connection, sql)
    message = str(raised.value)
    assert "Traceback" not in message
    assert len(message) < 2_000, "an error does not repeat its input"
    return message.partition("[FlightSQL] [")[2].partition("]")[0]


def _port(server: ChildServer) -> int:
    return int(server.url.rpartition(":")[2])


def alive(connection: Any) -> bool:
    return ask(connection, "SELECT id, name FROM victim") == [(1, "still here")]


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


@pytest.mark.parametrize(
    ("sql", "code"),
    {
        "blank": (" \n\t ", "request.syntax"),
        "comments only": ("-- nothing\n/* at all */", "request.syntax"),
        "semicolons only": (";;;", "request.syntax"),
        "two statements": ("SELECT 1; SELECT 2", "request.syntax"),
        "a hidden second": ("SELECT 1; DROP TABLE victim", "request.syntax"),
        "an open string": ("SELECT 'abc", "request.syntax"),
        "an open name": ('SELECT "abc', "request.syntax"),
        "an open comment": ("SELECT 1 /* abc", "request.syntax"),
        "too long": ("SELECT '" + "x" * (10 * MEGABYTE) + "'", "limit.size"),
        "too long a list": (f"SELECT {'1,' * (5 * MEGABYTE)}1", "limit.size"),
        "insert": ("INSERT INTO victim VALUES (2, 'x')", "request.unsupported"),
        "update": ("UPDATE victim SET id = 2", "request.unsupported"),
        "delete": ("DELETE FROM victim", "request.unsupported"),
        "truncate": ("TRUNCATE victim", "request.unsupported"),
        "drop": ("DROP TABLE victim", "request.unsupported"),
        "copy": ("COPY victim TO '/tmp/x'", "request.unsupported"),
        "create external": (
            "CREATE EXTERNAL TABLE t STORED AS CSV LOCATION '/etc/passwd'",
            "request.unsupported",
        ),
        "set": ("SET datafusion.execution.batch_size = 1", "request.unsupported"),
        "explain insert": ("EXPLAIN INSERT INTO victim VALUES (1)", None),
        "insert in a CTE": (
            "WITH gone AS (DELETE FROM victim RETURNING *) SELECT * FROM gone",
            None,
        ),
        "select into": ("SELECT * INTO other FROM victim", None),
        "a parameter": ("SELECT $1", "request.unsupported"),
        "a question mark": ("SELECT * FROM victim WHERE id = ?", "request.unsupported"),
        "a parameter as a table": ("SELECT * FROM $1", "request.unsupported"),
        "a parameter in a limit": ("SELECT * FROM victim LIMIT $1", "request.unsupported"),
        "an unknown table": ("SELECT * FROM nobody", "request.unknown_name"),
        "a name of a thousand": (f"SELECT * FROM {'t' * 1000}", "request.unknown_name"),
        "a name too long there": (f'SELECT * FROM "{LONG}n"', "request.unknown_name"),
        "five parts": ("SELECT * FROM a.b.c.d.e", None),
        "a file": ("SELECT * FROM '/etc/passwd'", None),
        "no expression": ("SELECT 1 +", "request.syntax"),
    }.values(),
    ids=lambda value: repr(value)[:40],
)
def test_what_cannot_run_is_refused(connection: Any, sql: str, code: str | None) -> None:
    got = refusal(connection, sql)
    assert got.startswith("request.") if code is None else got == code
    assert alive(connection)


def test_no_statement_at_all(server: ChildServer) -> None:
    # ADBC itself refuses an empty statement.
    request = descriptor_request(pb.CommandStatementQuery(query=""))
    code, message = status_of(_port(server), "GetFlightInfo", request)
    assert code == "INVALID_ARGUMENT"
    assert "[request.syntax]" in message


@pytest.mark.parametrize("count", [31, 500, 1_900, 10_000], ids=lambda n: f"{n:,}")
def test_a_long_chain_of_or(connection: Any, count: int) -> None:
    for part in ("id = 1", "id = {}", "name = 'text {}'", "name = 'x' AND id = {}", "abs(id) = {}"):
        condition = " OR ".join(part.format(number) for number in range(count))
        right = [] if "text" in part or "x" in part else [(1,)]
        assert ask(connection, f"SELECT id FROM victim WHERE {condition}") == right
    assert alive(connection)


@pytest.mark.parametrize("count", [31, 500, 1_900], ids=lambda n: f"{n:,}")
def test_a_long_chain_of_and(connection: Any, count: int) -> None:
    for part in ("id <> {}", "NOT (id = {} OR name = 'x')"):
        condition = " AND ".join(part.format(number + 2) for number in range(count // 2))
        assert ask(connection, f"SELECT id FROM victim WHERE {condition}") == [(1,)]
    assert alive(connection)


def test_a_longer_chain_than_the_engine_reads(connection: Any) -> None:
    many = " AND ".join(f"id <> {number}" for number in range(10_000))
    any_of = " OR ".join(f"abs(id) = {number}" for number in range(10_000))
    assert refusal(connection, f"SELECT id FROM victim WHERE {many}") == "limit.size"
    assert refusal(connection, f"SELECT id FROM victim WHERE NOT ({any_of})") == "limit.size"
    longer = " OR ".join(["id = 1"] * 30_000)
    assert refusal(connection, f"SELECT id FROM victim WHERE {longer}") == "limit.size"
    assert alive(connection)


@pytest.mark.parametrize("depth", [19, 50, 500, 50_000], ids=lambda n: f"{n:,}")
def test_brackets_that_change_nothing(connection: Any, depth: int) -> None:
    opening, closing = "(" * depth, ")" * depth
    assert ask(connection, f"SELECT {opening}id{closing} FROM victim") == [(1,)]
    condition = f"id = 1 AND name IN {opening}'still here'{closing}"
    assert ask(connection, f"SELECT id FROM victim WHERE {condition}") == [(1,)]
    assert ask(connection, f"SELECT id FROM {opening}SELECT id FROM victim{closing} t") == [(1,)]


@pytest.mark.parametrize("depth", [19, 50, 500], ids=lambda n: f"{n:,}")
def test_brackets_from_the_left(connection: Any, depth: int) -> None:
    chain = "(" * depth + "id = 1" + "".join(f" OR id = {n})" for n in range(depth))
    assert ask(connection, f"SELECT id FROM victim WHERE {chain}") == [(1,)]
    total = "(" * depth + "id" + " + 1)" * depth
    assert ask(connection, f"SELECT {total} FROM victim") == [(depth + 1,)]


@pytest.mark.parametrize("count", [31, 500, 5_000], ids=lambda n: f"{n:,}")
def test_a_long_sum(connection: Any, count: int) -> None:
    sql = f"SELECT {' + '.join(['id'] * count)} FROM victim"
    _answers_or_refuses(connection, sql, [(count,)], "limit.size")


@pytest.mark.parametrize("depth", [12, 20, 30, 44, 50, 500, 50_000], ids=lambda n: f"{n:,}")
@pytest.mark.parametrize(
    "opening", ["(", "NOT (", "abs(", "CASE WHEN true THEN ", "(SELECT "], ids=str.strip
)
def test_deep_nesting(connection: Any, opening: str, depth: int) -> None:
    closing = " END" if opening.startswith("CASE") else ")"
    inner = "true" if opening.startswith("NOT") else "1"
    sql = f"SELECT {opening * depth}{inner}{closing * depth}"
    if len(sql) < MEGABYTE:
        _answers_or_refuses(connection, sql, [(inner == "true" or 1,)], None)
    else:
        assert refusal(connection, sql) == "limit.size"
    assert alive(connection)


def _answers_or_refuses(
    connection: Any, sql: str, rows: list[tuple[Any, ...]], code: str | None
) -> None:
    """The right rows, or a refusal that is the request's own fault."""
    try:
        assert ask(connection, sql) == rows
    except flightsql.Error as error:
        assert (
            f"[{code}]" in str(error)
            if code
            else "[request." in str(error) or ("[limit." in str(error))
        ), str(error)[:300]
    assert alive(connection)


@pytest.mark.parametrize("number", range(len(NAMES)), ids=NAMES)
def test_names_of_any_kind(connection: Any, number: int) -> None:
    name = quoted(NAMES[number])
    assert ask(connection, f"SELECT {name} FROM shop.public.{name}") == [(number,)]
    sql = f"SELECT t.{name} AS {name} FROM {name} AS t WHERE t.{name} >= 0 GROUP BY t.{name}"
    assert ask(connection, sql) == [(number,)]
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {name} FROM {name}")
        assert cursor.fetch_arrow_table().column_names == [NAMES[number]]


def test_texts_of_any_kind(connection: Any) -> None:
    for number, content in enumerate(TEXTS):
        sql = f"SELECT number, content FROM texts WHERE content = {text(content)}"
        assert ask(connection, sql) == [(number, content)]
    every = ", ".join(map(text, TEXTS))
    assert len(ask(connection, f"SELECT 1 FROM texts WHERE content IN ({every})")) == len(TEXTS)
    assert alive(connection)


@pytest.mark.parametrize("alias", NAMES, ids=NAMES)
def test_aliases_of_any_kind(connection: Any, alias: str) -> None:
    sql = f"SELECT count(*) AS {quoted(alias)} FROM victim"
    with connection.cursor() as cursor:
        cursor.execute(sql)
        assert cursor.fetch_arrow_table().to_pydict() == {alias: [1]}


def test_bytes_that_are_no_text(server: ChildServer, connection: Any) -> None:
    request = bytearray(descriptor_request(pb.CommandStatementQuery(query="SELECT 'xxxx'")))
    request[request.index(b"xxxx") : request.index(b"xxxx") + 4] = b"\xff\xfe\xc0\x80"
    code, message = status_of(_port(server), "GetFlightInfo", bytes(request))
    assert code == "INVALID_ARGUMENT"
    assert "Traceback" not in message
    assert alive(connection)


def test_a_nul_character(connection: Any) -> None:
    sql = "SELECT count(*) FROM victim WHERE name = 'a\0b'"
    _answers_or_refuses(connection, sql, [(0,)], "request.syntax")


def test_the_server_neither_grows_nor_slows(server: ChildServer, connection: Any) -> None:
    bad = [
        "SELECT " + "(" * 400 + "1" + ")" * 399,
        "SELECT * FROM victim WHERE " + " OR ".join(f"id = {n} AND id > 0" for n in range(300)),
        "SELECT nope FROM victim",
        "SELECT 'abc",
        "DROP TABLE victim",
    ]

    def abuse(times: int) -> None:
        for _ in range(times):
            for number, sql in enumerate(bad):
                try:
                    ask(connection, f"{sql} /* {time.monotonic_ns()} {number} */")
                except flightsql.Error:
                    continue

    abuse(5)
    threads, memory = server.process.num_threads(), server.memory_bytes
    abuse(40)
    assert server.process.num_threads() <= threads + 5
    assert server.memory_bytes - memory < 64 * 2**20
    assert alive(connection)
