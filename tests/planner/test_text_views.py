"""Which texts of files are read as views, and where they become plain."""

from __future__ import annotations

import pyarrow as pa
import pytest

from connectors.contract import TableName
from connectors.memory import MemoryConnector
from planner.bind import bind
from planner.catalog import Catalog, Source
from planner.parse import parse
from planner.plan import NativeRead
from planner.relations import Read, Relation
from planner.residual_text import residual_text
from planner.rewrite import with_reads
from planner.text_views import with_plain_texts, with_views

TABLE = pa.table({"n": [1], "t": ["x"], "u": ["y"]})
CATALOG = Catalog([Source("m", MemoryConnector("m", {"files": TABLE, "stream": TABLE}))])
FILES = NativeRead(
    "files", "m", TableName("main", "files"), TABLE.schema, views=frozenset(("t", "u"))
)

TREES = {
    # A column that is compared only, or grouped, is read as views.
    "SELECT n FROM files WHERE t LIKE 'a%' AND u = 'b'": (
        "t u",
        """\
filter (t LIKE 'a%')
  filter (u = 'b')
    read files""",
    ),
    "SELECT t, count(*), max(u) FROM files WHERE u = 'b' GROUP BY t": (
        "t u",
        """\
project t::string, count, max::string
  aggregate count(1), max(u) by t
    filter (u = 'b')
      read files""",
    ),
    "SELECT t, u, count(*) FROM files GROUP BY ROLLUP (t, u)": (
        "t u",
        """\
project t::string, u::string, count
  aggregate count(1) by t, u in 3 grouping sets
    read files""",
    ),
    "SELECT count(*) FROM (SELECT t, u FROM files GROUP BY t, u)": (
        "t u",
        """\
aggregate count(1)
  aggregate by t, u
    read files""",
    ),
    "SELECT t, count(*) FROM files GROUP BY t ORDER BY upper(t)": (
        "t",
        """\
sort upper(t)
  project t::string, count
    aggregate count(1) by t
      read files""",
    ),
    "SELECT n FROM stream WHERE t > (SELECT max(t) FROM files WHERE u = 'b')": (
        "t u",
        """\
filter (t > (subquery))
  subquery
    project max::string
      aggregate max(t)
        filter (u = 'b')
          read files
  read stream""",
    ),
    # One that is needed as it was bound is plain from the beginning.
    "SELECT t FROM files WHERE t > 'a' OR u IS NULL": (
        "u",
        """\
filter ((t > 'a') OR is_null(u))
  read files""",
    ),
    "SELECT upper(t), array_agg(u) FROM files WHERE t = 'b' GROUP BY upper(t)": (
        "",
        """\
aggregate array_agg(u) by upper(t)
  filter (t = 'b')
    read files""",
    ),
    "SELECT a.n FROM files a JOIN stream b ON a.t = b.t WHERE a.u = 'b'": (
        "u",
        """\
inner join (files.t = stream.t)
  filter (u = 'b')
    read files
  read stream""",
    ),
    "SELECT n FROM files WHERE t = 'b' UNION ALL SELECT n FROM files WHERE upper(t) = 'B'": (
        "",
        """\
union all (2 inputs)
  filter (t = 'b')
    read files
  filter (upper(t) = 'B')
    read files""",
    ),
    "SELECT n, row_number() OVER (ORDER BY u) FROM files WHERE t = 'b'": (
        "t",
        """\
window row_number() over (order by u)
  filter (t = 'b')
    read files""",
    ),
    # A join passes them on.
    "SELECT a.u, sum(b.n) FROM files a JOIN stream b ON a.n = b.n WHERE a.t = 'b' GROUP BY a.u": (
        "t u",
        """\
project u::string, sum
  aggregate sum(n) by u
    inner join (files.n = stream.n)
      filter (t = 'b')
        read files
      read stream""",
    ),
    "SELECT b.n FROM stream b LEFT JOIN files a ON a.n = b.n AND a.u > b.t AND a.t = 'b'": (
        "t",
        """\
left join (stream.n = files.n) AND (u > stream.t)
  read stream
  filter (t = 'b')
    read files""",
    ),
    # So is what is only read, and what is no table of files.
    "SELECT t FROM files ORDER BY t LIMIT 1": (
        "",
        """\
fetch 1
  sort t
    read files""",
    ),
    "SELECT t, count(*) FROM stream GROUP BY t": (
        "",
        """\
aggregate count(1) by t
  read stream""",
    ),
}


@pytest.mark.parametrize("sql", TREES)
def test_columns_that_are_compared_and_grouped_are_views(sql: str) -> None:
    def named(read: Read) -> Relation:
        return Read(read.path[-1:], read.base, read.columns)

    bound = bind(parse(sql), CATALOG)
    assert bound.relation is not None
    tree = with_reads(bound.relation, named)
    natives = with_views([FILES], [tree])
    written = with_plain_texts(tree, natives)
    (read,) = natives
    assert (" ".join(sorted(read.views)), residual_text(written, {})) == TREES[sql]
    assert written.fields == tree.fields
