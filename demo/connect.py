"""How to connect to a server from each client, as text to copy. Knows ports, starts nothing."""

from __future__ import annotations

HOST = "127.0.0.1"

_QUERY = "SELECT c_mktsegment, count(*) FROM customer GROUP BY 1"

SNIPPETS = {
    "ADBC": """\
import adbc_driver_flightsql.dbapi as flightsql

with flightsql.connect("grpc://{host}:{port}", autocommit=True) as connection:
    with connection.cursor() as cursor:
        cursor.execute("{query}")
        print(cursor.fetch_arrow_table())""",
    "pandas": """\
import adbc_driver_flightsql.dbapi as flightsql
import pandas as pd

with flightsql.connect("grpc://{host}:{port}", autocommit=True) as connection:
    print(pd.read_sql("{query}", connection))""",
    "polars": """\
import polars as pl

print(pl.read_database_uri(
    "{query}",
    "flightsql://{host}:{port}?transport=tcp",
    engine="adbc",
))""",
    "JDBC": "jdbc:arrow-flight-sql://{host}:{port}/?useEncryption=false",
    "command line": 'crosswind query --url grpc://{host}:{port} "{query}"',
}
"""By client. Each is complete: Python, a URL, or a command."""


def snippet(client: str, port: int) -> str:
    """How `client`, one of `SNIPPETS`, connects to the server at `port` of this machine."""
    return SNIPPETS[client].format(host=HOST, port=port, query=_QUERY)


def snippets(port: int) -> str:
    """All of them, each under its client's name."""
    return "\n".join(f"\n# {client}\n{snippet(client, port)}" for client in SNIPPETS)
