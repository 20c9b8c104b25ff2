"""A plan as a Mermaid flowchart: one box for each source, one node for each operator here.

Owns the drawing and the escaping of its labels. Decides nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from planner.account import Account
from planner.explain import plan_that_ran, sent_to
from planner.plan import (
    Estimate,
    NativeRead,
    Plan,
    PlannedFragment,
    PlannedStage,
    SqlResidual,
)
from planner.quantities import rows_text, size_text
from planner.residual_tree import TreeNode, residual_tree

LABEL_CHARACTERS = 80

_ESCAPED = re.compile(r'["#&<>`;\\\[\]{}]|[^\x20-\x7e\u00a0-\uffff]')


def explain_mermaid(plan: Plan, account: Account | None = None) -> str:
    """The plan as the text of a flowchart; edges carry what is expected to move, or what did.

    Args:
        plan: the plan.
        account: of a run of this plan.
    """
    plan = plan_that_ran(plan, account)
    parts: list[PlannedFragment | NativeRead] = [
        *plan.fragments,
        *(account.planned if account else ()),
        *plan.natives,
    ]
    moved = _moved(account)
    lines = ["flowchart BT"]
    for number, source in enumerate(dict.fromkeys(part.source for part in parts), 1):
        lines.append(f'  subgraph s{number}["{label(source)}"]')
        lines += [f'    {p.name}["{label(_title(p))}"]' for p in parts if p.source == source]
        lines.append("  end")
    edge = {part.name: moved.get(part.name) or _expected(part.estimate) for part in parts}
    lines += ['  subgraph here["here"]', '    answer(["answer"])']
    edges: list[str] = []
    if plan.residual is None:
        edges += [_edge(part.name, "answer", edge[part.name]) for part in parts]
    elif isinstance(plan.residual, SqlResidual):
        lines.append('    r1["the whole statement"]')
        edges += [_edge(part.name, "r1", edge[part.name]) for part in parts]
        edges.append(_edge("r1", "answer", ""))
    else:
        edge |= {stage.name: _expected(stage.estimate) for stage in plan.stages}
        lines += [f'    {s.name}["{label(s.name)}: run first{_read(s)}"]' for s in plan.stages]
        texts = [(stage.text, stage.name) for stage in plan.stages]
        number = 0
        for text, into in (*texts, (plan.residual_text, "answer")):
            tree = residual_tree(text)
            if tree is None:
                continue
            names = _numbered(tree, number)
            number += len(names)
            lines += [
                f'    {names[id(node)]}["{label(node.text)}"]'
                for node in tree.walk()
                if node.reads not in edge
            ]
            edges += _edges(tree, names, edge)
            top = _name(tree, names, edge)
            edges.append(_edge(top, into, edge.get(top, "")))
        edges += [
            f"{stage} -.->|keys| {fragment.name}"
            for fragment in plan.fragments
            if fragment.reduction is not None
            for stage, _ in fragment.reduction.keys
        ]
        edges += [
            f"{stage.name} -.->|rows| {name}"
            for stage in plan.stages
            for name in sent_to(plan, stage)
        ]
        edges += [f"{k.stage} -.->|keys| {n.name}" for n in plan.natives for k in n.keys]
    lines.append("  end")
    return "\n".join([*lines, *(f"  {line}" for line in dict.fromkeys(edges))])


def label(text: str) -> str:
    """A text for a quoted label: nothing in it ends the label or is markup.

    >>> label('a "b" <c>')
    'a #34;b#34; #60;c#62;'
    """
    flat = " ".join(text.split())
    if len(flat) > LABEL_CHARACTERS:
        flat = flat[: LABEL_CHARACTERS - 1] + "…"
    return _ESCAPED.sub(lambda found: f"#{ord(found[0])};", flat)


def _title(part: PlannedFragment | NativeRead) -> str:
    if isinstance(part, NativeRead):
        return f"{part.name}: read {part.table}"
    what = " ".join(part.operators) or "scan"
    return f"{part.name}: {what} of {', '.join(part.tables)}"


def _read(stage: PlannedStage) -> str:
    return f", read {stage.reads} times" if stage.reads > 1 else ""


def _moved(account: Account | None) -> dict[str, str]:
    if account is None:
        return {}
    ran = {a.name: (a.rows, a.size_bytes) for a in account.fragments}
    for native in account.natives:
        if native.rows is not None and native.size_bytes is not None:
            ran[native.name] = (native.rows, native.size_bytes)
    return {name: f"{rows_text(rows)}, {size_text(size)}" for name, (rows, size) in ran.items()}


def _expected(estimate: Estimate) -> str:
    if estimate.rows is None or estimate.size_bytes is None:
        return "rows not known"
    return f"about {rows_text(estimate.rows)}, {size_text(estimate.size_bytes)}"


def _numbered(tree: TreeNode, after: int) -> dict[int, str]:
    return {id(node): f"r{number}" for number, node in enumerate(tree.walk(), after + 1)}


def _name(node: TreeNode, names: dict[int, str], parts: dict[str, str]) -> str:
    """A read is drawn as the part that it reads."""
    return node.reads if node.reads is not None and node.reads in parts else names[id(node)]


def _edges(tree: TreeNode, names: dict[int, str], parts: dict[str, str]) -> Iterator[str]:
    for node in tree.walk():
        for source in node.inputs:
            name = _name(source, names, parts)
            yield _edge(name, _name(node, names, parts), parts.get(name, ""))


def _edge(start: str, end: str, text: str) -> str:
    return f'{start} -->|"{label(text)}"| {end}' if text else f"{start} --> {end}"
