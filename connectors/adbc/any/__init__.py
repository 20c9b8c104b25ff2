"""Any ADBC driver: by package, by library, or by manifest."""

from connectors.adbc.any.connector import AdbcConnector, create
from connectors.adbc.any.options import AdbcOptions

__all__ = ["AdbcConnector", "AdbcOptions", "create"]
