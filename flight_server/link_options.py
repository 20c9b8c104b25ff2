"""What a session supposes of links, to see what the planner would do: `link.shop.mbps = 10`.

Owns these options' names and values, and what becomes of links under them.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from connectors.errors import InvalidValueError, UnknownNameError
from planner.catalog import Catalog
from planner.cost import Link
from planner.warnings import PlanWarning

LINK_OPTIONS = ("link.SOURCE.rtt_ms", "link.SOURCE.mbps")

_UNITS = {"rtt_ms": "a round trip of {:g} ms", "mbps": "{:g} Mbit/s"}


@dataclass(frozen=True, slots=True, order=True)
class Supposed:
    """One figure of a source's link: `rtt_ms` in milliseconds, `mbps` in 10^6 bits per second."""

    source: str
    figure: str
    value: float

    @property
    def name(self) -> str:
        """Of the option."""
        return f"link.{self.source}.{self.figure}"


def is_link_option(name: str) -> bool:
    """Whether an option is one of these, or is meant to be."""
    return name.startswith("link.")


def supposing(already: tuple[Supposed, ...], name: str, value: str) -> tuple[Supposed, ...]:
    """With one option set; an empty value unsets it.

    Raises:
        UnknownNameError: when there is no such option. Of what source it is, is not looked at: see
            `refuse_unknown_sources`.
        InvalidValueError: when the value is not a number, or one that no link has.

    >>> supposing((), "link.shop.mbps", "10")
    (Supposed(source='shop', figure='mbps', value=10.0),)
    """
    _, _, rest = name.partition(".")
    source, _, figure = rest.rpartition(".")
    if not source or figure not in _UNITS:
        raise UnknownNameError(
            f"there is no session option {name[:80]!r}",
            hint=f"There are: {', '.join(LINK_OPTIONS)}.",
        )
    others = {each for each in already if (each.source, each.figure) != (source, figure)}
    if not value.strip():
        return tuple(sorted(others))
    return tuple(sorted({*others, Supposed(source, figure, _number(name, figure, value))}))


_LEAST = {"mbps": 1e-3, "rtt_ms": 0.0}
_MOST = 1e9
"""What a link may be supposed to be: a week for a megabyte, or a light-year, is no link."""


def _number(name: str, figure: str, value: str) -> float:
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    if not (_LEAST[figure] <= number <= _MOST):
        least = "a number from 0.001" if figure == "mbps" else "a number from 0"
        raise InvalidValueError(
            f"{name} cannot be {value[:40]!r}", hint=f"It is {least}: {_UNITS[figure].format(20)}."
        )
    return number


def refuse_unknown_sources(supposed: Iterable[Supposed], catalog: Catalog) -> None:
    """Nothing is supposed of a source that there is not.

    Raises:
        UnknownNameError: with the nearest names.
    """
    for each in supposed:
        if each.source not in catalog.nameable:
            close = difflib.get_close_matches(each.source, catalog.nameable, n=3)
            known = ", ".join(sorted(catalog.nameable)) or "none"
            raise UnknownNameError(
                f"session option {each.name[:80]!r} is of a source that does not exist",
                hint=f"Nearest: {', '.join(close)}." if close else f"Known sources: {known}.",
            )


def supposed_links(
    links: Mapping[str, Link], supposed: Iterable[Supposed], catalog: Catalog
) -> dict[str, Link]:
    """Links, with what is supposed of them.

    Raises:
        UnknownNameError: when something is supposed of a source that there is not.
    """
    supposed = tuple(supposed)
    refuse_unknown_sources(supposed, catalog)
    found = dict(links)
    for each in supposed:
        if each.source not in catalog.sources:  # It was left out when the server started.
            continue
        link = found.get(each.source, catalog.sources[each.source].link)
        if each.figure == "mbps":
            # That of one connection too: what was measured of it is another link's.
            found[each.source] = Link(link.rtt_seconds, each.value * 1e6 / 8)
        else:
            found[each.source] = replace(link, rtt_seconds=each.value / 1e3)
    return found


def supposed_warnings(supposed: Iterable[Supposed], catalog: Catalog) -> list[PlanWarning]:
    """What EXPLAIN says of it."""
    return [PlanWarning("link.supposed", _said(each, catalog), each.source) for each in supposed]


def _said(supposed: Supposed, catalog: Catalog) -> str:
    figure = _UNITS[supposed.figure].format(supposed.value)
    source = catalog.sources.get(supposed.source)
    if source is not None and source.connector.capabilities.local:
        return (
            f"{supposed.name} changes nothing: there is no link to {supposed.source}, which is here"
        )
    return (
        f"planned as if the link to {supposed.source} had {figure}, because the session says"
        f" {supposed.name}"
    )
