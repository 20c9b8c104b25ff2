"""What a client may set for its queries: its dialect, how much is pushed, how results are sent.

Owns the options' names and values, and the errors for others. Must not know how they are sent.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeVar

from connectors.errors import InvalidValueError, UnknownNameError
from flight_server.link_options import LINK_OPTIONS, Supposed, is_link_option, supposing
from planner.client_dialect import dialect_named
from planner.options import (
    CUTS,
    PUSHDOWNS,
    REDUCTIONS,
    Caution,
    Cuts,
    PlanningOptions,
    Pushdown,
    Reductions,
)

Compression = Literal["lz4", "zstd"]
COMPRESSIONS: tuple[Compression, ...] = ("lz4", "zstd")

_Value = TypeVar("_Value", bound=str)


@dataclass(frozen=True, slots=True)
class SessionOptions:
    """The options of one query; equal ones share plans.

    Attributes:
        dialect: that the client's SQL is in; None for the engine's own.
        pushdown: how much of a query goes to its sources; None leaves it to their configuration.
        reductions: which fragments are sent keys; see `planner.options`.
        cuts: whether joins that one source can run are run there.
        compression: of the batches that are sent; None for none.
        links: what to suppose of links instead of what is known.
        caution: see `planner.options.PlanningOptions`; no client sets it.
    """

    dialect: str | None = None
    pushdown: Pushdown | None = None
    reductions: Reductions | None = None
    cuts: Cuts | None = None
    compression: Compression | None = None
    links: tuple[Supposed, ...] = ()
    caution: Caution | None = None

    @property
    def planning(self) -> PlanningOptions:
        """What of it the planner takes."""
        reductions, cuts = self.reductions or "costed", self.cuts or "costed"
        return PlanningOptions(self.pushdown, reductions, cuts, self.caution)

    def given(self) -> dict[str, str]:
        """The options that are set, by name."""
        every = {name: getattr(self, name) for name in OPTIONS}
        set_ = {name: value for name, value in every.items() if value is not None}
        return set_ | {supposed.name: f"{supposed.value:g}" for supposed in self.links}

    def with_option(self, name: str, value: str) -> SessionOptions:
        """The same with one option set; an empty value unsets it.

        Raises:
            UnknownNameError: when there is no such option, with the nearest one.
            InvalidValueError: when it does not take this value, with the nearest ones.

        >>> SessionOptions().with_option("dialect", "snowflake").given()
        {'dialect': 'snowflake'}
        """
        match name:
            case "dialect":
                return replace(self, dialect=dialect_named(value))
            case "pushdown":
                return replace(self, pushdown=_one_of(name, PUSHDOWNS, value))
            case "reductions":
                return replace(self, reductions=_one_of(name, REDUCTIONS, value))
            case "cuts":
                return replace(self, cuts=_one_of(name, CUTS, value))
            case "compression":
                return replace(self, compression=_one_of(name, COMPRESSIONS, value))
        if is_link_option(name):
            return replace(self, links=supposing(self.links, name, value))
        close = difflib.get_close_matches(name, OPTIONS, n=1, cutoff=0.5)
        known = ", ".join((*OPTIONS, *LINK_OPTIONS))
        hint = f"Nearest: {close[0]}." if close else f"There are: {known}."
        raise UnknownNameError(f"there is no session option {name[:40]!r}", hint=hint)


OPTIONS = ("dialect", "pushdown", "reductions", "cuts", "compression")

DEFAULTS = SessionOptions()


def _one_of(option: str, known: Sequence[_Value], value: str) -> _Value | None:
    wanted = value.strip().lower()
    if not wanted:
        return None
    for one in known:
        if wanted == one:
            return one
    close = difflib.get_close_matches(wanted, known, n=1, cutoff=0.5)
    nearest = f"Nearest: {close[0]}. " if close else ""
    raise InvalidValueError(
        f"{option} cannot be {value[:40]!r}", hint=f"{nearest}There are: {', '.join(known)}."
    )
