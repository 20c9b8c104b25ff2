"""Small tables with NULLs, repeats and odd names for the statement tests, as SQL of PostgreSQL."""

from __future__ import annotations

NEAR = "near"
"""The schema with copies of the tables that the mixed placement has in Postgres."""

_IN_NEAR = ("people", "nums", "gaps", "many", "floats", "Mixed Case")

STATEMENTS = [
    f"CREATE SCHEMA {NEAR}",
    "CREATE TABLE people (id int NOT NULL, name text, boss int, dept int, pay numeric(10,2))",
    "INSERT INTO people VALUES (1, 'Ann', NULL, 1, 100.00), (2, 'Bob', 1, 1, 80.50),"
    " (3, 'Cid', 1, 2, 80.50), (4, 'Dee', 2, 2, NULL), (5, NULL, 3, NULL, 20.25),"
    " (6, 'Eve', 99, 3, 0.00), (7, 'Ann', 2, 1, 60.00)",
    "CREATE TABLE depts (id int NOT NULL, title text)",
    "INSERT INTO depts VALUES (1, 'Ops'), (2, 'Dev'), (4, 'Art'), (5, NULL)",
    "CREATE TABLE nums (a int, b int)",
    "INSERT INTO nums VALUES (1, 1), (1, 2), (2, NULL), (NULL, 3), (NULL, NULL), (3, 3), (1, 1)",
    "CREATE TABLE gaps (k int)",
    "INSERT INTO gaps VALUES (1), (3), (NULL), (3)",
    "CREATE TABLE solid (k int NOT NULL)",
    "INSERT INTO solid VALUES (1), (3), (3), (8)",
    "CREATE TABLE unknown (k int)",
    "INSERT INTO unknown VALUES (NULL), (NULL)",
    "CREATE TABLE void (k int, s text, x float8)",
    "CREATE TABLE floats (i int NOT NULL, x float8)",
    "INSERT INTO floats VALUES (1, 'NaN'), (2, 1.5), (3, '-0'), (4, 0), (5, NULL), (6, 'inf'),"
    " (7, '-inf'), (8, -2)",
    "CREATE TABLE many AS SELECT i::int8, (i % 7)::int4 AS g, 'row ' || i AS s"
    " FROM generate_series(1, 5000) i",
    'CREATE TABLE "Mixed Case" ("Id" int, "select" int, "a.b" int, "it""s" text, "😀" int,'
    f' "{"x" * 63}" int, "Größe" int, "a b" int, "\'" int)',
    "INSERT INTO \"Mixed Case\" VALUES (1, 2, 3, 'q', 4, 5, 6, 7, 8),"
    " (NULL, 2, 30, 'r', 40, 50, 60, 70, 80)",
    'CREATE TABLE "order" ("Id" int, id int, "ID" int)',
    'INSERT INTO "order" VALUES (1, 10, 100), (2, 20, 200)',
    'CREATE TABLE "semi;colon--" (i int)',
    'INSERT INTO "semi;colon--" VALUES (1)',
]
TABLES = (
    *("people", "depts", "nums", "gaps", "solid", "unknown", "void", "floats", "many"),
    *("Mixed Case", "order", "semi;colon--"),
)
STATEMENTS += [f'CREATE TABLE {NEAR}."{name}" AS TABLE public."{name}"' for name in _IN_NEAR]
STATEMENTS += ["ALTER TABLE near.people ALTER id SET NOT NULL", "ANALYZE"]
STATEMENTS += ["ALTER TABLE near.floats ALTER i SET NOT NULL"]
