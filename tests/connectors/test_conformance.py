"""The conformance kit over every connector that comes with the project, against real sources."""

from __future__ import annotations

from connectors.conformance import Conformance
from tests.connectors import driver_profiles, profiles
from tests.connectors.roapi_profile import roapi


class TestMemory(Conformance):
    profile = profiles.memory()


class TestPostgres(Conformance):
    profile = profiles.postgres()


class TestSqlite(Conformance):
    profile = profiles.sqlite()


class TestDuckdb(Conformance):
    profile = profiles.duck()


class TestFlightsql(Conformance):
    profile = profiles.flightsql()


class TestRoapi(Conformance):
    profile = roapi()


class TestParquet(Conformance):
    profile = profiles.parquet()


class TestRemoteParquet(Conformance):
    profile = profiles.remote_parquet()


class TestS3Parquet(Conformance):
    profile = profiles.s3_parquet()


class TestDelta(Conformance):
    profile = profiles.delta()


class TestIceberg(Conformance):
    profile = profiles.iceberg()


class TestAnyDuckdb(Conformance):
    profile = driver_profiles.duckdb()


class TestAnyPostgres(Conformance):
    profile = driver_profiles.postgres()


class TestMariadb(Conformance):
    profile = driver_profiles.mariadb()
