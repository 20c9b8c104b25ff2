"""Google Cloud Storage on this machine: an emulator, and the part of the interface that it lacks.

gcsfs speaks JSON, which `gcp-storage-emulator` answers; the engine speaks XML, which it does not.
"""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

# Read when gcsfs is imported. It would ask each bucket for its kind, over TLS.
os.environ.setdefault("GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT", "false")

from gcp_storage_emulator.handlers import buckets
from gcp_storage_emulator.server import RequestHandler
from gcp_storage_emulator.storage import Storage

from tests.web_server import answer

_JSON = ("storage", "upload", "download", "batch")


@dataclass(frozen=True)
class GcsServer:
    """A server that runs.

    Attributes:
        asked_in_xml: method and path of what the engine asked.
    """

    url: str
    asked_in_xml: list[tuple[str, str]]

    @property
    def storage_options(self) -> dict[str, object]:
        return {"endpoint_url": self.url, "token": "anon", "project": "tests"}

    def filesystem(self) -> Any:
        import gcsfs

        return gcsfs.GCSFileSystem(**self.storage_options)


@contextmanager
def gcs_server(*names: str) -> Iterator[GcsServer]:
    """One with these buckets, until the block ends."""
    storage = Storage(use_memory_fs=True)
    for name in names:
        buckets.create_bucket(name, storage)
    asked: list[tuple[str, str]] = []

    class Handler(RequestHandler):
        disable_nagle_algorithm = True

        def __init__(self, *arguments: Any) -> None:
            super().__init__(storage, *arguments)

        def log_message(self, *_: object) -> None:
            """Not on the terminal."""

        def do_GET(self) -> None:
            url = urlsplit(self.path)
            bucket, _, name = unquote(url.path).lstrip("/").partition("/")
            if bucket in _JSON:
                super().do_GET()
                return
            asked.append((self.command, f"{bucket}/{name}"))
            if name:
                self._object(bucket, name)
            else:
                prefix = parse_qs(url.query).get("prefix", [""])[0]
                answer(self, 200, _listed(storage, bucket, prefix), {})

        do_HEAD = do_GET

        def _object(self, bucket: str, name: str) -> None:
            try:
                told = storage.get_file_obj(bucket, name)
            except FileNotFoundError:
                answer(self, 404, b"", {})
                return
            data = storage.get_file(bucket, name)
            headers = {"ETag": f'"{told["etag"]}"', "Last-Modified": _AGE}
            part = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range") or "")
            if part is None:
                answer(self, 200, data, headers)
                return
            start, end = int(part[1]), min(int(part[2]), len(data) - 1)
            headers["Content-Range"] = f"bytes {start}-{end}/{len(data)}"
            answer(self, 206, data[start : end + 1], headers)

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield GcsServer(f"http://127.0.0.1:{server.server_port}", asked)
        finally:
            server.shutdown()
            thread.join()


_AGE = "Wed, 21 Oct 2015 07:28:00 GMT"


def _listed(storage: Storage, bucket: str, prefix: str) -> bytes:
    found, _ = storage.get_file_list(bucket, prefix)
    objects = "".join(
        f"<Contents><Key>{escape(each['name'])}</Key><Size>{each['size']}</Size>"
        f'<ETag>"{each["etag"]}"</ETag><LastModified>{each["updated"]}</LastModified></Contents>'
        for each in found
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?><ListBucketResult>'
        f"<IsTruncated>false</IsTruncated>{objects}</ListBucketResult>"
    ).encode()
