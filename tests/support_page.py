"""Writes `docs/connectors/support.md`: what each connector holds and does, by its profile.

A profile's waivers are strict and its types are compared value by value, so that the page says what
the suite of `tests/connectors/test_conformance.py` has shown, while it passes.
"""

from __future__ import annotations

from collections.abc import Mapping

from connectors import registry
from connectors.conformance import Conformance, Profile
from connectors.conformance.statements import RELATIONS
from connectors.conformance.tables import VALUES
from connectors.contract import Estimates
from tests.connectors import driver_profiles, file_profiles, profiles
from tests.connectors.roapi_profile import roapi

PROFILES: Mapping[str, Profile] = {
    "postgres": profiles.postgres(),
    "duckdb": profiles.duck(),
    "sqlite": profiles.sqlite(),
    "flightsql: Crosswind": profiles.flightsql(),
    "flightsql: ROAPI": roapi(),
    "adbc: DuckDB": driver_profiles.duckdb(),
    "adbc: PostgreSQL": driver_profiles.postgres(),
    "odbc: MariaDB": driver_profiles.mariadb(),
    "files: Parquet": file_profiles.parquet(),
    "files: Parquet on S3": file_profiles.s3_parquet(),
    "files: Parquet on GCS": file_profiles.gcs_parquet(),
    "files: Parquet on Azure": file_profiles.azure_parquet(),
    "files: Parquet by HTTP": file_profiles.http_parquet(),
    "files: Parquet by fsspec": file_profiles.remote_parquet(),
    "files: Avro": file_profiles.avro(),
    "delta": profiles.delta(),
    "iceberg": profiles.iceberg(),
    "memory": profiles.memory(),
}

_OPTIONS: Mapping[str, Mapping[str, object]] = {
    "postgres": {"uri": "postgresql://localhost/any"},
    "duckdb": {"uri": "any.duckdb"},
    "sqlite": {"uri": "any.db"},
    "flightsql: Crosswind": {"uri": "grpc://localhost:1", "dialect": "datafusion"},
    "flightsql: ROAPI": {"uri": "grpc://localhost:1", "dialect": "none"},
    "adbc: DuckDB": {"driver": "adbc_driver_duckdb"},
    "adbc: PostgreSQL": {"driver": "adbc_driver_postgresql"},
    "odbc: MariaDB": {"connection_string": "Driver=any", "dialect": "mysql"},
    "files: Parquet": {"root": "."},
    "files: Parquet on S3": {"root": "s3://any"},
    "files: Parquet on GCS": {"root": "gs://any"},
    "files: Parquet on Azure": {"root": "az://any"},
    "files: Parquet by HTTP": {"root": "http://any", "tables": {"any": "any.parquet"}},
    "files: Parquet by fsspec": {"root": "memory://any"},
    "files: Avro": {"root": "."},
    "delta": {"root": "."},
    "iceberg": {"properties": {"type": "sql", "uri": "sqlite:///any.db"}},
    "memory": {},
}
"""Enough to make a connector, which does no I/O, and to read what it claims."""

_OPTIONAL: Mapping[str, type] = {"an_estimate_runs_nothing": Estimates}
"""Checks of what not every connector claims."""

_HEAD = """# What each connector does

This page is written by `make regen` from the profiles that the conformance kit runs with, against
real sources, in `make test`. A ✓ is a check that passes; what is waived is waived strictly: a check
that passes nevertheless fails the suite. A — is what a connector does not claim.
"""


def page() -> str:
    """The whole page."""
    notes: list[str] = []
    parts = [_HEAD, *_relations(), *_types(notes), *_checks(notes)]
    numbered = [f"{number}. {note}" for number, note in enumerate(notes, 1)]
    return "\n".join([*parts, "## Notes", "", *numbered, ""])


def _relations() -> list[str]:
    """What runs at the source; the rest runs in the engine."""
    rows = [("can be run there", *PROFILES)]
    made = {
        name: registry.create(profile.connector, "page", _OPTIONS[name])
        for name, profile in PROFILES.items()
    }
    for relation in RELATIONS:
        claims = (relation in c.capabilities.relations for c in made.values())
        rows.append((relation, *("✓" if claimed else "" for claimed in claims)))
    rows.append(("SQL dialect", *(c.capabilities.dialect or "—" for c in made.values())))
    for connector in made.values():
        connector.close()
    return [
        "## Operators",
        "",
        "An operator may go to a source that has a ✓, if its functions are proven there: see",
        "[functions](../functions.md). Where the dialect is `—`, tables are scanned: columns,",
        "filters and limits go there, all else runs in the engine.",
        "",
        *_table(rows),
        "",
    ]


def _types(notes: list[str]) -> list[str]:
    rows = [("Arrow type", *PROFILES)]
    for type_ in VALUES:
        cells = []
        for name, profile in PROFILES.items():
            seen = profile.holds.get(type_)
            cell = "" if seen is None else "✓" if seen == type_ else f"as {seen}"
            if type_ in profile.lacks:
                lacking = ", ".join(map(str, profile.lacks[type_]))
                cell += _note(notes, f"{name} does not hold {lacking} of {type_}.")
            cells.append(cell)
        rows.append((f"`{type_}`", *cells))
    return [
        "## Types that come back as they are",
        "",
        "Each with NULL and its worst values: extremes, infinities, NaN, padded and empty texts,",
        "years 1 and 9999. More types are read than are listed here: see [types](../types.md).",
        "",
        *_table(rows),
        "",
    ]


def _checks(notes: list[str]) -> list[str]:
    rows = [("check", *PROFILES)]
    defined = (name for part in Conformance.__mro__ for name in vars(part))
    names = (name.removeprefix("test_") for name in defined if name.startswith("test_"))
    for check in names:
        cells = []
        for name, profile in PROFILES.items():
            waived = profile.waivers.get(check, "")
            note = f"{waived[:1].upper()}{waived[1:]}."
            claimed = check not in _OPTIONAL or _implements(name, _OPTIONAL[check])
            cells.append(_note(notes, note) if waived else "✓" if claimed else "—")
        rows.append((check.replace("_", " "), *cells))
    return ["## Checks", "", *_table(rows), ""]


def _implements(name: str, protocol: type) -> bool:
    connector = registry.create(PROFILES[name].connector, "page", _OPTIONS[name])
    connector.close()
    return isinstance(connector, protocol)


def _note(notes: list[str], note: str) -> str:
    if note not in notes:
        notes.append(note)
    return f" [{notes.index(note) + 1}]"


def _table(rows: list[tuple[str, ...]]) -> list[str]:
    head, *body = rows
    lines = [head, ("---",) * len(head), *body]
    return [f"| {' | '.join(cell.strip() for cell in line)} |" for line in lines]
