"""Clauses and names: what stands around expressions, as the client's dialect means it."""

from __future__ import annotations

from sqlglot import exp

from planner.client_dialects import traits
from planner.client_dialects.build import Node, whole_number
from planner.client_dialects.reading import Reading


def name(node: exp.Identifier, reading: Reading) -> Node:
    """Snowflake and Oracle fold names to upper case, the engine to lower: quoted or not."""
    parent = node.parent
    if reading.speaks(traits.UPPER_NAMES):
        if node.args.get("quoted") and node.name.isupper() and not _is_output(node):
            node.set("this", node.name.lower())
        return node
    in_alias = isinstance(parent, exp.Alias | exp.TableAlias)
    quoted = bool(node.args.get("quoted")) and not in_alias
    if reading.speaks(traits.ANY_CASE_QUOTED) and quoted and node.name != node.name.lower():
        reading.best_effort(
            node,
            "a quoted name with upper-case letters must be written here as its source has it",
        )
    return node


def _is_output(name: exp.Identifier) -> bool:
    """Whether it names a column of the answer, which keeps its name, or is a key of its order."""
    parent = name.parent
    if isinstance(parent, exp.Alias):
        return parent.parent is not None and parent.parent.parent is None
    order = parent.find_ancestor(exp.Order, exp.Select) if isinstance(parent, exp.Column) else None
    if not isinstance(order, exp.Order) or not isinstance(order.parent, exp.Select):
        return False
    outputs = [output.args.get("alias") for output in order.parent.expressions]
    return order.parent.parent is None and any(
        isinstance(output, exp.Identifier) and output.name == name.name for output in outputs
    )


def select(node: exp.Select, reading: Reading) -> Node:
    """Clauses that say how to run a query, and those that are another one's."""
    if node.args.get("hint") is not None or node.args.get("options"):
        reading.best_effort(node, "hints are left out")
        node.set("hint", None)
        node.set("options", None)
    for key, clause in (("sort", "SORT BY"), ("cluster", "CLUSTER BY"),
                        ("distribute", "DISTRIBUTE BY")):  # fmt: skip
        if node.args.get(key) is not None:
            reading.best_effort(node.args[key], f"{clause} is left out: the rows have no order")
            node.set(key, None)
    _fold_prewhere(node)
    _with_order_by_all(node)
    _without_dual(node, reading)
    _limit_by_rownum(node, reading)
    if node.args.get("distinct") is not None:
        _note_case(node.expressions, node, reading)
    return node


def common_tables(node: exp.With, reading: Reading) -> Node:
    """Where RECURSIVE may be left out, a query is recursive that reads itself in a later branch."""
    if reading.speaks(traits.SILENT_RECURSION) and any(map(_reads_itself, node.expressions)):
        node.set("recursive", True)
    return node


def _reads_itself(common: exp.CTE) -> bool:
    query = common.this
    if not isinstance(query, exp.Union):
        return False
    name = common.alias.lower()

    def is_read(branch: Node) -> bool:
        tables = branch.find_all(exp.Table)
        return any(table.name.lower() == name and not table.db for table in tables)

    return is_read(query.expression) and not is_read(query.this)


def _fold_prewhere(node: exp.Select) -> None:
    """ClickHouse reads PREWHERE before WHERE, and means both."""
    before = node.args.get("prewhere")
    if before is None:
        return
    node.set("prewhere", None)
    node.where(before.this, copy=False)


def _without_dual(node: exp.Select, reading: Reading) -> None:
    """Oracle's and MySQL's table of one row."""
    clause = node.args.get("from_")
    if clause is None or node.args.get("joins") or reading.dialect not in ("oracle", "mysql"):
        return
    table = clause.this
    if isinstance(table, exp.Table) and table.name.lower() == "dual" and not table.db:
        node.set("from_", None)


def _limit_by_rownum(node: exp.Select, reading: Reading) -> None:
    """Oracle's `WHERE ROWNUM <= 3` is a limit: rows are counted before they are ordered."""
    where = node.args.get("where")
    if reading.dialect != "oracle" or where is None:
        return
    for part in list(where.this.flatten() if isinstance(where.this, exp.And) else [where.this]):
        count = whole_number(part.args.get("expression"))
        if not isinstance(part, exp.LT | exp.LTE) or count is None or not _is_rownum(part.this):
            continue
        clauses = ("order", "group", "having", "distinct", "limit", "qualify")
        if any(node.args.get(key) is not None for key in clauses) or node.find(exp.AggFunc):
            reading.refuse(part, "ROWNUM beside another clause", "Use FETCH FIRST … ROWS ONLY.")
        rows = count - 1 if isinstance(part, exp.LT) else count
        if part is where.this:
            node.set("where", None)
        else:
            part.replace(exp.Boolean(this=True))
        node.set("limit", exp.Limit(expression=exp.Literal.number(max(0, rows))))


def _is_rownum(node: Node) -> bool:
    return isinstance(node, exp.Column) and not node.table and node.name.lower() == "rownum"


