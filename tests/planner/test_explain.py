"""EXPLAIN in its three forms, planned and run over real sources."""

from __future__ import annotations

import contextlib
import json
import re
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from connectors.errors import SqlSyntaxError, UnsupportedError
from connectors.memory import MemoryConnector
from planner.account import Account
from planner.catalog import Source
from planner.explain import WIDTH, explain_text
from planner.explain_json import VERSION, explain_json
from planner.explain_mermaid import explain_mermaid, label
from planner.explain_options import Form
from planner.options import PlanningOptions
from planner.parse import parse
from planner.plan import Plan
from planner.planning import plan_query
from planner.residual_tree import residual_tree
from tests.placements import Placement
from tests.tpch import QUERIES

JOIN = (
    "SELECT name, sum(pieces) AS sold FROM items JOIN sales ON item = id "
    "WHERE name <> 'x\"]; click' GROUP BY name ORDER BY sold"
)
UNCUT = "SELECT unnest(make_array(1, 2)) AS n, id FROM items"


@pytest.fixture(scope="module")
def placement() -> Iterator[Placement]:
    items = pa.table({"id": pa.array([1, 2, 3], pa.int32()), "name": ["pen", "ink", None]})
    sales = pa.table({"item": pa.array([1, 1, 3], pa.int32()), "pieces": [10, 5, 1]})
    sources = [
        Source("shop", MemoryConnector("shop", {"items": items})),
        Source("lake", MemoryConnector("lake", {"sales": sales})),
    ]
    with Placement.opened(sources) as placement:
        yield placement


def ran(placement: Placement, plan: Plan) -> Account:
    execution = placement.engine.start(plan)
    list(execution.batches())
    return execution.account()


# --- what is asked for ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sql", "mode", "form"),
    [
        ("EXPLAIN SELECT 1", "explain", "text"),
        ("EXPLAIN FORMAT json SELECT 1", "explain", "json"),
        ("EXPLAIN FORMAT 'JSON' SELECT 1", "explain", "json"),
        ("EXPLAIN FORMAT = mermaid SELECT 1", "explain", "mermaid"),
        ("explain analyze verbose format Text select 1", "analyze", "verbose"),
        ("EXPLAIN VERBOSE SELECT 1", "explain", "verbose"),
        ("EXPLAIN (VERBOSE off) SELECT 1", "explain", "text"),
        ("EXPLAIN (VERBOSE) SELECT 1", "explain", "verbose"),
        ("EXPLAIN (ANALYZE, FORMAT JSON) SELECT 1", "analyze", "json"),
        ("EXPLAIN (ANALYZE false, VERBOSE on, FORMAT mermaid) (SELECT 1)", "explain", "mermaid"),
        ("EXPLAIN (FORMAT json)\nWITH x AS (SELECT 1) SELECT * FROM x", "explain", "json"),
        ("EXPLAIN (SELECT 1)", "explain", "text"),
        ("EXPLAIN ((SELECT 1))", "explain", "text"),
        ("EXPLAIN ESTIMATES VERBOSE SELECT 1", "explain", "verbose"),
        ("EXPLAIN (ANALYZE, ESTIMATES, FORMAT json) SELECT 1", "analyze", "json"),
        ("EXPLAIN (ESTIMATES off) SELECT 1", "explain", "text"),
    ],
)
def test_explain_has_its_options(sql: str, mode: str, form: Form) -> None:
    statement = parse(sql)
    assert (statement.mode, statement.form) == (mode, form)
    assert statement.estimates == ("ESTIMATES" in sql and "off" not in sql)


@pytest.mark.parametrize(
    ("sql", "error", "column", "hint"),
    [
        ("EXPLAIN FORMAT jsn SELECT 1", UnsupportedError, 16, "Nearest: json."),
        ("EXPLAIN (ANALYSE) SELECT 1", UnsupportedError, 10, "Nearest: ANALYZE."),
        ("EXPLAIN (ANALYZE maybe) SELECT 1", SqlSyntaxError, 18, "ON"),
        ("EXPLAIN (ANALYZE FORMAT json) SELECT 1", SqlSyntaxError, 18, "ON"),
        ("EXPLAIN (ANALYZE", SqlSyntaxError, 10, ")"),
    ],
)
def test_a_wrong_option_is_refused_at_its_place(
    sql: str, error: type[Any], column: int, hint: str
) -> None:
    with pytest.raises(error) as refused:
        parse(sql)
    assert refused.value.position is not None
    assert refused.value.position.column == column
    assert hint in (refused.value.hint or "")


