"""The `postgres` connector: PostgreSQL 14 and later over the ADBC driver, read-only."""

from connectors.adbc.postgres.connector import PostgresConnector, create
from connectors.adbc.postgres.options import PostgresOptions

__all__ = ["PostgresConnector", "PostgresOptions", "create"]
