"""How the sources would run what they get: another server's EXPLAIN shows through here, and what a
source expects of its part.

Owns who is asked, for how long, and that an EXPLAIN does not fail for it. Must not know what is
answered.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from connectors.contract import Estimates, Explains
from connectors.errors import (
    CancelledError,
    CrosswindError,
    DeadlineError,
    QueueFullError,
    SourceTimeoutError,
    SourceUnavailableError,
)
from flight_server.aside import Aside
from planner.asked import asking
from planner.catalog import Catalog
from planner.explain_options import Form
from planner.plan import Plan, PlannedFragment
from planner.warnings import PlanWarning

PATIENCE_SECONDS = 5.0
"""How long a source may take to say how it would run a fragment."""


def with_far_plans(
    plan: Plan, catalog: Catalog, form: Form, aside: Aside, gone: Callable[[], bool]
) -> Plan:
    """The plan with what its sources say of their fragments, where they say something.

    A source that cannot say is not asked for the next one, and a warning tells why.

    Args:
        form: that of the EXPLAIN; nothing can be shown in a picture.
        aside: where they are asked, since nothing interrupts that.
        gone: whether nobody wants to know any more.

    Raises:
        CancelledError: nobody does.
    """
    if form == "mermaid" or not any(_explains(f, catalog) for f in plan.fragments):
        return plan
    silent: dict[str, PlanWarning] = {}
    fragments = []
    for fragment in plan.fragments:
        connector = _explains(fragment, catalog)
        if connector is not None and fragment.source not in silent:
            try:
                there = aside.do(partial(_explained, connector, fragment, form), gone)
            except CancelledError:
                raise
            except CrosswindError as error:
                silent[fragment.source] = _silent(fragment.source, error)
            else:
                fragment = replace(fragment, there=there)
        fragments.append(fragment)
    return replace(plan, fragments=tuple(fragments), warnings=(*plan.warnings, *silent.values()))


def with_estimates(plan: Plan, catalog: Catalog, deadline: float | None) -> Plan:
    """The plan with what its sources expect of their fragments, where they can say."""
    silent: set[str] = set()
    fragments = []
    for fragment in plan.fragments:
        connector = catalog.runnable[fragment.source].connector
        if fragment.sending is not None:
            pass  # Its rows have yet to come.
        elif isinstance(connector, Estimates) and fragment.source not in silent:
            try:
                found = connector.estimate(fragment.fragment, deadline)
            except (QueueFullError, SourceTimeoutError, SourceUnavailableError):
                # One that takes its time is not waited for again.
                silent.add(fragment.source)
            except CrosswindError:
                pass
            else:
                fragment = replace(fragment, estimated=found)
        fragments.append(fragment)
    return replace(plan, fragments=tuple(fragments))


def _explains(fragment: PlannedFragment, catalog: Catalog) -> Explains | None:
    """Who says how it would run a fragment; nobody does of one whose rows have yet to come."""
    connector = catalog.runnable[fragment.source].connector
    return connector if isinstance(connector, Explains) and fragment.sending is None else None


def _explained(connector: Explains, fragment: PlannedFragment, form: Form) -> str:
    with asking(fragment.source):
        return connector.explain(fragment.fragment, form == "json")


def _silent(source: str, error: CrosswindError) -> PlanWarning:
    late = isinstance(error, DeadlineError)
    why = "it did not answer in time" if late else error.message
    message = f"how {source} runs its part is not known: {why}"
    return PlanWarning("source.not_explained", message, source)
