"""The conformance kit over every connector that comes with the project, against real sources."""

from __future__ import annotations

from connectors.conformance import Conformance
from tests.connectors import driver_profiles, file_profiles, profiles
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
    profile = file_profiles.parquet()


class TestRemoteParquet(Conformance):
    profile = file_profiles.remote_parquet()


class TestS3Parquet(Conformance):
    profile = file_profiles.s3_parquet()


class TestGcsParquet(Conformance):
    profile = file_profiles.gcs_parquet()


class TestAzureParquet(Conformance):
    profile = file_profiles.azure_parquet()


class TestHttpParquet(Conformance):
    profile = file_profiles.http_parquet()


class TestAvro(Conformance):
    profile = file_profiles.avro()


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
