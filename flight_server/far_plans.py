"""How the sources would run what they get: another server's EXPLAIN shows through here, and what a
source expects of its part.

Owns who is asked, and that an EXPLAIN does not fail for it. Must not know what is answered.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

from connectors.contract import Estimates, Explains
from connectors.errors import (
    CrosswindError,
    QueueFullError,
    SourceTimeoutError,
    SourceUnavailableError,
)
from planner.catalog import Catalog
from planner.explain_options import Form
from planner.plan import Plan, PlannedFragment


def with_far_plans(plan: Plan, catalog: Catalog, form: Form) -> Plan:
    """The plan with what its sources say of their fragments, where they say something.

    Args:
        form: that of the EXPLAIN; nothing can be shown in a picture.
    """
    if form == "mermaid" or not any(_explains(f, catalog) for f in plan.fragments):
        return plan
    return replace(plan, fragments=tuple(_asked(f, catalog, form) for f in plan.fragments))


def with_estimates(plan: Plan, catalog: Catalog, deadline: float | None) -> Plan:
    """The plan with what its sources expect of their fragments, where they can say."""
    silent: set[str] = set()
    fragments = []
    for fragment in plan.fragments:
        connector = catalog.sources[fragment.source].connector
        if isinstance(connector, Estimates) and fragment.source not in silent:
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
    connector = catalog.sources[fragment.source].connector
    return connector if isinstance(connector, Explains) else None


def _asked(fragment: PlannedFragment, catalog: Catalog, form: Form) -> PlannedFragment:
    connector = _explains(fragment, catalog)
    if connector is not None:
        # The source says what is wrong when the query runs.
        with suppress(CrosswindError):
            return replace(fragment, there=connector.explain(fragment.fragment, form == "json"))
    return fragment