# --- text -----------------------------------------------------------------------------------------


def test_the_text_fits_a_terminal(placement: Placement) -> None:
    long = ", ".join(str(n) for n in range(300))
    for sql in (JOIN, UNCUT, f"SELECT id FROM items WHERE id IN ({long}) OR name LIKE '%{long}%'"):
        plan = placement.plan(sql)
        for account in (None, ran(placement, plan)):
            longest = max(explain_text(plan, account).splitlines(), key=len)
            assert len(longest) <= WIDTH, longest


@pytest.mark.parametrize("query", QUERIES)
def test_the_text_of_tpch_fits_a_terminal(
    query: str, tpch_placements: dict[str, Placement]
) -> None:
    for where in ("split", "postgres"):
        text = explain_text(tpch_placements[where].plan(QUERIES[query]))
        assert max(map(len, text.splitlines())) <= WIDTH


def test_long_sql_is_broken_between_words_and_never_inside_a_text(
    tpch_placements: dict[str, Placement],
) -> None:
    phrase = "a b c d e f g h " * 12
    sql = f"SELECT count(*) FROM orders WHERE o_comment = '{phrase}' OR o_comment = '{phrase}x'"
    assert phrase in explain_text(tpch_placements["postgres"].plan(sql))


def test_analyze_says_what_each_part_took(placement: Placement) -> None:
    plan = placement.plan(JOIN)
    account = ran(placement, plan)
    text = explain_text(plan, account)
    assert re.search(r"^ran: 1 row in [\d.]+ s, \d+ B; [\d.]+ s of computing here$", text, re.M)
    part = r"  ran: \d rows, [\d.]+ B, [\d.]+ s \(waited [\d.]+ s, first batch [\d.]+ s later, "
    assert len(re.findall(part + r"transfer [\d.]+ s\)", text)) == 2
    assert account.compute_seconds is not None
    assert account.compute_seconds > 0
    for fragment in account.fragments:
        assert fragment.first_batch_seconds is not None
        assert fragment.transfer_seconds is not None
        parts = fragment.wait_seconds + fragment.first_batch_seconds + fragment.transfer_seconds
        assert fragment.transfer_seconds >= 0
        assert parts <= fragment.seconds + 1e-6


SILENT = ("read ", "subquery", "values ")


@pytest.mark.parametrize("query", QUERIES)
def test_each_operator_that_stays_has_a_reason(
    query: str, tpch_placements: dict[str, Placement]
) -> None:
    plan = tpch_placements["split"].plan(QUERIES[query])
    if not plan.fragments:
        assert plan.followed == ()  # what is over files alone can go nowhere
        return
    lines = [line.strip() for line in plan.residual_text.splitlines()]
    operators = {
        "join" if " join " in f" {line} " else line.split()[0]
        for line in lines
        if not line.startswith(SILENT)
    }
    reasons = {kept.operator for kept in (*plan.kept, *plan.followed)}
    over_files = {"filter", "project", "aggregate", "cross"}
    assert operators - reasons <= over_files
    assert not [kept for kept in plan.followed if kept.refused]


def test_a_reason_names_its_tables_and_what_follows_from_it(placement: Placement) -> None:
    text = explain_text(placement.plan(JOIN))
    assert "join over lake, shop: its inputs are at several sources" in text
    assert "aggregate, sort over lake, shop: its input is here" in text
    kept = "SELECT i.name FROM items i JOIN items j ON i.id = j.id WHERE md5(j.name) = 'x'"
    text = explain_text(placement.plan(kept))
    assert "filter over shop (main.items): " in text
    assert "over shop: its input is here" in text


def test_columns_of_one_name_are_told_apart_in_a_join(placement: Placement) -> None:
    sql = "SELECT i.name FROM items i JOIN sales ON item = id JOIN items j ON j.id = i.id"
    text = placement.plan(sql).residual_text
    assert re.search(r"join \((item = f\d\.id|f\d\.id = item)\)", text), text
    assert re.search(r"join \(f\d\.id = f\d\.id\)", text), text


@pytest.fixture(scope="module")
def notes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Placement]:
    path = tmp_path_factory.mktemp("explain") / "notes.db"
    with contextlib.closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE prices (id INTEGER, price DECIMAL(10, 2), name TEXT)")
        database.execute("CREATE VIEW cheap AS SELECT * FROM prices WHERE price < 1")
        database.commit()
    config = {"notes": {"connector": "sqlite", "uri": str(path)}}
    with Placement.of_sources(config) as placement:
        yield placement


