"""Composition: from a configuration to a running server. The one place that knows every part.

Owns which parser, planner, engine and connectors work together. Holds no logic of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace

from connectors import registry
from connectors.contract import Connector
from connectors.errors import CrosswindError
from connectors.information_schema import NAME as INFORMATION_SCHEMA
from connectors.information_schema import InformationSchema
from connectors.system import NAME as SYSTEM
from connectors.system import SystemConnector
from execution.engine import Engine, EngineSettings
from execution.links import Links
from execution.source_link import Configured
from flight_server.config import Config, LinkConfig
from flight_server.link_watch import LinkWatch
from flight_server.links_text import link_rows
from flight_server.parts import Limits, Planned
from flight_server.queries import Queries
from flight_server.replica_config import Replicas
from flight_server.server import Server
from flight_server.session_options import DEFAULTS, SessionOptions
from planner.account import Account
from planner.catalog import Catalog, Source
from planner.client_dialect import Translated, columns_in, in_clients_text, translate
from planner.cost import Link
from planner.described import described
from planner.explain import explain_text
from planner.explain_json import explain_json
from planner.explain_mermaid import explain_mermaid
from planner.explain_options import Form
from planner.parse import Statement, parse
from planner.plain_formats import plain_formats
from planner.plan import Plan
from planner.planning import plan_query


class SqlPlanning:
    """The project's parser and planner, as `queries` asks for them."""

    def plan(self, sql: str, catalog: Catalog, options: SessionOptions = DEFAULTS) -> Planned:
        """Parse and plan one statement."""
        if (asked := described(sql, catalog)) is not None:
            return self.plan(asked, catalog, replace(options, dialect=None))
        if options.dialect is not None:
            translated = translate(sql, options.dialect, columns_in(catalog))
            return _plan_translated(translated, catalog, options)
        statement = parse(sql)
        plan = plan_query(statement, catalog, options.planning)
        if formats := tuple(plain_formats(statement)):
            plan = replace(plan, warnings=(*formats, *plan.warnings))
        return _answered(statement, plan)

    def explain(self, plan: Plan, account: Account | None, form: Form = "text") -> list[str]:
        """The plan in rows; with the account of a run, what happened as well."""
        match form:
            case "json":
                return [explain_json(plan, account)]
            case "mermaid":
                return [explain_mermaid(plan, account)]
            case _:
                return explain_text(plan, account, verbose=form == "verbose").splitlines()


def _answered(statement: Statement, plan: Plan) -> Planned:
    shown, estimates = statement.form, statement.estimates
    return Planned(statement.mode, plan, statement.volatile, shown, estimates)


def _plan_translated(translated: Translated, catalog: Catalog, options: SessionOptions) -> Planned:
    statement = translated.statement
    try:
        plan = plan_query(statement, catalog, options.planning)
    except CrosswindError as error:
        raise in_clients_text(error, translated) from None
    # Places of what fails when it runs are looked for in the text of the client, too.
    warnings = (*translated.notes, *plan.warnings)
    plan = replace(plan, sql=translated.client_sql, warnings=warnings)
    return _answered(statement, plan)


def open_catalog(config: Config) -> Catalog:
    """The configured sources. Opens no connection.

    Raises:
        ConfigurationError: when a source's options are refused.
    """
    with ExitStack() as opened:
        sources = []
        for name, source in config.sources.items():
            connector = registry.create(
                source.connector, name, source.options, locate=config.locate
            )
            opened.callback(connector.close)
            sources.append(Source(name, connector, _link(source.link), source.pushdown))
        opened.pop_all()
    return catalog_of(sources, replicas=config.replicas)


def catalog_of(
    sources: Sequence[Source],
    absent: Mapping[str, str] | None = None,
    replicas: Replicas | None = None,
) -> Catalog:
    """The catalog of some sources, and of the tables that list theirs.

    Args:
        sources: those that may be asked.
        absent: configured sources that are left out, and why.
        replicas: the tables that are in several sources.
    """
    listing = InformationSchema({source.name: source.connector for source in sources})
    own = (Source(INFORMATION_SCHEMA, listing), Source(SYSTEM, SystemConnector()))
    return Catalog(sources, absent, own, replicas=replicas)


def links_of(config: Config, catalog: Catalog) -> Links:
    """What is known of the links of a catalog's sources, which is what is configured."""
    links = Links(
        {
            name: _configured(config.sources[name].link, source.connector)
            for name, source in catalog.sources.items()
            if name in config.sources
        }
    )
    system = catalog.runnable[SYSTEM].connector
    if isinstance(system, SystemConnector):
        system.shows("links", lambda: link_rows(links.known(), catalog.seen.work.pace))
    return links


def open_queries(config: Config, catalog: Catalog) -> Queries:
    """Parser, planner and engine over a catalog, within the configured limits."""
    server = config.server
    limits = Limits(
        max_concurrent_queries=server.max_concurrent_queries,
        queue_timeout_seconds=server.queue_timeout_seconds,
        query_timeout_seconds=server.query_timeout_seconds,
        max_cached_plans=server.plan_cache_size,
    )
    settings = EngineSettings(
        memory_limit_bytes=server.memory_limit,
        target_partitions=server.target_partitions,
        temp_directory=server.temp_directory,
        queue_timeout_seconds=server.queue_timeout_seconds,
    )
    links = links_of(config, catalog)
    return Queries(catalog, SqlPlanning(), Engine(settings, catalog, links), limits, links=links)


def watch_links(config: Config, queries: Queries) -> LinkWatch:
    """Find out about the links of a server that stays; to be closed before its sources."""
    connectors = {name: source.connector for name, source in queries.catalog.sources.items()}
    return LinkWatch(queries.links, connectors, config.server.state)


def open_server(config: Config) -> Server:
    """A running server.

    Raises:
        ConfigurationError: when a source's options are refused, or the address cannot be used.
    """
    queries = open_queries(config, open_catalog(config))
    try:
        queries.closes_first(watch_links(config, queries).close)
        return Server(queries, config.server.listen, drain_seconds=config.server.drain_seconds)
    except BaseException:
        queries.close(0.0)
        raise


def _configured(link: LinkConfig | None, connector: Connector) -> Configured:
    if connector.capabilities.local:
        return Configured(local=True)
    if link is None:
        return Configured()
    return Configured(
        None if link.rtt_ms is None else link.rtt_ms / 1e3,
        None if link.mbps is None else link.mbps * 1e6 / 8,
    )


def _link(configured: LinkConfig | None) -> Link:
    return Link() if configured is None else Link.of(configured.rtt_ms, configured.mbps)
