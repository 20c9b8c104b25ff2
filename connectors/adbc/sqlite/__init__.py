"""SQLite database files through ADBC, opened to read only."""

from connectors.adbc.sqlite.connector import SqliteConnector, create
from connectors.adbc.sqlite.options import SqliteOptions

__all__ = ["SqliteConnector", "SqliteOptions", "create"]
