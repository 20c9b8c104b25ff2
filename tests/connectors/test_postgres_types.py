"""Every kind of PostgreSQL type is read, whatever Arrow makes of it; and what is lost is said."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
import pytest

from connectors.contract import TableName
from tests.placements import Placement
from tests.postgres_server import PostgresServer

TEXTS: dict[str, tuple[str, str]] = {
    "timetz": ("'12:34:56.789+02'", "12:34:56.789+02"),
    "interval": ("'1 mon 2 days 03:04:05.678'", "1 mon 2 days 03:04:05.678"),
    "uuid": (
        "'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'",
        "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
    ),
    "json": ("""'{"a":  [1]}'""", '{"a":  [1]}'),
    "jsonb": ("""'{"a":  [1]}'""", '{"a": [1]}'),
    "bit(3)": ("'101'", "101"),
    "varbit": ("'1'", "1"),
    "inet": ("'10.0.0.1/8'", "10.0.0.1/8"),
    "cidr": ("'10.0.0.0/8'", "10.0.0.0/8"),
    "macaddr": ("'08:00:2b:01:02:03'", "08:00:2b:01:02:03"),
    "tsvector": ("'a b'", "'a' 'b'"),
    "mood": ("'ok'", "ok"),
    "pair": ("ROW(1, 'a b')", '(1,"a b")'),
    "int4range": ("'[1,3)'", "[1,3)"),
    "point": ("'(1,2)'", "(1,2)"),
    "oid": ("7", "7"),
    "regclass": ("'pg_class'", "pg_class"),
    "int[][]": ("'{{1,2},{3,4}}'", "{{1,2},{3,4}}"),
    "int2vector": ("'1 2'", "1 2"),
    '"char"': ("'x'", "x"),
    "name": ("'x'", "x"),
}
"""Types that arrive as their text: a value as it is written, and as it is read."""

_NOTHING_LOST = ('"char"', "name")


@pytest.fixture(scope="module")
def placement(postgres_server: PostgresServer, postgres_uri: str) -> Iterator[Placement]:
    columns = ", ".join(f"c{i} {type_}" for i, type_ in enumerate(TEXTS))
    values = ", ".join(value for value, _ in TEXTS.values())
    postgres_server.execute(
        "CREATE TYPE mood AS ENUM ('sad', 'ok')",
        "CREATE TYPE pair AS (a int, b text)",
        f"CREATE TABLE kinds (id int, {columns})",
        f"INSERT INTO kinds VALUES (1, {values})",
        f"INSERT INTO kinds VALUES (2, {', '.join('NULL' for _ in TEXTS)})",
        database=__name__.replace(".", "_"),
    )
    shop = {"connector": "postgres", "uri": postgres_uri, "max_connections": 2}
    with Placement.of_sources({"shop": shop}) as placement:
        yield placement


def test_a_type_that_arrow_has_not_is_its_text(placement: Placement) -> None:
    answer = placement.query("SELECT * FROM kinds ORDER BY id")
    for (type_, (_, text)), column in zip(TEXTS.items(), answer.columns[1:], strict=True):
        assert column.type == pa.string(), type_
        assert column.to_pylist() == [text, None], type_


def test_what_is_lost_is_said(placement: Placement) -> None:
    table = placement.catalog.sources["shop"].connector.tables().find(TableName("public", "kinds"))
    assert table is not None
    lost = dict(zip(TEXTS, (column.lost for column in table.columns[1:]), strict=True))
    assert [type_ for type_, what in lost.items() if not what] == list(_NOTHING_LOST)
    assert "array" in lost["int[][]"]


def test_texts_of_other_types_are_compared_there_and_here_alike(placement: Placement) -> None:
    conditions = [
        f"c{number} = '{text}'"
        for number, (_, text) in enumerate(TEXTS.values())
        if "'" not in text
    ]
    answer = placement.query(f"SELECT id FROM kinds WHERE {' AND '.join(conditions)}")
    assert answer.to_pydict() == {"id": [1]}
