"""What a client may set for its queries: the dialect that it speaks, and how much is pushed.

Owns the options' names and values, and the errors for others. Must not know how they are sent.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass, replace

from connectors.errors import InvalidValueError, UnknownNameError
from planner.client_dialect import dialect_named
from planner.options import PUSHDOWNS, PlanningOptions, Pushdown


@dataclass(frozen=True, slots=True)
class SessionOptions:
    """The options of one query; equal ones share plans.

    Attributes:
        dialect: that the client's SQL is in; None for the engine's own.
        pushdown: how much of a query goes to its sources; None leaves it to their configuration.
    """

    dialect: str | None = None
    pushdown: Pushdown | None = None

    @property
    def planning(self) -> PlanningOptions:
        """What of it the planner takes."""
        return PlanningOptions(pushdown=self.pushdown)

    def given(self) -> dict[str, str]:
        """The options that are set, by name."""
        both = {"dialect": self.dialect, "pushdown": self.pushdown}
        return {name: value for name, value in both.items() if value is not None}

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
                return replace(self, pushdown=_pushdown(value))
        close = difflib.get_close_matches(name, OPTIONS, n=1, cutoff=0.5)
        hint = f"Nearest: {close[0]}." if close else f"There are: {', '.join(OPTIONS)}."
        raise UnknownNameError(f"there is no session option {name[:40]!r}", hint=hint)


OPTIONS = ("dialect", "pushdown")

DEFAULTS = SessionOptions()


def _pushdown(value: str) -> Pushdown | None:
    wanted = value.strip().lower()
    if not wanted:
        return None
    for known in PUSHDOWNS:
        if wanted == known:
            return known
    close = difflib.get_close_matches(wanted, PUSHDOWNS, n=1, cutoff=0.5)
    nearest = f"Nearest: {close[0]}. " if close else ""
    raise InvalidValueError(
        f"pushdown cannot be {value[:40]!r}", hint=f"{nearest}There are: {', '.join(PUSHDOWNS)}."
    )
