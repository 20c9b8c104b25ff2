"""How the sources would run what they get: another server's EXPLAIN shows through here.

Owns who is asked, and that an EXPLAIN does not fail for it. Must not know what is answered.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

from connectors.contract import Explains
from connectors.errors import CrosswindError
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
