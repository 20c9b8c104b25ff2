"""A server from its configuration to its end: check, listen, say so, wait, drain.

Owns the order of these, and the line that says the server is ready.
"""

from __future__ import annotations

import gc
import importlib.metadata
import logging
from collections.abc import Callable, Sequence
from contextlib import ExitStack

from connectors.errors import ConfigurationError, SourceError
from flight_server.check import SourceCheck, check_sources
from flight_server.config import Config
from flight_server.server import Server
from flight_server.service import catalog_of, open_catalog, open_queries, watch_links
from planner.catalog import Catalog
from planner.replicas import unknown_tables

_log = logging.getLogger(__name__)


def serve_until(
    stop: Callable[[], None],
    config: Config,
    allow_unreachable: bool,
    say: Callable[[str], object],
) -> None:
    """Serve until `stop` returns, then drain.

    Args:
        stop: blocks for as long as the server shall run.
        config: what to serve, and where.
        allow_unreachable: start without the sources that do not answer.
        say: takes the line that says that the server is ready.

    Raises:
        SourceError: when a source does not answer and all must.
        ConfigurationError: when a source's options are refused, a replica does not exist, or the
            address cannot be used.
    """
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    with ExitStack() as opened:
        catalog = open_catalog(config)
        for source in catalog.sources.values():
            opened.callback(source.connector.close)
        checks = check_sources(catalog.sources.values())
        if not allow_unreachable:
            _refuse_unreachable(checks)
        for check in checks:
            for note in check.notes:
                _log.warning("source %r: %s", check.name, note)
        answering = [catalog.sources[check.name] for check in checks if check.error is None]
        absent = {check.name: check.error.message for check in checks if check.error is not None}
        served = catalog_of(answering, absent, config.replicas)
        _refuse_unknown(served, config)
        queries = open_queries(config, served)
        opened.callback(queries.close, 0.0)
        queries.closes_first(watch_links(config, queries).close)
        with Server(
            queries, config.server.listen, drain_seconds=config.server.drain_seconds
        ) as server:
            collect_less()
            say(ready_line(config, server.url, checks))
            stop()


def collect_less() -> None:
    """Let Python look for cycles less often: a fifth of the time of planning was its search.

    What there is by now stays: modules, dialects, the catalog. A plan's values are many, and mostly
    gone with it, without any search. For a process that only serves: this is for all of it.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


def ready_line(config: Config, url: str, checks: Sequence[SourceCheck]) -> str:
    """`crosswind 0.1.0 ready on URL — shop (postgres, 5 tables)`, and who is missing."""
    version = importlib.metadata.version("crosswind")
    served = [
        f"{check.name} ({config.sources[check.name].connector}, {_tables(check.tables)})"
        for check in checks
        if check.error is None
    ]
    line = f"crosswind {version} ready on {url} — {', '.join(served) or 'no sources'}"
    missing = [f"{check.name} ({check.error.message})" for check in checks if check.error]
    return f"{line}; without {', '.join(missing)}" if missing else line


def _refuse_unreachable(checks: Sequence[SourceCheck]) -> None:
    failed = [check for check in checks if check.error is not None]
    if not failed:
        return
    first = failed[0].error
    assert first is not None
    if len(failed) == 1 and isinstance(first, SourceError):
        raise first
    reasons = "; ".join(f"source {c.name!r}: {c.error.message}" for c in failed if c.error)
    raise SourceError(reasons)


def _refuse_unknown(catalog: Catalog, config: Config) -> None:
    """Raise where `[replicas]` names a table that its source does not have."""
    for named, problem in unknown_tables(catalog):
        where = config.locate(("replicas", ".".join(named)))
        raise ConfigurationError(f"{where}: {problem}" if where else problem)


def _tables(number: int | None) -> str:
    return f"{number or 0:,} table{'' if number == 1 else 's'}"
