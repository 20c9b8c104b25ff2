"""DuckDB database files through DuckDB's own ADBC driver, opened to read only."""

from connectors.adbc.duckdb.connector import DuckdbConnector, create
from connectors.adbc.duckdb.options import DuckdbOptions

__all__ = ["DuckdbConnector", "DuckdbOptions", "create"]
