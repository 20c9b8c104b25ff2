"""The engine's planning sessions: their settings, and those that are idle, by catalog.

Owns the sessions. Making one takes a third of a millisecond of the first plan that it makes, so a
catalog's are kept from statement to statement. Knows no SQL.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import datafusion

from planner.catalog import Catalog
from planner.lookup import HOME, Asked, Lookup, register


def session_config() -> datafusion.SessionConfig:
    """The settings that planning and execution share: plain strings, no schema of its own."""
    return (
        datafusion.SessionConfig()
        .with_create_default_catalog_and_schema(False)
        .with_default_catalog_and_schema(HOME, HOME)
        .set("datafusion.sql_parser.map_string_types_to_utf8view", "false")
        .set("datafusion.execution.parquet.schema_force_view_types", "false")
        # What may be NULL, its two planners see differently: of `x IS FALSE`, for one.
        .set("datafusion.execution.skip_physical_aggregate_schema_check", "true")
    )


def without_faulty_rules(context: datafusion.SessionContext) -> datafusion.SessionContext:
    """The session without a rule of DataFusion 55 that loses rows.

    `eliminate_join` makes a semi join of a join with rows that are unique by its key. It takes for
    such the groups by k and c of rows in which k alone was unique before a join repeated it.
    """
    context.remove_optimizer_rule("eliminate_join")
    return context


def without_named_unions(context: datafusion.SessionContext) -> datafusion.SessionContext:
    """The session without rules of DataFusion 55 that take one column of a union for another.

    `optimize_unions` makes one union of two, and `propagate_empty_relation` leaves out inputs that
    are empty. They look for the columns of the union by their names in its inputs, which may have
    these for other columns, or not at all: so it is in plans that are read from Substrait. Planning
    keeps both, and names the columns in its text (`planner.desugar.unnamed`): a hundred unions in
    one another are more levels than Substrait has, and what is empty can go nowhere.
    """
    context.remove_optimizer_rule("optimize_unions")
    context.remove_optimizer_rule("propagate_empty_relation")
    return context


MOST_IDLE = 16
"""Of a catalog. Each takes some 40 kB; more than run at once are of no use."""


@dataclass(frozen=True, slots=True)
class _Session:
    context: datafusion.SessionContext
    asked: Asked


_CONFIG = session_config()
_idle: WeakKeyDictionary[Catalog, list[_Session]] = WeakKeyDictionary()


@contextmanager
def planning_session(catalog: Catalog, lookup: Lookup) -> Iterator[datafusion.SessionContext]:
    """A session for one statement alone, which finds the tables of a catalog.

    Args:
        lookup: asked for them, and told what goes wrong.
    """
    idle = _idle.setdefault(catalog, [])
    try:
        session = idle.pop()
    except IndexError:
        session = _Session(
            without_faulty_rules(datafusion.SessionContext(_CONFIG)), Asked(catalog.nameable)
        )
        register(session.context, session.asked)
    session.asked.lookup = lookup
    yield session.context
    # Not after a failure: nothing is known of a session in which the engine gave up.
    session.asked.lookup = None
    if len(idle) < MOST_IDLE:
        idle.append(session)
