"""Any database that has an ODBC driver."""

from connectors.odbc.connector import OdbcConnector, create
from connectors.odbc.options import OdbcOptions

__all__ = ["OdbcConnector", "OdbcOptions", "create"]
