"""The conformance kit over every connector that comes with the project, against real sources."""

from __future__ import annotations

from connectors.conformance import Conformance
from tests.connectors import profiles


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


class TestParquet(Conformance):
    profile = profiles.parquet()


class TestRemoteParquet(Conformance):
    profile = profiles.remote_parquet()


class TestS3Parquet(Conformance):
    profile = profiles.s3_parquet()


class TestDelta(Conformance):
    profile = profiles.delta()
