"""Statements in other dialects: the rows of the same question in the engine's own SQL, run."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from decimal import Decimal

import pyarrow as pa
import pytest

from connectors.errors import (
    CrosswindError,
    InvalidValueError,
    Position,
    SqlSyntaxError,
    UnknownNameError,
    UnsupportedError,
)
from connectors.memory import MemoryConnector
from flight_server.service import SqlPlanning
from flight_server.session_options import SessionOptions
from planner.catalog import Source
from planner.client_dialect import DIALECTS, dialect_named, translate
from tests.placements import Placement

DAYS = [datetime.date(2024, 1, 31), datetime.date(2024, 2, 29), None, datetime.date(2025, 12, 28)]
MOMENTS = [
    datetime.datetime(2024, 1, 31, 23, 59, 59),
    datetime.datetime(2024, 2, 1, 0, 0, 1),
    None,
    datetime.datetime(2025, 12, 28, 12, 30),
]
TABLE = pa.table(
    {
        "a": pa.array([7, 2, None, -7], pa.int32()),
        "b": pa.array([2, 0, 3, 2], pa.int64()),
        "f": pa.array([1.5, None, -0.5, 2.5]),
        "m": pa.array([Decimal("1.25"), Decimal("-3.1"), None, Decimal(0)], pa.decimal128(9, 2)),
        "s": ["Ant", "bee", None, "a,b"],
        "d": pa.array(DAYS, pa.date32()),
        "t": pa.array(MOMENTS, pa.timestamp("us")),
        "k": ["x", "y", "x", "y"],
    }
)  # fmt: skip


LISTS = pa.table(
    {
        "id": pa.array([1, 2, 3, 4], pa.int64()),
        "l": pa.array([[1, 2], [], None, [4]], pa.list_(pa.int64())),
    }
)


@pytest.fixture(scope="module")
def placement() -> Iterator[Placement]:
    memory = MemoryConnector("shop", {"items": TABLE, "lists": LISTS})
    with Placement.opened([Source("shop", memory)]) as placement:
        yield placement


def answer(placement: Placement, sql: str, dialect: str | None) -> pa.Table:
    planned = SqlPlanning().plan(sql, placement.catalog, SessionOptions(dialect=dialect))
    return placement.run(planned.plan)


CASES: dict[str, list[tuple[str, str]]] = {
    "snowflake": [
        ("select iff(a > 1, 'x', 'y') r, nvl(a, 0) n from items order by a",
         "select case when a > 1 then 'x' else 'y' end r, coalesce(a, 0) n from items order by a"),
        ("SELECT A, B FROM ITEMS ORDER BY A DESC, B", "select a, b from items order by a desc, b"),
        ('SELECT "A" FROM SHOP."ITEMS" ORDER BY 1', "select a from items order by 1"),
        ("select k, a from items qualify row_number() over (partition by k order by b desc, a) = 1"
         " order by k",
         "select k, a from (select k, a, row_number() over (partition by k order by b desc, a) n"
         " from items) where n = 1 order by k"),
        ("select b, a::int / 2 q from items order by b, a",
         "select b, cast(a as double) / 2 q from items order by b, a"),
        ("select dateadd(day, 1, d) x, dateadd(month, b, d) y from items where b = 2 order by d",
         "select d + interval '1' day x, d + interval '2' month y from items where b = 2"
         " order by d"),
        ("select datediff(month, d, '2025-01-01'::date) m, datediff(year, d, t) y,"
         " datediff(day, d, t) n from items order by d",
         "select (2025 * 12 + 1) - (date_part('year', d)::bigint * 12 + date_part('month', d)) m,"
         " (date_part('year', t) - date_part('year', d))::bigint y, cast(t as date) - d n"
         " from items order by d"),
        ("select datediff(hour, t, dateadd(second, 1, t)) h from items order by t",
         "select case when t is null then null when date_part('second', t) = 59 then 1 else 0 end"
         "::bigint h from items order by t"),
        ("select listagg(s, ';') within group (order by s desc) l from items",
         "select string_agg(s, ';' order by s desc) l from items"),
        ("select to_char(d, 'YYYY-MM') c, to_varchar(a) v from items order by d",
         "select to_char(d, '%Y-%m') c, a::varchar v from items order by d"),
        ("select zeroifnull(a) z, nullif(b, 0) n, div0(a, b) q from items where b = 0",
         "select coalesce(a, 0) z, nullif(b, 0) n, 0.0::double q from items where b = 0"),
        ("select try_cast(s as int) c, last_day(d) l from items order by d",
         "select cast(null as bigint) c, cast(date_trunc('month', d) + interval '1 month'"
         " - interval '1 day' as date) l from items order by d"),
        ("select max_by(a, b) m, min_by(s, a) n from items",
         "select cast(null as int) m, 'a,b' n"),
        ("select s ilike 'A%' i, charindex('e', s) p, substr(s, 1, 2) u from items order by s",
         "select s ilike 'A%' i, strpos(s, 'e') p, substr(s, 1, 2) u from items order by s"),
        ("select count_if(a > 1) c, count_if(a > 100) z from items",
         "select count(*) filter (where a > 1) c, count(*) filter (where a > 100) z from items"),
        ("select date_trunc('month', d)::date m from items order by 1",
         "select date_trunc('month', d)::date m from items order by 1"),
    ],
    "bigquery": [
        ("select `a`, ifnull(a, 1) i, safe_cast(s as int64) c from `items` order by a",
         "select a, coalesce(a, 1) i, try_cast(s as bigint) c from items order by a nulls first"),
        ("select a / b q from items where b <> 0 order by a desc",
         "select cast(a as double) / b q from items where b <> 0 order by a desc nulls last"),
        ("select countif(a > 1) c, logical_or(a > 5) o, logical_and(a > 5) n from items",
         "select count(*) filter (where a > 1) c, bool_or(a > 5) o, bool_and(a > 5) n from items"),
        ("select date_add(d, interval 1 month) x, date_diff(d, date '2024-01-01', day) n,"
         " date_trunc(d, month) m from items order by d desc",
         "select d + interval '1' month x, d - date '2024-01-01' n, date_trunc('month', d)::date m"
         " from items order by d desc nulls last"),
        ("select date_diff(date '2025-12-28', date '2025-12-27', week) w,"
         " date_diff(date '2025-12-29', date '2025-12-28', week) v,"
         " date_diff(date '2025-12-29', date '2025-12-28', isoweek) i",
         "select 1::bigint w, 0::bigint v, 1::bigint i"),
        ("select format_date('%Y/%m', d) f, extract(year from d) y from items order by d desc",
         "select to_char(d, '%Y/%m') f, date_part('year', d) y from items"
         " order by d desc nulls last"),
        ("select safe_divide(a, b) q from items where b = 0", "select cast(null as double) q"),
        ("select split('a,b', ',')[offset(0)] x, array_length([1, 2, 3]) n",
         "select 'a' x, 3::bigint unsigned n"),
        ("select string_agg(s, ';' order by s) l, \"text\" q from items",
         "select string_agg(s, ';' order by s nulls first) l, 'text' q from items"),
        ("select * except (f, m, t, d) from items order by a limit 1",
         "select a, b, s, k from items order by a nulls first limit 1"),
    ],
    "mysql": [
        ("select `a`, ifnull(a, 1) i, if(a > 1, 'x', 'y') c from items order by a",
         "select a, coalesce(a, 1) i, case when a > 1 then 'x' else 'y' end c from items"
         " order by a nulls first"),
        ("select a / b q, a div 2 i from items order by a",
         "select cast(a as double) / nullif(b, 0) q, cast(a / 2 as bigint) i from items"
         " order by a nulls first"),
        ("select concat(s, '-', k) c, concat_ws('-', s, k) w from items order by s",
         "select s || '-' || k c, concat_ws('-', s, k) w from items order by s nulls first"),
        ("select s from items where a > 1 || b > 2 order by s",
         "select s from items where a > 1 or b > 2 order by s nulls first"),
        ("select date_add(d, interval 1 day) x, date_format(d, '%Y-%m') f, datediff(t, d) n"
         " from items order by d",
         "select d + interval '1' day x, to_char(d, '%Y-%m') f, cast(t as date) - d n"
         " from items order by d nulls first"),
        ("select group_concat(s order by s separator ';') g, \"text\" q from items",
         "select string_agg(s, ';' order by s nulls first) g, 'text' q from items"),
        ("select k, sum(a) n from items group by k with rollup order by k",
         "select k, sum(a) n from items group by rollup (k) order by k nulls first"),
        ("select a from items order by a limit 1, 2",
         "select a from items order by a nulls first limit 2 offset 1"),
        ("select year(d) y, month(d) m, char_length(s) l from items order by d",
         "select date_part('year', d) y, date_part('month', d) m, character_length(s) l"
         " from items order by d nulls first"),
        ("select length('é') n, char_length('é') c, greatest(a, b) g, least(f, 1) l from items"
         " order by a",
         "select octet_length('é') n, character_length('é') c,"
         " case when a is not null then greatest(a, b) end g,"
         " case when f is not null then least(f, 1) end l from items order by a nulls first"),
        ("select a <=> null n from items order by a",
         "select a is not distinct from null n from items order by a nulls first"),
    ],
    "tsql": [
        ("select top 2 [a], isnull(a, 0) i, len(s) n from items order by a",
         "select a, coalesce(a, 0) i, length(s) n from items order by a nulls first limit 2"),
        ("select a / 2 q, iif(a > 1, 'x', 'y') c from items order by a desc",
         "select a / 2 q, case when a > 1 then 'x' else 'y' end c from items"
         " order by a desc nulls last"),
        ("select s + '-' + k c from items order by s",
         "select s || '-' || k c from items order by s nulls first"),
        ("select dateadd(day, 1, d) x, datediff(month, d, t) m, eomonth(d) e, charindex('e', s) p"
         " from items order by d",
         "select d + interval '1' day x, ((date_part('year', t) * 12 + date_part('month', t))"
         " - (date_part('year', d) * 12 + date_part('month', d)))::bigint m,"
         " cast(date_trunc('month', d) + interval '1 month' - interval '1 day' as date) e,"
         " strpos(s, 'e') p from items order by d nulls first"),
        ("select datediff(week, '2025-12-27', '2025-12-28') w", "select 1::bigint w"),
        ("select try_convert(int, s) c, convert(varchar(10), a) v from items order by a",
         "select try_cast(s as int) c, a::varchar v from items order by a nulls first"),
        ("select string_agg(s, ';') within group (order by s) l from items",
         "select string_agg(s, ';' order by s nulls first) l from items"),
        ("select a from items order by a offset 1 rows fetch next 2 rows only",
         "select a from items order by a nulls first limit 2 offset 1"),
    ],
    "spark": [
        ("select `a`, nvl(a, 1) n, a / 2 q, a div 2 i from items order by a",
         "select a, coalesce(a, 1) n, cast(a as double) / 2 q, cast(a / 2 as bigint) i from items"
         " order by a nulls first"),
        ("select date_add(d, 1) x, datediff(t, d) n, date_format(d, 'yyyy-MM') f from items"
         " order by d desc",
         "select d + interval '1' day x, cast(t as date) - d n, to_char(d, '%Y-%m') f from items"
         " order by d desc nulls last"),
        ("select size(array(1, 2)) n, \"text\" q, array(1, 2)[0] e",
         "select 2::bigint unsigned n, 'text' q, 1::bigint e"),
        ("select k, count_if(a > 1) c from items group by k order by k",
         "select k, count(*) filter (where a > 1) c from items group by k order by k"),
        ("select * from items left semi join (select 2 as z) y on items.b = y.z order by a",
         "select * from items where b = 2 order by a nulls first"),
    ],
    "duckdb": [
        ("select a // 2 i, a / 2 q from items order by a desc",
         "select cast(a / 2 as bigint) i, cast(a as double) / 2 q from items"
         " order by a desc nulls last"),
        ("from items select k, count(*) n group by all order by all",
         "select k, count(*) n from items group by k order by k, n"),
        ("select strftime(d, '%Y') y, date_diff('month', d, t) m from items order by d",
         "select to_char(d, '%Y') y, ((date_part('year', t) * 12 + date_part('month', t))"
         " - (date_part('year', d) * 12 + date_part('month', d)))::bigint m from items order by d"),
        ("select list_value(1, 2)[1] e, len([1, 2]) n", "select 1::bigint e, 2::bigint unsigned n"),
        ("select a from items qualify row_number() over (order by a) = 1", "select -7::int a"),
        ("select * exclude (f, m, t, d) from items order by a limit 1",
         "select a, b, s, k from items order by a limit 1"),
        ("select arg_max(s, a) x, s ilike 'ANT' y from items group by s order by s",
         "select s x, s ilike 'ANT' y from items order by s"),
    ],
    "postgres": [
        ("select a::text c, a / 2 q, d + interval '1 day' x from items order by a desc",
         "select a::varchar c, a / 2 q, d::timestamp + interval '1 day' x from items"
         " order by a desc"),
        ("select to_char(d, 'YYYY-MM') c, string_agg(s, ';' order by s) l from items group by d"
         " order by d",
         "select to_char(d, '%Y-%m') c, string_agg(s, ';' order by s) l from items group by d"
         " order by d"),
        ("select distinct on (k) k, a from items order by k, a",
         "select distinct on (k) k, a from items order by k, a"),
        ("select 2 ^ 3 p, s ~ 'b' r, s || k c from items order by s",
         "select power(2, 3) p, s ~ 'b' r, s || k c from items order by s"),
    ],
    "sqlite": [
        ("select ifnull(a, 1) i, a / 2 q, a || '' c, substr(s, 1, 2) u from items order by a",
         "select coalesce(a, 1) i, a / 2 q, a::varchar || '' c, substr(s, 1, 2) u from items"
         " order by a nulls first"),
        ("select a / b q from items where b = 0", "select cast(null as bigint) q"),
        ("select s from items where s like 'A%' order by s",
         "select s from items where s ilike 'a%' order by s"),
    ],
    "trino": [
        ("select try_cast(s as bigint) c, date_diff('day', d, cast(t as date)) n, a / 2 q"
         " from items order by a",
         "select try_cast(s as bigint) c, cast(t as date) - d n, a / 2 q from items order by a"),
        ("select approx_distinct(k) n, element_at(array[1, 2], 1) e from items",
         "select approx_distinct(k) n, 1::bigint e from items"),
        ("select max_by(s, a) x, count_if(a > 1) c from items",
         "select 'Ant' x, 2::bigint c"),
    ],
    "redshift": [
        ("select nvl(a, 1) n, a / 2 q, listagg(s, ';') within group (order by s) l from items"
         " group by a order by a",
         "select coalesce(a, 1) n, a / 2 q, string_agg(s, ';' order by s) l from items"
         " group by a order by a"),
        ("select dateadd(day, 1, t) x, datediff(month, d, t) m from items order by d",
         "select t + interval '1' day x, ((date_part('year', t) * 12 + date_part('month', t))"
         " - (date_part('year', d) * 12 + date_part('month', d)))::bigint m from items order by d"),
    ],
}  # fmt: skip


@pytest.mark.parametrize(
    ("dialect", "sql", "engine_sql"),
    [(dialect, *case) for dialect, cases in CASES.items() for case in cases],
)
def test_the_answer_is_that_of_the_engines_own_sql(
    placement: Placement, dialect: str, sql: str, engine_sql: str
) -> None:
    got = answer(placement, sql, dialect)
    want = answer(placement, engine_sql, None)
    assert got.column_names == want.column_names, translate(sql, dialect).statement.sql
    assert got.to_pylist() == want.to_pylist(), translate(sql, dialect).statement.sql


STATEMENTS: list[tuple[str, str, list[tuple[object, ...]]]] = [
    # what has no short form in the engine's own SQL, over the table `lists` and `items`
    ("spark", "select id, y from lists lateral view explode(l) x as y order by id, y",
     [(1, 1), (1, 2), (4, 4)]),
    ("spark", "select x.y + 1 as z from lists lateral view explode(l) x as y order by 1",
     [(2,), (3,), (5,)]),
    ("bigquery", "select id, x from lists, unnest(l) as x order by id, x",
     [(1, 1), (1, 2), (4, 4)]),
    ("trino", "select a.id, u.x from lists a cross join unnest(a.l) as u(x) order by 1, 2",
     [(1, 1), (1, 2), (4, 4)]),
    ("oracle", "select id from lists where rownum <= 2 and id > 1", [(2,), (3,)]),
    ("oracle", "select 1 as one from dual", [(1,)]),
    ("tsql", "select id, x.v from lists cross apply (select id * 2 as v) as x where id = 4",
     [(4, 8)]),
    ("tsql", "select convert(varchar(8), d, 112) v from items where a = 7", [("20240131",)]),
    ("tsql", "select convert(date, '07/01/2024', 103) v", [(datetime.date(2024, 1, 7),)]),
    ("tsql", "select avg(a) v from items", [(0,)]),
    ("redshift", "select avg(a) v from items", [(0,)]),
    ("mysql", "select sum(a > 1) v from items", [(2,)]),
    ("mysql", "select a from items where a order by a", [(-7,), (2,), (7,)]),
    ("snowflake", "select listagg(s, ',') within group (order by s) v from items where a > 99",
     [("",)]),
    ("snowflake", "select array_agg(a) within group (order by b desc, a) v from items",
     [([-7, 7, 2],)]),
    ("spark", "select collect_list(a) v from items where a > 99", [([],)]),
    ("snowflake", 'select s as "UP" from items where a = 7 order by "UP"', [("Ant",)]),
    ("snowflake", 'select "UP" from (select s as "UP" from items) where "UP" = \'Ant\'',
     [("Ant",)]),
    ("snowflake", "select a * 2 as x, x + 1 as y from items where a = 7", [(14, 15)]),
    ("redshift", "select a * 2 as x, x + 1 as y from items where a = 7", [(14, 15)]),
    ("clickhouse", "select a from items prewhere a > 1 where b = 0", [(2,)]),
    ("clickhouse", "select countIf(a > 1) c, sumIf(a, a > 1) s from items", [(2, 9)]),
    ("databricks", "select a from items left anti join (select 2 as z) y on items.a = y.z"
     " where a is not null order by a", [(-7,), (7,)]),
    ("postgres", "select g from generate_series(1, 2) g", [(1,), (2,)]),
    ("spark", "select percentile(b, 0.5) v from items", [(2.0,)]),
    ("tsql", "select count(*) c from items where s like '[bz]%'", [(1,)]),
    ("tsql", "select avg(b), sum(cast(b as bigint)) from items", [(1, 7)]),
    ("tsql", "with x(v) as (select 1 union all select v + 1 from x where v < 3) select * from x"
     " order by v", [(1,), (2,), (3,)]),
    ("snowflake", "with items as (select a from items) select a from items where a > 2", [(7,)]),
    ("snowflake", "select ceil(m, 1) v from items where m > 0", [(Decimal("1.3"),)]),
    ("bigquery", "select cast(m as string) v from items order by m desc limit 3",
     [("1.25",), ("0",), ("-3.1",)]),
]  # fmt: skip


@pytest.mark.parametrize(("dialect", "sql", "rows"), STATEMENTS)
def test_a_statement_has_the_rows_of_its_dialect(
    placement: Placement, dialect: str, sql: str, rows: list[tuple[object, ...]]
) -> None:
    got = answer(placement, sql, dialect)
    assert [tuple(row.values()) for row in got.to_pylist()] == rows


@pytest.mark.parametrize(
    ("dialect", "sql", "names"),
    [
        ("snowflake", "SELECT COUNT(*), SUBSTR(s, -2), a FROM items GROUP BY 2, 3",
         ["COUNT(*)", "SUBSTR(s, -2)", "a"]),
        ("mysql", "select  a  div  2, b as x from items", ["a div 2", "x"]),
        ("duckdb", "from items select a // 2", ["a // 2"]),
        ("bigquery", "select 1, 1", ["Int64(1)", "Int64(1)"]),
    ],
)  # fmt: skip
def test_an_output_without_a_name_has_the_clients_text(
    placement: Placement, dialect: str, sql: str, names: list[str]
) -> None:
    assert answer(placement, sql, dialect).column_names == names


def test_every_dialect_answers_plain_sql(placement: Placement) -> None:
    sql = "select k, count(*) as n, max(b) as m from items where b > 0 group by k order by k"
    want = answer(placement, sql, None).to_pylist()
    for dialect in DIALECTS:
        assert answer(placement, sql, dialect).to_pylist() == want, dialect


@pytest.mark.parametrize(
    ("dialect", "ascending", "descending"),
    [
        ("snowflake", [-7, 2, 7, None], [None, 7, 2, -7]),
        ("postgres", [-7, 2, 7, None], [None, 7, 2, -7]),
        ("bigquery", [None, -7, 2, 7], [7, 2, -7, None]),
        ("mysql", [None, -7, 2, 7], [7, 2, -7, None]),
        ("tsql", [None, -7, 2, 7], [7, 2, -7, None]),
        ("spark", [None, -7, 2, 7], [7, 2, -7, None]),
        ("sqlite", [None, -7, 2, 7], [7, 2, -7, None]),
        ("duckdb", [-7, 2, 7, None], [7, 2, -7, None]),
        ("trino", [-7, 2, 7, None], [7, 2, -7, None]),
        ("redshift", [-7, 2, 7, None], [None, 7, 2, -7]),
    ],
)
def test_nulls_stand_where_the_dialect_puts_them(
    placement: Placement, dialect: str, ascending: list[int], descending: list[int]
) -> None:
    up = answer(placement, "select a from items order by a", dialect)
    down = answer(placement, "select a from items order by a desc", dialect)
    assert up["a"].to_pylist() == ascending
    assert down["a"].to_pylist() == descending


@pytest.mark.parametrize(
    ("dialect", "quotient"),
    [
        ("postgres", 3), ("tsql", 3), ("sqlite", 3), ("trino", 3), ("redshift", 3), ("presto", 3),
        ("snowflake", 3.5), ("bigquery", 3.5), ("mysql", 3.5), ("spark", 3.5), ("duckdb", 3.5),
        ("databricks", 3.5), ("oracle", 3.5),
    ],
)  # fmt: skip
def test_integers_divide_as_the_dialect_divides(
    placement: Placement, dialect: str, quotient: float
) -> None:
    got = answer(placement, "select a / b as q from items where a = 7", dialect)
    assert got["q"].to_pylist() == [quotient]


@pytest.mark.parametrize(
    ("dialect", "sql", "line", "column", "word"),
    [
        ("tsql", "select a\ninto x\nfrom items", 2, 6, "SELECT INTO"),
        ("tsql", "select top 5 percent a from items", 1, 12, "PERCENT"),
        ("snowflake", "select a,\n  s:b.c from items", 2, 3, "JSON"),
        ("snowflake", "select * from items pivot(sum(a) for k in ('x'))", 1, 27, "PIVOT"),
        ("snowflake", "select datediff(decade, d, t) from items", 1, 8, "DECADE"),
        ("snowflake", "select f.value from items, lateral flatten(input => s) f", 1, 53, "name"),
        ("duckdb", "select a from items using sample 10%", 1, 34, "sample"),
        ("tsql", "select a, stuff(s, 1, 1, 'x') from items", 1, 11, "stuff"),
        ("spark", "select months_between(d, t) from items", 1, 8, "months_between"),
        ("tsql", "select datepart(week, d) from items", 1, 23, "week"),
        ("bigquery", "select date_trunc(d, week(tuesday)) from items", 1, 8, "Tuesday"),
        ("mysql", "select a from items for update", 1, 21, "lock"),
    ],
)
def test_what_has_no_equal_is_refused_at_its_place(
    placement: Placement, dialect: str, sql: str, line: int, column: int, word: str
) -> None:
    with pytest.raises(UnsupportedError) as refused:
        answer(placement, sql, dialect)
    assert word in refused.value.message
    assert refused.value.position == Position(line, column)


@pytest.mark.parametrize(
    ("dialect", "sql", "line", "column"),
    [
        ("mysql", "select a from items where", 1, 21),
        ("snowflake", "select a from\n items where (a > 1", 2, 19),
        ("bigquery", "select 'abc", 1, 12),
        ("tsql", "select [abc", 1, 12),
    ],
)
def test_a_wrong_text_is_refused_at_its_place(
    dialect: str, sql: str, line: int, column: int
) -> None:
    with pytest.raises(SqlSyntaxError) as refused:
        translate(sql, dialect)
    assert refused.value.position == Position(line, column)


@pytest.mark.parametrize(
    ("dialect", "sql", "line", "column"),
    [
        ("mysql", "select\n  `aa` from items", 2, 3),
        ("snowflake", "select iff(a > 1, 1, 2),\n AA from items", 2, 2),
        ("tsql", "select top 1 a from [itens]", 1, 21),
    ],
)
def test_an_unknown_name_is_reported_where_the_client_wrote_it(
    placement: Placement, dialect: str, sql: str, line: int, column: int
) -> None:
    with pytest.raises(UnknownNameError) as refused:
        answer(placement, sql, dialect)
    assert refused.value.position == Position(line, column)


@pytest.mark.parametrize("sql", ["insert into items values (1)", "drop table items", "set a = 1"])
@pytest.mark.parametrize("dialect", sorted(DIALECTS))
def test_what_is_no_query_is_refused_in_every_dialect(dialect: str, sql: str) -> None:
    with pytest.raises(UnsupportedError):
        translate(sql, dialect)


@pytest.mark.parametrize(
    ("dialect", "sql", "code", "word"),
    [
        ("snowflake", "select a / b from items", "function.translated", "double"),
        ("snowflake", "select f::int from items", "function.translated", "rounds"),
        ("mysql", "select a from items where s = 'x'", "dialect.best_effort", "case"),
        ("tsql", "select [A] from items", "dialect.best_effort", "upper-case"),
        ("oracle", "select '' from items", "dialect.best_effort", "NULL"),
        ("spark", "select s rlike 'a' from items", "function.translated", "Rust"),
        ("trino", "select date_diff('month', t, t) from items", "function.translated", "month"),
        ("bigquery", "select btrim(s) from items", "dialect.best_effort", "btrim"),
        ("postgres", "select 2147483647 + 1 from items", "function.translated", "32 bits"),
        (
            "postgres",
            "select percentile_cont(0.9) within group (order by m) from items",
            "function.translated",
            "percentile",
        ),
        ("spark", "select cast(a as tinyint) from items", "function.translated", "NULL"),
    ],
)
def test_a_difference_that_stays_is_a_warning(dialect: str, sql: str, code: str, word: str) -> None:
    notes = translate(sql, dialect).notes
    assert [note for note in notes if note.code == code and word in note.message], notes


def test_what_is_the_same_is_no_warning() -> None:
    for dialect in DIALECTS:
        assert translate("select a, sum(b) as n from t group by a", dialect).notes == ()


def test_text_of_a_client_stays_text(placement: Placement) -> None:
    """Nothing of a literal becomes SQL: quotes, units and amounts are written or refused."""
    for dialect, sql in [
        ("mysql", r"select 'it\'s; -- /* \"' as v"),
        ("bigquery", r"""select "it's; -- /* \"" as v"""),
        ("snowflake", r"select 'it''s; -- /* \"' as v"),
    ]:
        assert answer(placement, sql, dialect)["v"].to_pylist() == ["it's; -- /* \""]
    for sql in (
        "select dateadd('day'' , 1', 1, d) from items",
        "select datediff('a''b', d, t) from items",
    ):
        with pytest.raises(CrosswindError):
            answer(placement, sql, "snowflake")
    tricky = "select dateadd(day, '1'' DAY'' --', d) as v from items"
    with pytest.raises(CrosswindError):
        answer(placement, tricky, "snowflake")


def test_explain_works_in_every_dialect() -> None:
    for dialect in DIALECTS:
        statement = translate("EXPLAIN (ANALYZE, FORMAT json) SELECT 1 AS a", dialect).statement
        assert (statement.mode, statement.form) == ("analyze", "json"), dialect


def test_a_dialect_has_other_names_and_a_wrong_one_has_a_nearest() -> None:
    assert dialect_named("PostgreSQL") == "postgres"
    assert dialect_named("sqlserver") == "tsql"
    assert dialect_named("datafusion") is None
    with pytest.raises(InvalidValueError, match="snowflake"):
        dialect_named("snoflake")
