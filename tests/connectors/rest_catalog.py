"""A REST catalog of Iceberg tables for tests: what the specification asks of readers, no more.

Serves the tables of another catalog to those who have the token.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

from pyiceberg.catalog import Catalog
from pyiceberg.exceptions import NoSuchNamespaceError, NoSuchTableError

TOKEN = "kit-t0ken-of-the-catalog"


@contextmanager
def rest_catalog(tables: Catalog) -> Iterator[dict[str, str]]:
    """Until the end of the block: the properties that lead there."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(tables))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        uri = f"http://127.0.0.1:{server.server_address[1]}"
        yield {"type": "rest", "uri": uri, "token": TOKEN}
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _handler(tables: Catalog) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            if self.headers.get("Authorization") != f"Bearer {TOKEN}":
                given = self.headers.get("Authorization")
                return self._answer(401, _error(401, "NotAuthorizedException", f"not {given}"))
            try:
                self._answer(200, self._found())
            except NoSuchNamespaceError as error:
                self._answer(404, _error(404, "NoSuchNamespaceException", str(error)))
            except NoSuchTableError as error:
                self._answer(404, _error(404, "NoSuchTableException", str(error)))

        def _found(self) -> str:
            at = urlsplit(self.path)
            match [unquote(part) for part in at.path.split("/")[2:]]:
                case ["config"]:
                    return json.dumps({"defaults": {}, "overrides": {}})
                case ["namespaces"]:
                    above = parse_qs(at.query).get("parent", [""])[0]
                    found = tables.list_namespaces(tuple(above.split("\x1f")) if above else ())
                    return json.dumps({"namespaces": found})
                case ["namespaces", namespace, "tables"]:
                    found = tables.list_tables(tuple(namespace.split("\x1f")))
                    named = [{"namespace": t[:-1], "name": t[-1]} for t in found]
                    return json.dumps({"identifiers": named})
                case ["namespaces", namespace, "tables", name]:
                    table = tables.load_table((*namespace.split("\x1f"), name))
                    metadata = json.loads(table.metadata.model_dump_json(by_alias=True))
                    location = table.metadata_location
                    return json.dumps({"metadata-location": location, "metadata": metadata})
            raise NoSuchTableError(self.path)

        def _answer(self, status: int, body: str) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body.encode())))
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, format: str, *args: object) -> None:
            """Nothing on the screen of the tests."""

    return Handler


def _error(code: int, kind: str, message: str) -> str:
    return json.dumps({"error": {"code": code, "type": kind, "message": message}})
