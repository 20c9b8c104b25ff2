"""What a dialect's refusals say: the client's own words, at the place where they stand."""

from __future__ import annotations

import pytest

from connectors.errors import Position, UnsupportedError
from planner.client_dialect import translate


@pytest.mark.parametrize(
    ("dialect", "sql", "column", "words"),
    [
        ("snowflake", "select $1 from (values (1))", 8, "a column by its number"),
        ("mysql", "select a, @b := 1 from items", 11, "a variable"),
        ("tsql", "select @a from items", 8, "parameters"),
        ("spark", "select a, approx_percentile(b, 0.5) from items", 11, "approx_percentile"),
        ("spark", "select abs(approx_percentile(abs(b + 1), 0.5)) v", 12, "approx_percentile"),
        ("spark", "select abs(approx_percentile(b::int, 0.5)) v", 12, "approx_percentile"),
        ("spark", "select a, percentile(b, array(0.25, 0.5)) v", 11, "a list of percentiles"),
        ("bigquery", "select string_agg(s order by a limit 2) v", 8, "LIMIT within"),
        ("postgres", "select 9223372036854775807 + 1", 8, "a whole number beyond 64 bits"),
        ("oracle", "select ceil(a, 2) v", 8, "function ceil with a number of digits"),
    ],
)
def test_a_refusal_has_the_clients_word_and_its_place(
    dialect: str, sql: str, column: int, words: str
) -> None:
    with pytest.raises(UnsupportedError) as refused:
        translate(sql, dialect)
    assert words in refused.value.message
    assert refused.value.position == Position(1, column)
