"""What a rewrite leaves alone means to the engine what the client's text meant."""

from __future__ import annotations

import datafusion
import pyarrow as pa
import pytest

from planner.desugar.text import NotReadError, text_of, tree_of

_TABLE = pa.table(
    {
        "a": pa.array([1, None, 3], pa.int32()),
        "b": pa.array([1, 2, 3], pa.int64()),
        "s": ["a", "B", None],
        "f": [1.5, None, -0.0],
        "t": [False, True, None],
        "d": pa.array([0, 1, 2], pa.date32()),
        "ts": pa.array([0, 1, 2], pa.timestamp("us")),
        "l": [[1, 2], [3], None],
        "st": [{"x": 1, "y": "a"}] * 3,
    }
)

_EXPRESSIONS = """
a ^ b
a + 1 ^ b * 2
5 ^ 3
a & b | 3
a << 2
CAST('1' AS float)
'1'::float
CAST('1' AS float4)
CAST('1' AS real)
CAST('1' AS float8)
CAST('1' AS double precision)
CAST('1' AS tinyint unsigned)
CAST('1' AS numeric(10,3))
TRY_CAST(s AS int)
position(s, 'a')
POSITION('a' IN s)
SUBSTRING(s FROM 1 FOR 2)
OVERLAY(s PLACING 'x' FROM 1 FOR 1)
TRIM(BOTH 'a' FROM s)
EXTRACT(epoch FROM ts)
date_part('year', ts)
ts AT TIME ZONE 'Europe/Paris'
[1, 2, 3][2]
l[1:2]
a = ANY(l)
st['x']
{'x': 1, 'y': 2}
struct(1, 2)
MAP(['a'], [1])
a IS DISTINCT FROM b
a NOT IN (1, 2)
s NOT LIKE 'a%'
s SIMILAR TO 'a|b'
a % b * 2
- a + b
-2::int
NOT a = b
a - (b - 1)
CASE a WHEN 1 THEN 'x' ELSE 'y' END
count(a) FILTER (WHERE b > 1)
array_agg(a ORDER BY b DESC NULLS LAST)
approx_percentile_cont(0.5) WITHIN GROUP (ORDER BY f DESC)
lag(a) IGNORE NULLS OVER (ORDER BY b)
sum(a) OVER (ORDER BY b GROUPS BETWEEN 1 PRECEDING AND 1 FOLLOWING)
rank() OVER (PARTITION BY a ORDER BY b DESC NULLS LAST)
1 AS "Quoted Name"
""".strip().split("\n")


@pytest.fixture(scope="module")
def engine() -> datafusion.SessionContext:
    context = datafusion.SessionContext()
    context.register_record_batches("q", [_TABLE.to_batches()])
    return context


@pytest.mark.parametrize("expression", _EXPRESSIONS)
def test_the_text_of_a_tree_is_planned_as_its_own_text(
    expression: str, engine: datafusion.SessionContext
) -> None:
    sql = f"SELECT {expression} FROM q"
    want, got = (
        engine.sql(text).logical_plan().display_indent_schema()
        for text in (sql, text_of(tree_of(sql)))
    )
    assert got == want


def test_a_map_in_braces_is_not_read_as_a_structure() -> None:
    with pytest.raises(NotReadError):
        tree_of("SELECT MAP {'a': 1}")
