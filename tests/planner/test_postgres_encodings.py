"""Databases in another encoding than UTF-8: the same answers, and no constant that fails there."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.planner.twins import Twins
from tests.postgres_server import PostgresServer

_TEXTS = {
    "LATIN1": ("", "a", "B", "é", "ß", "aé", None),
    "WIN1252": ("", "a", "B", "é", "€", "a€", "ÿ", "Œ", None),
    "EUC_JP": ("", "a", "B", "あ", "aあ", "漢", None),
    "SQL_ASCII": ("", "a", "B", "é", "€", "あ", None),
}

_WHOLE = (
    "SELECT id, t FROM notes",
    "SELECT id FROM notes WHERE t = 'a' OR t <> 'B' OR t IS NULL",
    "SELECT a.id, b.id FROM notes a JOIN notes b ON a.t = b.t",
    "SELECT count(DISTINCT t), count(t), count(*) FROM notes",
    "SELECT id FROM notes WHERE id > 2 ORDER BY id DESC",
    'SELECT id AS "é€あ" FROM notes',
)

_STAYS = (
    "SELECT id FROM notes WHERE t = 'é'",
    "SELECT id FROM notes WHERE t = '\U0001f600'",
    "SELECT id FROM notes WHERE t > 'a'",
    "SELECT id, t FROM notes ORDER BY t, id",
    "SELECT t, count(*) FROM notes GROUP BY t",
    "SELECT min(t), max(t) FROM notes",
    "SELECT character_length(t), substr(t, 1, 1), octet_length(t) FROM notes",
    "SELECT id FROM notes WHERE t LIKE '_'",
    "SELECT id FROM notes WHERE t ILIKE '%s%'",
    "SELECT id FROM notes WHERE lower(t) = 'k'",
    "SELECT greatest(t, 'a'), t || 'x' FROM notes",
    "SELECT id, max(t) OVER (PARTITION BY id) FROM notes",
)


@pytest.fixture(scope="module", params=_TEXTS)
def twins(postgres_server: PostgresServer, request: pytest.FixtureRequest) -> Iterator[Twins]:
    encoding = request.param
    name = f"in_{encoding.lower()}"
    texts = _TEXTS[encoding]
    values = (
        f"({i}, {'NULL' if t is None else chr(39) + t + chr(39)})" for i, t in enumerate(texts)
    )
    postgres_server.execute(
        f"CREATE DATABASE {name} ENCODING '{encoding}' TEMPLATE template0"
        " LC_COLLATE 'C' LC_CTYPE 'C'"
    )
    try:
        postgres_server.execute(
            "SET client_encoding TO 'UTF8'",
            "CREATE TABLE notes (id int NOT NULL, t text)",
            f"INSERT INTO notes VALUES {', '.join(values)}",
            database=name,
        )
        with Twins.of(postgres_server.uri(name), ["notes"]) as twins:
            yield twins
    finally:
        postgres_server.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.mark.parametrize("sql", _WHOLE)
def test_what_does_not_ask_for_characters_goes(sql: str, twins: Twins) -> None:
    twins.check(sql, "whole")


@pytest.mark.parametrize("sql", _STAYS)
def test_what_asks_for_characters_or_their_order_stays(sql: str, twins: Twins) -> None:
    plan = twins.check(sql, "cut")
    assert any("another encoding than UTF-8" in kept.reason for kept in plan.kept)
