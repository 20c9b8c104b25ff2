"""A plan, and what happened when it ran, as text for a terminal. Decides nothing.

Owns the words and the width. Programs read `explain_json`; pictures come from `explain_mermaid`.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import replace

import sqlglot
from sqlglot import exp

from connectors.contract import Estimated, SqlQuery, TableScan
from connectors.far_reads import Gaps
from planner.account import Account, FragmentAccount, NativeAccount, StageAccount
from planner.cost import Cost
from planner.emit.dialects import DIALECTS
from planner.emit.sqlite.columns import MISFIT
from planner.plan import (
    Estimate,
    NativeRead,
    Plan,
    PlannedFragment,
    PlannedStage,
    Reduction,
    SqlResidual,
)
from planner.quantities import link_text, rows_text, size_text

WIDTH = 100

_PIECE = re.compile(r"""(?:'(?:[^']|'')*'|"(?:[^"]|"")*"|[^\s'"])+""")
"""A piece of SQL that is not broken: a text or a quoted name goes on one line, spaces and all."""

SAID_ALREADY = frozenset({"function.kept", "predicate.not_pushed", "operator.kept"})
"""The warnings that the text shows as what stayed here."""


def explain_text(plan: Plan, account: Account | None = None, *, verbose: bool = False) -> str:
    """What runs where and why; with the account of a run, what it took.

    Args:
        plan: the plan.
        account: of a run of this plan; it adds a line `ran:` to each part.
        verbose: with the checks of each value in what SQLite receives.
    """
    plan = plan_that_ran(plan, account)
    lines = [summary(plan)]
    if account is not None:
        lines.append(_ran(account))
    ran = {a.name: a for a in account.fragments} if account else {}
    native_ran = {a.name: a for a in account.natives} if account else {}
    fragments = {f.name: f for f in plan.fragments}
    fragments |= {f.name: f for f in (account.planned if account else ())}
    stages_ran = {a.name: a for a in account.stages} if account else {}
    for fragment in fragments.values():
        sent = _sent(plan, fragment, stages_ran)
        lines += ["", *_fragment(fragment, ran.get(fragment.name), sent, verbose)]
    for native in plan.natives:
        lines += ["", *_native(native, native_ran.get(native.name))]
    for stage in plan.stages:
        lines += ["", *_stage(plan, stage, stages_ran.get(stage.name))]
    if plan.residual_text:
        lines += ["", "residual, run by the engine here:", *_indent(plan.residual_text)]
    if isinstance(plan.residual, SqlResidual):
        lines += ["", "residual: the whole statement, over one scan of each table"]
        lines += _wrapped(f"reads {', '.join(_read_by(plan.residual)) or 'no table'}")
        if plan.residual.text:
            lines += ["", "the engine's own plan of it:", *_indent(plan.residual.text)]
        lines += [
            "",
            *_wrapped(f"not cut, because Substrait cannot carry it: {plan.residual.reason}"),
        ]
    stayed = [] if isinstance(plan.residual, SqlResidual) else _stayed(plan)
    if stayed:
        lines += ["", "stayed here:", *(line for text in stayed for line in _wrapped(text))]
    if plan.rejected:
        lines += ["", "rejected cuts:"]
        for cut in plan.rejected:
            lines += _wrapped(f"{cut.description}: {cut.reason}")
    lines += _costed(plan)
    warnings = [w for w in plan.warnings if w.code not in SAID_ALREADY]
    if warnings:
        lines += ["", "warnings:"]
        for warning in warnings:
            lines += _wrapped(str(warning))
    return "\n".join(line.rstrip() for line in lines)


def _costed(plan: Plan) -> list[str]:
    """By which links, and what all of it is expected to take."""
    lines = []
    if plan.links:
        links = "; ".join(f"{source} {link_text(link)}" for source, link in plan.links)
        lines += textwrap.wrap(f"links: {links}", WIDTH, subsequent_indent="    ")
    if plan.seconds is not None:
        others = ", and of the best of the others:" if plan.losing else ""
        lines.append(f"expected time of this cut: {plan.seconds:.3g} s{others}")
        for losing in plan.losing:
            lines += _wrapped(f"{losing.description}: {losing.seconds:.3g} s")
    return ["", *lines] if lines else []


