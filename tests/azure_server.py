"""Azure Blob Storage on this machine: what adlfs and the engine ask of it, over blobs in memory.

Containers and blobs are put in from here. Whoever asks is let in: signatures are not looked at.
"""

from __future__ import annotations

import base64
import os
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.utils import formatdate
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

from tests.web_server import answer

ACCOUNT = "devstoreaccount1"
KEY = base64.b64encode(b"azure-s3cret-key").decode()

_IDLE_SECONDS = 2.0

_ENGINE_LOOKS_AT = "AZURITE_BLOB_STORAGE_URL"


@dataclass
class AzureServer:
    """What it has, by container and name."""

    containers: dict[str, dict[str, bytes]]
    asked: list[tuple[str, str]] = field(default_factory=list)
    url: str = ""

    @property
    def storage_options(self) -> dict[str, object]:
        return storage_options(self.url)


def storage_options(url: str) -> dict[str, object]:
    """Those that lead to an emulator there."""
    parts = {
        "DefaultEndpointsProtocol": "http",
        "AccountName": ACCOUNT,
        "AccountKey": KEY,
        "BlobEndpoint": f"{url}/{ACCOUNT}",
    }
    return {"connection_string": "".join(f"{key}={value};" for key, value in parts.items())}


@contextmanager
def azure_server(*names: str) -> Iterator[AzureServer]:
    """One with these containers, until the block ends; the engine takes it for the emulator."""
    made = AzureServer({name: {} for name in names})

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def log_message(self, *_: object) -> None:
            """Not on the terminal."""

        def handle_one_request(self) -> None:
            # What clients keep open for later counts as theirs.
            self.connection.settimeout(_IDLE_SECONDS)
            super().handle_one_request()

        def do_GET(self) -> None:
            self.connection.settimeout(None)
            url = urlsplit(self.path)
            _, _, container, *rest = (*unquote(url.path).split("/", 3), "")
            name, query = "/".join(part for part in rest if part), parse_qs(url.query)
            made.asked.append((self.command, f"{container}/{name}"))
            blobs = made.containers.get(container)
            if blobs is None:
                self._missing("ContainerNotFound")
            elif query.get("comp") == ["list"]:
                self._list(container, blobs, query)
            elif not name:
                answer(self, 200, b"", _properties(b""))
            elif name in blobs:
                self._blob(blobs[name])
            else:
                self._missing("BlobNotFound")

        do_HEAD = do_GET

        def _missing(self, code: str) -> None:
            said = f"<Error><Code>{code}</Code><Message>It is not here.</Message></Error>"
            body = f'<?xml version="1.0" encoding="utf-8"?>{said}'
            headers = {"x-ms-error-code": code, "Content-Type": "application/xml"}
            answer(self, 404, body.encode(), headers)

        def _list(
            self, container: str, blobs: dict[str, bytes], query: dict[str, list[str]]
        ) -> None:
            prefix, delimiter = (query.get(key, [""])[0] for key in ("prefix", "delimiter"))
            body = _listed(container, blobs, prefix, delimiter)
            answer(self, 200, body.encode(), {"Content-Type": "application/xml"})

        def _blob(self, data: bytes) -> None:
            wanted = self.headers.get("x-ms-range") or self.headers.get("Range") or ""
            part = re.fullmatch(r"bytes=(\d+)-(\d*)", wanted)
            headers = _properties(data)
            if part is None:
                answer(self, 200, data, headers)
                return
            start, end = int(part[1]), min(int(part[2] or len(data)), len(data) - 1)
            if start >= len(data):
                answer(self, 416, b"", {"x-ms-error-code": "InvalidRange"})
                return
            headers["Content-Range"] = f"bytes {start}-{end}/{len(data)}"
            answer(self, 206, data[start : end + 1], headers)

    before = os.environ.get(_ENGINE_LOOKS_AT)
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        made.url = f"http://127.0.0.1:{server.server_port}"
        os.environ[_ENGINE_LOOKS_AT] = made.url
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield made
        finally:
            server.shutdown()
            thread.join()
            os.environ.pop(_ENGINE_LOOKS_AT)
            if before is not None:
                os.environ[_ENGINE_LOOKS_AT] = before


_AGE = formatdate(0, usegmt=True)


def _properties(data: bytes) -> dict[str, str]:
    return {
        "ETag": f'"0x{sha256(data).hexdigest()[:16]}"',
        "Last-Modified": _AGE,
        "x-ms-creation-time": _AGE,
        "x-ms-blob-type": "BlockBlob",
        "Content-Type": "application/octet-stream",
    }


def _listed(container: str, blobs: dict[str, bytes], prefix: str, delimiter: str) -> str:
    found: dict[str, str] = {}
    for name, data in sorted(blobs.items()):
        if not name.startswith(prefix):
            continue
        within, cut, _ = name[len(prefix) :].partition(delimiter) if delimiter else (name, "", "")
        if cut:
            folder = escape(prefix + within + cut)
            found[prefix + within + cut] = f"<BlobPrefix><Name>{folder}</Name></BlobPrefix>"
            continue
        told = _properties(data)
        found[name] = (
            f"<Blob><Name>{escape(name)}</Name><Properties>"
            f"<Creation-Time>{_AGE}</Creation-Time><Last-Modified>{_AGE}</Last-Modified>"
            f"<Etag>{escape(told['ETag'].strip(chr(34)))}</Etag>"
            f"<Content-Length>{len(data)}</Content-Length>"
            f"<Content-Type>{told['Content-Type']}</Content-Type><BlobType>BlockBlob</BlobType>"
            "</Properties></Blob>"
        )
    return (
        '<?xml version="1.0" encoding="utf-8"?>'
        f'<EnumerationResults ServiceEndpoint="http://any" ContainerName="{escape(container)}">'
        f"<Prefix>{escape(prefix)}</Prefix><Blobs>{''.join(found.values())}</Blobs>"
        "<NextMarker /></EnumerationResults>"
    )