def _with_order_by_all(node: exp.Select) -> None:
    """`ORDER BY ALL` is by every column of the answer, from left to right."""
    order = node.args.get("order")
    if order is None:
        return
    keys = order.expressions
    if len(keys) != 1 or keys[0].this.sql().upper() != "ALL" or node.is_star:
        return
    columns = range(1, len(node.expressions) + 1)
    order.set(
        "expressions",
        [
            exp.Ordered(
                this=exp.Literal.number(column),
                desc=keys[0].args.get("desc"),
                nulls_first=keys[0].args.get("nulls_first"),
            )
            for column in columns
        ],
    )


def group(node: exp.Group, reading: Reading) -> Node:
    """`GROUP BY a, b WITH ROLLUP` is `GROUP BY ROLLUP (a, b)`."""
    _note_case(node.expressions, node, reading)
    for kind in ("rollup", "cube"):
        for listed in node.args.get(kind) or []:
            if not listed.expressions and node.expressions:
                listed.set("expressions", node.expressions)
                node.set("expressions", [])
    return node


def ordered(node: exp.Ordered, reading: Reading) -> Node:
    """A key of ORDER BY."""
    _note_case([node.this], node, reading)
    return node


def _note_case(parts: list[Node], node: Node, reading: Reading) -> None:
    if reading.speaks(traits.FOLDED_TEXTS) and any(reading.kind(p) == "text" for p in parts):
        reading.best_effort(node, "texts are compared here with regard to case")


_SIDES = frozenset({"LEFT", "RIGHT", "FULL", ""})
_KINDS = frozenset({"INNER", "OUTER", "CROSS", "SEMI", "ANTI", ""})


def join(node: exp.Join, reading: Reading) -> Node:
    """SEMI and ANTI joins keep rows of the left, which the engine wants said."""
    if node.args.get("hint") is not None:
        reading.best_effort(node, "hints are left out")
        node.set("hint", None)
    method, kind, side = str(node.method).upper(), str(node.kind).upper(), str(node.side).upper()
    if method not in ("NATURAL", "") or kind not in _KINDS or side not in _SIDES:
        words = " ".join(word for word in (method, side, kind) if word)
        reading.refuse(node, f"{words} JOIN")
    applied = node.this.args.get("cross_apply") if isinstance(node.this, exp.Lateral) else None
    if applied is not None:
        node.this.set("cross_apply", None)
        node.set("kind", "CROSS" if applied else None)
        if not applied:
            node.set("side", "LEFT")
            node.set("on", exp.Boolean(this=True))
    if reading.dialect == "clickhouse" and side and kind not in ("SEMI", "ANTI"):
        reading.best_effort(
            node, "an outer join gives NULL here, and there a default value of a type without NULL"
        )
    if kind in ("SEMI", "ANTI") and not side:
        node.set("side", "LEFT")
    return node


def table(node: exp.Table, reading: Reading) -> Node:
    """A table's hints say how to read it."""
    if node.args.get("hints"):
        reading.best_effort(node, "hints are left out")
        node.set("hints", None)
    return node


def column(node: exp.Column, reading: Reading) -> Node:
    """Names that are no column's there, and would be one's here."""
    if node.args.get("join_mark"):
        reading.refuse(node, "the join mark (+)", "Write LEFT JOIN … ON.")
    return node


def outer_word(node: exp.Collate, reading: Reading) -> Node:
    """COLLATE: texts are compared by code point here."""
    reading.refuse(node, "COLLATE", "Texts are compared by their code points.")


def text_literal(node: exp.Literal, reading: Reading) -> Node:
    """Oracle's empty text is NULL."""
    if node.is_string and not node.name and reading.speaks(traits.EMPTY_IS_NULL):
        reading.best_effort(node, "an empty text is a text here; there it is NULL")
    return node


def random_number(node: exp.Rand, reading: Reading) -> Node:
    """Random numbers differ from run to run anyway."""
    reading.translated(node, "random numbers are others here, also with a seed")
    return exp.Rand()


def approximate(node: Node, reading: Reading) -> Node:
    """An approximation is another one in each system."""
    reading.translated(node, "an approximate result may be another one here")
    return node


def limited(node: exp.Fetch | exp.Limit, reading: Reading) -> Node:
    """PERCENT and WITH TIES."""
    options = node.args.get("limit_options")
    if options is not None and (options.args.get("percent") or options.args.get("with_ties")):
        reading.refuse(node, "a limit with PERCENT or WITH TIES")
    node.set("limit_options", None)
    if reading.dialect == "sqlite" and isinstance(node.args.get("expression"), exp.Neg):
        node.pop()  # no limit
    return node


def only_table(node: exp.Lateral, reading: Reading) -> Node:
    """LATERAL VIEW and FLATTEN."""
    if node.args.get("view"):
        reading.refuse(node, "LATERAL VIEW", "Write unnest(…) in a subquery's SELECT list.")
    return node