def plan_that_ran(plan: Plan, account: Account | None) -> Plan:
    """The plan, or what ran in its place because the engine could not run it."""
    if account is None:
        return plan
    plan = account.plan or plan
    if not account.uncut or plan.uncut is None:
        return plan
    return replace(
        plan,
        fragments=(),
        natives=(),
        residual=plan.uncut,
        residual_text="",
        kept=(),
        rejected=(),
        followed=(),
        stages=(),
        seconds=None,
        losing=(),
    )


def _read_by(residual: SqlResidual) -> list[str]:
    return list(dict.fromkeys(f"{source}.{table}" for _, source, table in residual.tables))


def _stayed(plan: Plan) -> list[str]:
    """Each reason once, with the operators that share it."""
    lines = [
        f"{kept.operator} over {kept.source}{_over(kept.tables)}: {kept.reason}"
        for kept in plan.kept
    ]
    followed: dict[tuple[str, str], list[str]] = {}
    for kept in plan.followed:
        operators = followed.setdefault((kept.source, kept.reason), [])
        if kept.operator not in operators:
            operators.append(kept.operator)
    lines += [
        f"{', '.join(operators)} over {source}: {reason}"
        for (source, reason), operators in followed.items()
    ]
    return list(dict.fromkeys(lines))


def _over(tables: tuple[str, ...]) -> str:
    return f" ({', '.join(tables)})" if tables else ""


def summary(plan: Plan) -> str:
    """The plan in one line."""
    if isinstance(plan.residual, SqlResidual):
        return "plan: each table is scanned, everything else runs here"
    if plan.residual is None:
        return f"plan: one fragment, answered by {plan.fragments[0].source}; nothing is left here"
    sources = sorted({f.source for f in plan.fragments} | {n.source for n in plan.natives})
    parts = []
    if plan.fragments:
        parts.append(_count(len(plan.fragments), "fragment"))
    if plan.natives:
        parts.append(_count(len(plan.natives), "table") + " read by the engine")
    where = f" from {', '.join(sources)}" if sources else ""
    return f"plan: {' and '.join(parts) or 'constants'}{where}, the rest here"


def _ran(account: Account) -> str:
    size, seconds = size_text(account.size_bytes), account.compute_seconds
    computing = "" if seconds is None else f"; {seconds:.3f} s of computing here"
    times = {0: "", 1: "; planned again once", 2: "; planned again twice"}
    again = times.get(account.replanned, f"; planned again {account.replanned} times")
    return f"ran: {rows_text(account.rows)} in {account.seconds:.3f} s, {size}{computing}{again}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _connections(cost: Cost) -> str:
    """How many connections the rows come over, where more would carry more."""
    if cost.connections is None:
        return ""
    return f" over {cost.connections:g} connection{'s' * (cost.connections != 1)}"


def _fragment(
    fragment: PlannedFragment, ran: FragmentAccount | None, sent: str, verbose: bool
) -> list[str]:
    what = " ".join(fragment.operators) or "scan"
    head = f"{fragment.name} at {fragment.source}: {what} of {', '.join(fragment.tables)}"
    lines = textwrap.wrap(head, WIDTH, subsequent_indent="    ")
    expected = _expected(fragment.estimate)
    if expected and fragment.cost is not None:
        cost = fragment.cost
        seen = " seen" if fragment.work is not None and fragment.work.seen else ""
        expected += (
            f", {cost.seconds:.4f} s ({cost.latency_seconds:.4f} latency"
            f" + {cost.transfer_seconds:.4f} transfer{_connections(cost)}"
            f" + {cost.work_seconds:.4f} work{seen})"
        )
    elif not expected and ran is None:
        expected = f"not known: {fragment.source} has no statistics of this"
    if expected:
        lines.append(f"  expected: {expected}")
    if fragment.fragment.compression is not None:
        lines.append(f"  sent compressed with {fragment.fragment.compression}")
    if fragment.reduction is not None:
        lines += _wrapped(_reduced(fragment.reduction, ran))
    if sent:
        lines += _wrapped(f"sends {sent}")
    if fragment.estimated is not None:
        lines.append(f"  source's own estimate: {_own_estimate(fragment.estimated)}")
    if ran is not None:
        first = ran.first_batch_seconds
        lines += _wrapped(
            f"ran: {rows_text(ran.rows)}, {size_text(ran.size_bytes)}{_crossed(ran)},"
            f" {ran.seconds:.3f} s (waited {ran.wait_seconds:.3f} s"
            + ("" if first is None else f", first batch {first:.3f} s later")
            + ("" if ran.transfer_seconds is None else f", transfer {ran.transfer_seconds:.3f} s")
            + ")"
        )
    lines += _query(fragment, verbose)
    if fragment.there:
        lines += ["  there:", *(f"    {line}".rstrip() for line in fragment.there.splitlines())]
    return lines