def test_the_checks_of_each_value_are_left_out_but_for_verbose(notes: Placement) -> None:
    plan = notes.plan("SELECT id FROM prices WHERE price > 1")
    short, long = explain_text(plan), explain_text(plan, verbose=True)
    assert 't1."id" AS "id"' in short
    assert "TYPEOF" not in short
    assert "EXPLAIN VERBOSE" in short
    assert "TYPEOF" in long
    assert "VERBOSE" not in long


def test_a_fragment_of_unknown_size_says_so(notes: Placement) -> None:
    plan = notes.plan("SELECT id FROM cheap")
    assert "expected: not known: notes has no statistics" in explain_text(plan)


def test_what_has_no_form_under_all_is_not_called_unproven(notes: Placement) -> None:
    sql = "SELECT id FROM prices WHERE initcap(name) = 'Ann'"
    statement = parse(sql)
    for pushdown, says in (("proven", "is not proven there"), ("all", "has no form in sqlite")):
        plan = plan_query(statement, notes.catalog, PlanningOptions(pushdown=pushdown))  # type: ignore[arg-type]
        assert any(kept.reason.endswith(says) for kept in plan.kept), plan.kept


def test_a_statement_that_is_not_cut_names_what_it_reads_and_why(placement: Placement) -> None:
    text = explain_text(placement.plan(UNCUT))
    assert "  reads shop.main.items" in text
    assert "Substrait cannot carry it: unnest" in text


def test_text_of_what_is_not_cut_shows_its_parts(placement: Placement) -> None:
    recursive = (
        "WITH RECURSIVE r(a) AS (SELECT 1 UNION ALL SELECT a + 1 FROM r WHERE a < 3)"
        " SELECT r.a, i.id FROM r, items i WHERE i.id = r.a"
    )
    lines = explain_text(placement.plan(recursive)).splitlines()
    start = lines.index("the engine's own plan of it:")
    parts = [line.strip().split(":")[0] for line in lines[start + 1 :] if line.startswith("  ")]
    assert {"Inner Join", "RecursiveQuery", "TableScan", "Projection"} <= set(parts)
    assert not any(len(line) > WIDTH for line in lines)


def test_analyze_shows_the_plan_that_ran_in_anothers_place(placement: Placement) -> None:
    plan = placement.plan(JOIN)
    assert plan.uncut is not None
    uncut = replace(plan, residual=plan.uncut, fragments=(), natives=(), uncut=None)
    account = replace(ran(placement, uncut), uncut=True)
    text = explain_text(plan, account)
    assert text.startswith("plan: each table is scanned, everything else runs here")
    assert "the engine cannot read its own plan" in text
    assert json.loads(explain_json(plan, account))["kind"] == "by_tables"
    assert "the whole statement" in explain_mermaid(plan, account)


# --- JSON -----------------------------------------------------------------------------------------

PART_KEYS = {
    "name", "kind", "source", "tables", "operators", "sql", "reduction", "columns", "filter",
    "limit", "expected", "cost", "there", "estimated", "compression", "gaps", "ran",
}  # fmt: skip
KEYS = {
    "version", "kind", "summary", "columns", "parts", "stages", "residual", "stayed", "rejected",
    "links", "expected_seconds", "losing", "warnings", "ran",
}  # fmt: skip


@pytest.mark.parametrize(
    ("sql", "kind"), [(JOIN, "cut"), (UNCUT, "by_tables"), ("SELECT 1", "cut")]
)
def test_json_has_its_shape(placement: Placement, sql: str, kind: str) -> None:
    plan = placement.plan(sql)
    for account in (None, ran(placement, plan)):
        value = json.loads(explain_json(plan, account))
        assert set(value) == KEYS
        assert (value["version"], value["kind"]) == (VERSION, kind)
        assert (value["ran"] is None) == (account is None)
        for part in value["parts"]:
            assert set(part) == PART_KEYS
            assert (part["ran"] is None) == (account is None)


@pytest.mark.parametrize("query", QUERIES)
def test_json_says_of_tpch_what_the_text_says(
    query: str, tpch_placements: dict[str, Placement]
) -> None:
    plan = tpch_placements["split"].plan(QUERIES[query])
    value = json.loads(explain_json(plan))
    assert [part["name"] for part in value["parts"]] == [
        *(f.name for f in plan.fragments),
        *(n.name for n in plan.natives),
    ]
    assert len(value["stayed"]) == len(plan.kept) + len(plan.followed)
    assert len(value["rejected"]) == len(plan.rejected)
    if plan.residual_text:
        texts = [line.strip() for line in plan.residual_text.splitlines()]
        assert _texts(value["residual"]["tree"]) == texts
        reads = {node["reads"] for node in _nodes(value["residual"]["tree"])} - {None}
        parts = {part["name"] for part in (*value["parts"], *value["stages"])}
        assert reads <= parts


