"""A web server over files in memory, with ranges and without, and what it was asked."""

from __future__ import annotations

import re
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.utils import formatdate
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

import trustme


@dataclass
class WebServer:
    """What it serves, by path, and how.

    Attributes:
        ranges: parts of files are given where they are asked for.
        dated: it tells ETag and age of a file.
        refusal: the status of every answer, instead of one.
        token: without it nothing is given.
        asked: method, path and range of each question.
        authority: signs its certificate; None without TLS.
    """

    files: dict[str, bytes] = field(default_factory=dict)
    ranges: bool = True
    dated: bool = True
    refusal: int | None = None
    token: str | None = None
    asked: list[tuple[str, str, str | None]] = field(default_factory=list)
    authority: trustme.CA | None = None
    url: str = ""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """A client that goes away is none."""


def answer(
    request: BaseHTTPRequestHandler, status: int, body: bytes, headers: dict[str, str]
) -> None:
    """Send a whole answer; of one to HEAD, only what is before the body."""
    request.send_response(status)
    for name, value in {**headers, "Content-Length": str(len(body))}.items():
        request.send_header(name, value)
    request.end_headers()
    if request.command != "HEAD":
        request.wfile.write(body)


@contextmanager
def web_server(*, tls: bool = False) -> Iterator[WebServer]:
    """One that serves until the block ends."""
    site = WebServer(authority=trustme.CA() if tls else None)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 30
        disable_nagle_algorithm = True

        def log_message(self, *_: object) -> None:
            """Not on the terminal."""

        def do_GET(self) -> None:
            self._answer()

        do_HEAD = do_GET

        def _answer(self) -> None:
            path, wanted = unquote(urlsplit(self.path).path), self.headers.get("Range")
            site.asked.append((self.command, path, wanted))
            data = site.files.get(path)
            shown = self.headers.get("Authorization")
            stranger = site.token is not None and shown != f"Bearer {site.token}"
            if site.refusal is not None or stranger or data is None:
                answer(self, site.refusal or (401 if stranger else 404), b"", {})
                return
            headers = {"ETag": f'"{sha256(data).hexdigest()}"', "Last-Modified": formatdate(0)}
            headers = headers if site.dated else {}
            part = re.fullmatch(r"bytes=(\d*)-(\d*)", wanted or "") if site.ranges else None
            if part is None:
                answer(self, 200, data, headers)
                return
            first, last = part.groups()
            start = int(first) if first else max(0, len(data) - int(last))
            end = min(int(last), len(data) - 1) if first and last else len(data) - 1
            if start >= len(data):
                answer(self, 416, b"", {"Content-Range": f"bytes */{len(data)}"})
                return
            headers["Content-Range"] = f"bytes {start}-{end}/{len(data)}"
            answer(self, 206, data[start : end + 1], headers)

    with _Server(("127.0.0.1", 0), Handler) as server:
        if site.authority is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            site.authority.issue_cert("127.0.0.1").configure_cert(context)
            server.socket = context.wrap_socket(
                server.socket, server_side=True, do_handshake_on_connect=False
            )
        site.url = f"http{'s' if tls else ''}://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield site
        finally:
            server.shutdown()
            thread.join()