def _sent(plan: Plan, fragment: PlannedFragment, ran: Mapping[str, StageAccount]) -> str:
    """The rows that go with a fragment; empty where none do."""
    stages = () if fragment.sending is None else fragment.sending.stages
    parts = []
    for stage in (stage for stage in plan.stages if stage.name in stages):
        own = ran.get(stage.name)
        rows = stage.estimate.rows if own is None else own.rows
        parts.append(f"the {'' if rows is None else f'{rows:,.0f} '}rows of {stage.name}")
    return " and ".join(parts)


def sent_to(plan: Plan, stage: PlannedStage) -> list[str]:
    """The fragments that a stage's rows go with."""
    sendings = ((f.name, f.sending) for f in plan.fragments)
    return [name for name, own in sendings if own is not None and stage.name in own.stages]


def _crossed(ran: FragmentAccount) -> str:
    return "" if ran.crossed_bytes is None else f" ({size_text(ran.crossed_bytes)} over the link)"


def _reduced(reduction: Reduction, ran: FragmentAccount | None) -> str:
    keys = f"the keys in {' and '.join(reduction.columns)}"
    without = _expected(reduction.estimate)
    text = f"waits for {keys}" + (f"; without them {without}" if without else "")
    if ran is None:
        return text
    if ran.keys is None:
        return f"{text}; ran without: they were too many, or came too late"
    return f"{text}; {ran.keys:,} sent"


def _read_by_keys(native: NativeRead, ran: NativeAccount | None) -> str:
    text = f"waits for the keys in {' and '.join(keys.shown for keys in native.keys)}"
    if ran is None:
        return text
    if ran.keys is None:
        return f"{text}; their bounds were not used: they leave too little out, or were too many"
    return f"{text}; read by the bounds of {ran.keys:,} keys"


def _stage(plan: Plan, stage: PlannedStage, ran: StageAccount | None) -> list[str]:
    waiting = [
        f.name
        for f in plan.fragments
        if f.reduction is not None and any(name == stage.name for name, _ in f.reduction.keys)
    ]
    waiting += [n.name for n in plan.natives if any(k.stage == stage.name for k in n.keys)]
    uses = [f"its keys go to {', '.join(waiting)}"] if waiting else []
    if sent := sent_to(plan, stage):
        uses.append(f"its rows go to {', '.join(sent)}")
    if stage.reads > 1:
        uses.append(f"its rows are read {stage.reads} times")
    lines = [f"{stage.name}, run by the engine here first: {'; '.join(uses)}"]
    expected = _expected(stage.estimate)
    if expected:
        lines.append(f"  expected: {expected}")
    if ran is not None:
        lines.append(
            f"  ran: {rows_text(ran.rows)}, {size_text(ran.size_bytes)}, {ran.seconds:.3f} s"
        )
    return [*lines, *_indent(stage.text)]


def _query(fragment: PlannedFragment, verbose: bool) -> list[str]:
    match fragment.fragment.query:
        case SqlQuery(text):
            text = text if fragment.reduction is None else fragment.reduction.shown
            sql, left_out = pretty(text, checks=verbose)
            lines = [piece for line in sql.splitlines() for piece in _broken(f"    {line}")]
            return [*lines, *([_LEFT_OUT] if left_out else [])]
        case TableScan() as scan:
            parts = [f"columns {', '.join(scan.columns) or 'none'}"]
            if scan.filter is not None:
                parts.append(f"filter {scan.filter}")
            if scan.limit is not None:
                parts.append(f"limit {scan.limit}")
            return [line for part in parts for line in _wrapped(part)]