def _nodes(node: Any) -> Iterator[Any]:
    yield node
    for source in node["inputs"]:
        yield from _nodes(source)


def _texts(node: Any) -> list[str]:
    return [node["text"] for node in _nodes(node)]


def test_the_documented_json_is_what_comes(placement: Placement) -> None:
    page = (Path(__file__).parents[2] / "docs" / "explain.md").read_text(encoding="utf-8")
    sql = next(iter(re.findall(r"```sql\n(.*?)```", page, re.DOTALL)))
    (documented,) = re.findall(r"```json\n(.*?)```", page, re.DOTALL)
    plan = placement.plan(sql)
    value = json.loads(explain_json(plan, ran(placement, plan)))
    assert _without_times(value) == _without_times(json.loads(documented))


def _without_times(value: Any) -> Any:
    match value:
        case dict():
            return {k: 0.0 if k.endswith("seconds") and v is not None else _without_times(v)
                    for k, v in value.items()}  # fmt: skip
        case list():
            return [_without_times(item) for item in value]
    return value


# --- Mermaid --------------------------------------------------------------------------------------

_ID = r"[a-z]+\d*"
_TEXT = r'"[^"\[\]{}<>`\\]*"'
_NODE = re.compile(rf"({_ID})(?:\[({_TEXT})\]|\(\[({_TEXT})\]\))")
_EDGE = re.compile(rf"({_ID}) (?:-->(?:\|({_TEXT})\|)?|-\.->\|keys\|) ({_ID})")
_SUBGRAPH = re.compile(rf"subgraph ({_ID})\[({_TEXT})\]")


def parsed(text: str) -> tuple[set[str], list[tuple[str, str]]]:
    """The nodes and edges of a flowchart, each line of which has one of the few forms we write."""
    first, *lines = text.splitlines()
    assert first == "flowchart BT"
    nodes: set[str] = set()
    edges: list[tuple[str, str]] = []
    depth = 0
    for line in (line.strip() for line in lines):
        if line == "end":
            depth -= 1
        elif _SUBGRAPH.fullmatch(line):
            depth += 1
        elif (node := _NODE.fullmatch(line)) is not None:
            assert node[1] not in nodes
            nodes.add(node[1])
        else:
            edge = _EDGE.fullmatch(line)
            assert edge is not None, line
            edges.append((edge[1], edge[3]))
        assert depth >= 0
    assert depth == 0
    assert {end for edge in edges for end in edge} <= nodes
    return nodes, edges


@pytest.mark.parametrize("sql", [JOIN, UNCUT, "SELECT 1", "SELECT id FROM items"])
def test_mermaid_is_a_flowchart_that_ends_in_the_answer(placement: Placement, sql: str) -> None:
    plan = placement.plan(sql)
    for account in (None, ran(placement, plan)):
        nodes, edges = parsed(explain_mermaid(plan, account))
        assert "answer" in nodes
        # Every node leads to the answer.
        reached = {"answer"}
        while new := {start for start, end in edges if end in reached} - reached:
            reached |= new
        if plan.fragments:
            assert reached == nodes


@pytest.mark.parametrize("query", QUERIES)
def test_mermaid_draws_tpch(query: str, tpch_placements: dict[str, Placement]) -> None:
    for where in ("split", "postgres"):
        plan = tpch_placements[where].plan(QUERIES[query])
        nodes, edges = parsed(explain_mermaid(plan))
        assert {f.name for f in plan.fragments} | {n.name for n in plan.natives} <= nodes
        assert edges


def test_nothing_in_a_label_is_markup() -> None:
    safe = label('"<b>`x`;#{}[]&amp; \\ end\n click x')
    assert re.fullmatch(_TEXT, f'"{safe}"')


def test_a_tree_is_read_from_its_indentation() -> None:
    assert residual_tree("") is None
    tree = residual_tree("filter x\n  subquery\n    read f2\n  read f1")
    assert tree is not None
    assert [(n.operator, n.reads) for n in tree.walk()] == [
        ("filter", None), ("subquery", None), ("read", "f2"), ("read", "f1"),
    ]  # fmt: skip
