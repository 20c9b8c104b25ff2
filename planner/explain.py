"""A plan, and what happened when it ran, as text for a terminal. Decides nothing."""

from __future__ import annotations

import textwrap

import sqlglot

from connectors.contract import SqlQuery, TableScan
from planner.account import Account, FragmentAccount, NativeAccount
from planner.emit.dialects import DIALECTS
from planner.plan import Estimate, NativeRead, Plan, PlannedFragment, SqlResidual

WIDTH = 100


def explain_text(plan: Plan, account: Account | None = None) -> str:
    """What runs where and why; with the account of a run, what it took.

    Args:
        plan: the plan.
        account: of a run of this plan; it adds a line `ran:` to each part.
    """
    lines = [_summary(plan)]
    if account is not None:
        lines.append(
            f"ran: {_rows(account.rows)} in {account.seconds:.3f} s, {_size(account.size_bytes)}"
        )
    ran = {a.name: a for a in account.fragments} if account else {}
    native_ran = {a.name: a for a in account.natives} if account else {}
    fragments = {f.name: f for f in plan.fragments}
    fragments |= {f.name: f for f in (account.planned if account else ())}
    for fragment in fragments.values():
        lines += ["", *_fragment(fragment, ran.get(fragment.name))]
    for native in plan.natives:
        lines += ["", *_native(native, native_ran.get(native.name))]
    if plan.residual_text:
        lines += ["", "residual, run by the engine here:", *_indent(plan.residual_text)]
    if isinstance(plan.residual, SqlResidual):
        lines += ["", "residual: the whole statement, over one scan of each table", ""]
        lines += _wrapped(f"not cut, because Substrait cannot carry it: {plan.residual.reason}")
    if plan.kept and not isinstance(plan.residual, SqlResidual):
        lines += ["", "stayed here:"]
        for kept in plan.kept:
            lines += _wrapped(f"{kept.operator} over {kept.source}: {kept.reason}")
    if plan.rejected:
        lines += ["", "rejected cuts:"]
        for cut in plan.rejected:
            lines += _wrapped(f"{cut.description}: {cut.reason}")
    return "\n".join(line.rstrip() for line in lines)


def _summary(plan: Plan) -> str:
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


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _fragment(fragment: PlannedFragment, ran: FragmentAccount | None) -> list[str]:
    what = " ".join(fragment.operators) or "scan"
    head = f"{fragment.name} at {fragment.source}: {what} of {', '.join(fragment.tables)}"
    lines = textwrap.wrap(head, WIDTH, subsequent_indent="    ")
    expected = _expected(fragment.estimate)
    if expected and fragment.cost is not None:
        cost = fragment.cost
        expected += (
            f", {cost.seconds:.4f} s ({cost.latency_seconds:.4f} latency"
            f" + {cost.transfer_seconds:.4f} transfer + {cost.work_seconds:.4f} work)"
        )
    if expected:
        lines.append(f"  expected: {expected}")
    if ran is not None:
        first = ran.first_batch_seconds
        lines.append(
            f"  ran: {_rows(ran.rows)}, {_size(ran.size_bytes)}, {ran.seconds:.3f} s"
            f" (connection after {ran.wait_seconds:.3f} s"
            + ("" if first is None else f", first batch {first:.3f} s later")
            + ")"
        )
    return lines + _query(fragment)


def _query(fragment: PlannedFragment) -> list[str]:
    match fragment.fragment.query:
        case SqlQuery(text):
            return [f"    {line}" for line in _pretty(text).splitlines()]
        case TableScan() as scan:
            parts = [f"columns {', '.join(scan.columns) or 'none'}"]
            if scan.filter is not None:
                parts.append(f"filter {scan.filter}")
            if scan.limit is not None:
                parts.append(f"limit {scan.limit}")
            return [line for part in parts for line in _wrapped(part)]


def _pretty(sql: str) -> str:
    """The statement with clauses on lines of their own, for any of the dialects."""
    generator = next(iter(DIALECTS.values())).generator
    tree = sqlglot.parse_one(sql, read=generator)
    return tree.sql(generator, pretty=True, max_text_width=WIDTH - 8)


def _native(native: NativeRead, ran: NativeAccount | None) -> list[str]:
    lines = [f"{native.name} at {native.source}: {native.table}, read by the engine"]
    expected = _expected(native.estimate)
    if expected:
        lines.append(f"  expected: {expected} before filters")
    if ran is not None and ran.rows is not None:
        parts = [_rows(ran.rows)]
        if ran.size_bytes is not None:
            of_files = f" ({_size(ran.file_bytes)} of its files)" if ran.file_bytes else ""
            parts.append(_size(ran.size_bytes) + of_files)
        if ran.seconds is not None:
            parts.append(f"{ran.seconds:.3f} s of reading")
        lines.append(f"  ran: {', '.join(parts)}")
    return [*lines, *_wrapped(f"columns {', '.join(native.columns) or 'none'}")]


def _expected(estimate: Estimate) -> str:
    if estimate.rows is None or estimate.size_bytes is None:
        return ""
    return f"{_rows(estimate.rows)}, {_size(estimate.size_bytes)}"


def _rows(rows: float) -> str:
    return f"{rows:,.0f} row{'' if round(rows) == 1 else 's'}"


def _size(size_bytes: float) -> str:
    for unit in ("B", "kB", "MB"):
        if size_bytes < 1000:
            return f"{size_bytes:.3g} {unit}"
        size_bytes /= 1000
    return f"{size_bytes:,.1f} GB"


def _indent(text: str) -> list[str]:
    return [
        line if len(line) <= WIDTH else line[: WIDTH - 1] + "…"
        for line in (f"  {line}" for line in text.splitlines())
    ]


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent="  ", subsequent_indent="    ") or [""]