def _broken(line: str) -> Iterator[str]:
    """A line of SQL in lines of the width, broken between words and never inside a text."""
    if len(line) <= WIDTH:
        yield line
        return
    indent = " " * (len(line) - len(line.lstrip()))
    current = indent
    for piece in _PIECE.findall(line):
        if len(current) + 1 + len(piece) > WIDTH and current.strip():
            yield current
            current = indent + "  "
        current += (" " if current.strip() else "") + piece
    yield current


_LEFT_OUT = "    (each value's type is checked where it is read: EXPLAIN VERBOSE shows it)"


def pretty(sql: str, *, checks: bool = True) -> tuple[str, bool]:
    """The statement with clauses on lines of their own, for any of the dialects.

    Args:
        sql: what a source receives.
        checks: with the checks that each value fits its column's type.

    Returns:
        The text, and whether something was left out.
    """
    generator = next(iter(DIALECTS.values())).generator
    tree = sqlglot.parse_one(sql, read=generator)
    left_out = False
    if not checks:
        found = [case for case in tree.find_all(exp.Case) if _is_check(case)]
        for case in reversed(found):
            case.replace(case.args["ifs"][0].this.this)
        left_out = bool(found)
    return tree.sql(generator, pretty=True, max_text_width=WIDTH - 8), left_out


def _is_check(case: exp.Case) -> bool:
    """Whether it is `CASE WHEN x IS NULL THEN NULL … ELSE (an error that names x) END`."""
    first, otherwise = case.args["ifs"][0], case.args.get("default")
    return (
        isinstance(first.this, exp.Is)
        and isinstance(first.args.get("true"), exp.Null)
        and otherwise is not None
        and any(text.this.startswith(MISFIT) for text in otherwise.find_all(exp.Literal))
    )


def _native(native: NativeRead, ran: NativeAccount | None) -> list[str]:
    lines = [f"{native.name} at {native.source}: {native.table}, read by the engine"]
    expected = _expected(native.estimate)
    if expected:
        lines.append(f"  expected: {expected} before filters")
    if native.gaps is not None:
        lines += _wrapped(_gaps(native.gaps))
    if native.keys:
        lines += _wrapped(_read_by_keys(native, ran))
    if ran is not None and ran.rows is not None:
        parts = [rows_text(ran.rows)]
        if ran.size_bytes is not None:
            of_files = f" ({size_text(ran.file_bytes)} of its files)" if ran.file_bytes else ""
            parts.append(size_text(ran.size_bytes) + of_files)
        if ran.seconds is not None:
            parts.append(f"{ran.seconds:.3f} s of reading")
        lines.append(f"  ran: {', '.join(parts)}")
    return [*lines, *_wrapped(f"columns {', '.join(native.columns) or 'none'}")]


def _gaps(gaps: Gaps) -> str:
    return (
        f"read without what lies between columns: {size_text(gaps.left_bytes)} in"
        f" {gaps.left_requests:,} requests, with it {size_text(gaps.read_bytes)} in"
        f" {gaps.read_requests:,}"
    )


def _own_estimate(found: Estimated) -> str:
    """What a source expects; its cost is in a unit of its own."""
    parts = [
        None if found.rows is None else rows_text(found.rows),
        None if found.size_bytes is None else size_text(found.size_bytes),
        None if found.cost is None else f"cost {found.cost:,.2f}",
    ]
    return ", ".join(part for part in parts if part is not None) or "not known"


def _expected(estimate: Estimate) -> str:
    if estimate.rows is None or estimate.size_bytes is None:
        return ""
    return f"{rows_text(estimate.rows)}, {size_text(estimate.size_bytes)}"


def _indent(text: str) -> list[str]:
    return [
        line if len(line) <= WIDTH else line[: WIDTH - 1] + "…"
        for line in (f"  {line}" for line in text.splitlines())
    ]


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent="  ", subsequent_indent="    ") or [""]
