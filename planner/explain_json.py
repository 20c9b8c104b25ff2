"""A plan, and what happened when it ran, as JSON for programs. `docs/explain.md` is its contract.

Owns the shape: keys are added and never change their meaning while `version` is the same. What is
not known is null. Decides nothing.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from connectors.contract import Estimated, SqlQuery, TableScan
from planner.account import Account, FragmentAccount, NativeAccount, StageAccount
from planner.cost import Link
from planner.explain import plan_that_ran, sent_to, summary
from planner.plan import (
    Estimate,
    NativeRead,
    Plan,
    PlannedFragment,
    PlannedStage,
    SqlResidual,
)
from planner.quantities import mbps
from planner.residual_tree import TreeNode, residual_tree
from planner.warnings import warning_fields

VERSION = 1


def explain_json(plan: Plan, account: Account | None = None) -> str:
    """The plan as an indented JSON object; with the account of a run, what it took.

    Args:
        plan: the plan.
        account: of a run of this plan; it fills `ran` of the plan and of each part.
    """
    return json.dumps(explain_value(plan, account), indent=2, ensure_ascii=False)


def explain_value(plan: Plan, account: Account | None = None) -> dict[str, Any]:
    """The same as Python values."""
    plan = plan_that_ran(plan, account)
    ran = {a.name: a for a in account.fragments} if account else {}
    native_ran = {a.name: a for a in account.natives} if account else {}
    stages_ran = {a.name: a for a in account.stages} if account else {}
    fragments = {f.name: f for f in (*plan.fragments, *(account.planned if account else ()))}
    return {
        "version": VERSION,
        "kind": _kind(plan),
        "summary": summary(plan).removeprefix("plan: "),
        "columns": [
            {"name": f.name, "type": str(f.type), "nullable": f.nullable} for f in plan.schema
        ],
        "parts": [
            *(_fragment(f, ran.get(f.name)) for f in fragments.values()),
            *(_native(n, native_ran.get(n.name)) for n in plan.natives),
        ],
        "stages": [_stage(plan, s, stages_ran.get(s.name)) for s in plan.stages],
        "residual": _residual(plan),
        "stayed": [
            {
                "operator": kept.operator,
                "source": kept.source,
                "reason": kept.reason,
                "refused": kept.refused,
                "tables": list(kept.tables),
            }
            for kept in (*plan.kept, *plan.followed)
        ],
        "rejected": [
            {"description": cut.description, "reason": cut.reason} for cut in plan.rejected
        ],
        "links": [_link(source, link) for source, link in plan.links],
        "expected_seconds": _seconds(plan.seconds),
        "losing": [{"cut": c.description, "seconds": _seconds(c.seconds)} for c in plan.losing],
        "warnings": [warning_fields(warning) for warning in plan.warnings],
        "ran": _ran(account),
    }


def _kind(plan: Plan) -> str:
    if isinstance(plan.residual, SqlResidual):
        return "by_tables"
    return "whole" if plan.residual is None else "cut"


def _residual(plan: Plan) -> dict[str, Any] | None:
    if plan.residual is None:
        return None
    if isinstance(plan.residual, SqlResidual):
        return {"tree": None, "not_cut_because": plan.residual.reason}
    return {"tree": _node(residual_tree(plan.residual_text)), "not_cut_because": None}


def _node(node: TreeNode | None) -> dict[str, Any] | None:
    if node is None:
        return None
    inputs = [_node(source) for source in node.inputs]
    return {"operator": node.operator, "text": node.text, "reads": node.reads, "inputs": inputs}


def _fragment(fragment: PlannedFragment, ran: FragmentAccount | None) -> dict[str, Any]:
    query = fragment.fragment.query
    scan = query if isinstance(query, TableScan) else None
    return {
        "name": fragment.name,
        "kind": "fragment",
        "source": fragment.source,
        "tables": list(fragment.tables),
        "operators": list(fragment.operators),
        "sql": _sql(fragment),
        "reduction": _reduction(fragment, ran),
        "columns": list(fragment.fragment.schema.names if scan is None else scan.columns),
        "filter": None if scan is None or scan.filter is None else str(scan.filter),
        "limit": None if scan is None else scan.limit,
        "expected": _estimate(fragment.estimate),
        "cost": None
        if fragment.cost is None
        else {
            "seconds": _seconds(fragment.cost.seconds),
            **{name: _seconds(value) for name, value in asdict(fragment.cost).items()},
            "work_seen": fragment.work is not None and fragment.work.seen,
        },
        "there": json.loads(fragment.there) if fragment.there else None,
        "estimated": _own_estimate(fragment.estimated),
        "compression": fragment.fragment.compression,
        "gaps": None,
        "ran": None
        if ran is None
        else {
            "rows": ran.rows,
            "bytes": ran.size_bytes,
            "crossed_bytes": ran.crossed_bytes,
            "seconds": _seconds(ran.seconds),
            "wait_seconds": _seconds(ran.wait_seconds),
            "first_batch_seconds": _seconds(ran.first_batch_seconds),
            "transfer_seconds": _seconds(ran.transfer_seconds),
        },
    }


def _sql(fragment: PlannedFragment) -> str | None:
    query = fragment.fragment.query
    if not isinstance(query, SqlQuery):
        return None
    return query.text if fragment.reduction is None else fragment.reduction.shown


def _reduction(fragment: PlannedFragment, ran: FragmentAccount | None) -> dict[str, Any] | None:
    reduction = fragment.reduction
    if reduction is None:
        return None
    query = fragment.fragment.query
    return {
        "keys": list(reduction.columns),
        "sql_without": query.text if isinstance(query, SqlQuery) else None,
        "expected_without": _estimate(reduction.estimate),
        "keys_sent": None if ran is None else ran.keys,
    }


def _read_keys(native: NativeRead, ran: NativeAccount | None) -> dict[str, Any] | None:
    if not native.keys:
        return None
    return {
        "keys": [keys.shown for keys in native.keys],
        "sql_without": None,
        "expected_without": _estimate(native.estimate),
        "keys_sent": None if ran is None else ran.keys,
    }


def _stage(plan: Plan, stage: PlannedStage, ran: StageAccount | None) -> dict[str, Any]:
    return {
        "name": stage.name,
        "reads": stage.reads,
        "sent_to": sent_to(plan, stage),
        "expected": _estimate(stage.estimate),
        "tree": _node(residual_tree(stage.text)),
        "ran": None
        if ran is None
        else {"rows": ran.rows, "bytes": ran.size_bytes, "seconds": _seconds(ran.seconds)},
    }


def _native(native: NativeRead, ran: NativeAccount | None) -> dict[str, Any]:
    return {
        "name": native.name,
        "kind": "read",
        "source": native.source,
        "tables": [str(native.table)],
        "operators": [],
        "sql": None,
        "reduction": _read_keys(native, ran),
        "columns": list(native.columns),
        "filter": None,
        "limit": None,
        "expected": _estimate(native.estimate),
        "cost": None,
        "there": None,
        "estimated": None,
        "compression": None,
        "gaps": None if native.gaps is None else asdict(native.gaps),
        "ran": None
        if ran is None
        else {
            "rows": ran.rows,
            "bytes": ran.size_bytes,
            "seconds": _seconds(ran.seconds),
            "file_bytes": ran.file_bytes,
        },
    }


def _estimate(estimate: Estimate) -> dict[str, Any]:
    return {"rows": _whole(estimate.rows), "bytes": _whole(estimate.size_bytes)}


def _own_estimate(found: Estimated | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return {"rows": _whole(found.rows), "bytes": _whole(found.size_bytes), "cost": found.cost}


def _whole(number: float | None) -> int | None:
    return None if number is None else round(number)


def _seconds(value: float | None) -> float | None:
    """To the microsecond: below that there is noise only."""
    return None if value is None else round(value, 6)


def _link(source: str, link: Link) -> dict[str, Any]:
    """In the units of `crosswind.links`."""
    return {
        "source": source,
        "rtt_ms": link.rtt_seconds * 1e3,
        "mbps": mbps(link.bytes_per_second),
        "connection_mbps": mbps(link.connection_bytes_per_second),
    }


def _ran(account: Account | None) -> dict[str, Any] | None:
    if account is None:
        return None
    return {
        "rows": account.rows,
        "bytes": account.size_bytes,
        "seconds": _seconds(account.seconds),
        "compute_seconds": _seconds(account.compute_seconds),
    }
