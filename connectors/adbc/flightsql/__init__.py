"""Flight SQL servers through ADBC's Flight SQL driver: another Crosswind, or any other."""

from connectors.adbc.flightsql.connector import FlightsqlConnector, create
from connectors.adbc.flightsql.options import FlightsqlOptions

__all__ = ["FlightsqlConnector", "FlightsqlOptions", "create"]
