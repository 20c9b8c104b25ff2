"""Texts of Parquet files, which the engine reads as views: the same rows and types as plain."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.parquet as pq
import pytest

from connectors import registry
from connectors.memory import MemoryConnector
from planner.catalog import Source
from planner.plan import SqlResidual
from tests.placements import Placement

# Views hold the first four bytes, and up to twelve; others are elsewhere.
TEXTS = [
    "",
    "a",
    "abcd",
    "abcdefghijkl",
    "abcdefghijklm",
    "abcdefghijklmn",
    None,
    "ä",
    "\U0001f600é",
]
ROWS = 180 * len(TEXTS)
WORDS = pa.table(
    {
        "id": range(ROWS),
        "t": pa.array(TEXTS * 180, pa.string()),
        "u": pa.array(TEXTS[3:] * 270, pa.string()),
        "f": pa.array([float(n % 5) for n in range(ROWS)]),
        "b": pa.array([None if t is None else t.encode() for t in TEXTS] * 180, pa.binary()),
    }
)
OTHERS = pa.table({"k": range(9), "t": pa.array(TEXTS, pa.string())})

STATEMENTS = (
    "SELECT * FROM words",
    "SELECT t, count(*) AS n, min(u) AS least, max(u) AS most FROM words GROUP BY t",
    "SELECT count(DISTINCT t) AS n, count(u) AS m, approx_distinct(t) AS about FROM words",
    "SELECT t, u, grouping(t) AS g, count(*) AS n FROM words GROUP BY ROLLUP (t, u)",
    "SELECT id FROM words WHERE t = 'abcdefghijklm' OR u <> t",
    "SELECT id FROM words WHERE t < 'abcdefghijklm' AND u >= 'abcdefghijklm'",
    "SELECT id FROM words WHERE t IN ('', 'ä', 'abcdefghijklmn', 'x', 'y') OR u NOT IN ('ä', '')",
    "SELECT id FROM words WHERE t LIKE 'abcd%l_' OR u ILIKE 'Ä' OR t NOT LIKE '%\\_%'",
    "SELECT id FROM words WHERE t ~ '^abc.*m$' OR starts_with(u, 'abcdefghijklmn')",
    "SELECT id FROM words WHERE t IS NOT DISTINCT FROM u OR t IS NULL",
    "SELECT upper(t) AS a, substr(u, 3) AS b, t || u AS c, concat(t, 1) AS d FROM words",
    "SELECT coalesce(t, u) AS a, nullif(t, u) AS b, CASE WHEN t = 'ä' THEN u END AS c FROM words",
    "SELECT CASE t WHEN 'ä' THEN 1 WHEN '' THEN 2 ELSE 3 END AS a, greatest(t, u) AS g FROM words",
    "SELECT arrow_typeof(t) AS a, arrow_typeof(max(t)) AS b FROM words GROUP BY t",
    "SELECT try_cast(t AS int) AS a, t::varchar AS b, f::varchar AS c, b FROM words WHERE t <> 'a'",
    "SELECT array_agg(t ORDER BY id) AS a, string_agg(u, ',' ORDER BY id) AS b FROM words",
    "SELECT [t, u] AS a, struct(t, id) AS b FROM words WHERE u = 'ä'",
    "SELECT first_value(t ORDER BY id) AS a, min(t) FILTER (WHERE u > 'a') AS b FROM words",
    "SELECT t, row_number() OVER (PARTITION BY u ORDER BY t, id) AS n FROM words",
    "SELECT lag(t) OVER (ORDER BY id) AS a, max(t) OVER (ORDER BY id) AS b FROM words",
    "SELECT id, t FROM words WHERE u > 'a' ORDER BY t DESC NULLS LAST, id LIMIT 5",
    "SELECT t FROM words UNION SELECT t FROM memory.others",
    "SELECT t FROM words EXCEPT SELECT t FROM others WHERE k > 3",
    "SELECT t FROM others INTERSECT SELECT u FROM words",
    "SELECT w.id, o.k, o.t FROM words w JOIN others o ON w.t = o.t WHERE w.u > o.t",
    "SELECT w.id, o.k, w.t FROM words w LEFT JOIN memory.others o ON w.t = o.t AND o.k > 4",
    "SELECT o.t, count(*) AS n FROM memory.others o JOIN words w ON w.u = o.t GROUP BY o.t",
    "SELECT id FROM words WHERE t IN (SELECT t FROM memory.others WHERE k < 6)",
    "SELECT id FROM words WHERE t NOT IN (SELECT t FROM others WHERE k < 6)",
    "SELECT id FROM words WHERE t = (SELECT max(t) FROM others WHERE t LIKE 'abc%')",
    "SELECT k, (SELECT max(u) FROM words w WHERE w.t = o.t) AS m FROM others o",
    "SELECT n, count(*) AS c FROM (SELECT t, count(*) AS n FROM words GROUP BY t) GROUP BY n",
    "SELECT a.t FROM words a JOIN words b ON a.id = b.id AND a.u = b.u WHERE b.t = 'abcdefghijklm'",
    "SELECT md5(t) AS a, length(u) AS b, regexp_replace(t, 'b', 'x') AS c FROM words",
    "SELECT id FROM words WHERE t BETWEEN 'abcd' AND 'abcdefghijklm'",
)

UNCUT = "WITH RECURSIVE r AS (SELECT 1 AS one UNION ALL SELECT one + 1 FROM r WHERE one < 2) "


@pytest.fixture(scope="module")
def placement(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Placement]:
    folder = tmp_path_factory.mktemp("texts")
    for kind in ("parquet", "arrow"):
        (folder / kind).mkdir()
    for name, table in {"words": WORDS, "others": OTHERS}.items():
        pq.write_table(table, folder / "parquet" / f"{name}.parquet", row_group_size=ROWS // 2)
        feather.write_feather(table, folder / "arrow" / f"{name}.arrow")
    sources = [Source("memory", MemoryConnector("memory", {"others": OTHERS}))]
    for kind in ("parquet", "arrow"):
        files = registry.create("files", kind, {"root": str(folder / kind)})
        sources.append(Source(kind, files))
    with Placement.opened(sources) as placement:
        yield placement


def _over(sql: str, kind: str) -> str:
    return sql.replace(" words", f" {kind}.words").replace(" others", f" {kind}.others")


def _rows(table: pa.Table) -> list[str]:
    return sorted(map(str, table.to_pylist()))


def test_texts_of_files_are_views_at_all(placement: Placement) -> None:
    (words,) = placement.plan(_over(STATEMENTS[1], "parquet")).natives
    assert words.views == {"t", "u"}


@pytest.mark.parametrize("sql", STATEMENTS)
def test_an_answer_is_what_it_is_of_plain_texts(sql: str, placement: Placement) -> None:
    found = placement.query(_over(sql, "parquet"))
    expected = placement.query(_over(sql, "arrow"))
    assert found.schema == expected.schema
    assert _rows(found) == _rows(expected)
    assert found.num_rows


@pytest.mark.parametrize("sql", [s for s in STATEMENTS[1:] if s.endswith(" words")])
def test_a_statement_that_is_not_cut_has_plain_texts(sql: str, placement: Placement) -> None:
    uncut = UNCUT + sql.replace(" FROM words", " FROM r, words")
    plan = placement.plan(_over(uncut, "parquet"))
    assert isinstance(plan.residual, SqlResidual)
    found = placement.run(plan)
    expected = placement.query(_over(uncut, "arrow"))
    assert found.schema == expected.schema
    assert _rows(found) == _rows(expected)
