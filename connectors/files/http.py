"""Files on web servers: one by one, by their URLs, for nothing there lists a folder.

Owns how such a file is looked at, and the engine's way to it. Must not know tables or formats.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from io import UnsupportedOperation
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from fsspec.asyn import sync
from pyarrow.fs import FileSystem

from connectors.files.introduced import Introduced

if TYPE_CHECKING:
    import datafusion

PROTOCOLS = ("http", "https")

_LOOKS = itertools.count()


class HttpStore:
    """One web server.

    Args:
        root: the URL of a file, or of what is before the names of several.
        storage_options: what fsspec was told; with any of them it reads all by itself.
    """

    def __init__(self, root: str, storage_options: Mapping[str, object]) -> None:
        url = urlsplit(root)
        self._introduced = Introduced(url.scheme)
        # The engine's client is for TLS only, and has neither headers nor passwords.
        self.native = url.scheme == "https" and not storage_options and "@" not in url.netloc

    def uri(self, path: str) -> str:
        """The URL itself."""
        return path

    def within(self, path: str) -> str:
        """The URL's path."""
        return urlsplit(path).path.lstrip("/")

    def arrow(self) -> FileSystem | None:
        """None: fsspec is as good."""
        return None

    def introduce(self, context: datafusion.SessionContext, path: str) -> None:
        """Make the server of `path` known to an engine's session."""
        from datafusion.object_store import Http

        url = urlsplit(path)
        self._introduced.once(context, url.netloc, None, lambda: Http(path))


def look(filesystem: Any, url: str) -> dict[str, Any]:
    """What a server says of a file, as fsspec's `info` does, by one request.

    fsspec takes every failure for a file that is not there, and learns in the middle of a scan
    that a server gives no parts.

    Raises:
        FileNotFoundError, PermissionError, OSError: as the server answers.
        UnsupportedOperation: where it gives files as a whole only.
    """
    found: dict[str, Any] = sync(filesystem.loop, _look, filesystem, url)
    return found


async def _look(filesystem: Any, url: str) -> dict[str, Any]:
    session = await filesystem.set_session()
    options = dict(filesystem.kwargs)
    given = {"Range": "bytes=0-0", "Accept-Encoding": "identity"}
    headers = {**options.pop("headers", {}), **given}
    async with session.get(filesystem.encode_url(url), headers=headers, **options) as answer:
        _raise_for(answer.status, url)
        told = answer.headers
        _, _, size = told.get("Content-Range", "").partition("/")
        empty = answer.status == 416 or (answer.status == 200 and answer.content_length == 0)
        if not (empty or (answer.status == 206 and size.isdigit())):
            raise UnsupportedOperation("the server does not answer requests for parts of a file")
        info = {"name": url, "type": "file", "size": 0 if empty else int(size)}
        tags = {"ETag": told.get("ETag"), "LastModified": told.get("Last-Modified")}
        if not any(tags.values()):
            tags["sha"] = f"unknown {next(_LOOKS)}"  # Another one at any time.
        return {**info, **{name: tag for name, tag in tags.items() if tag}}


def _raise_for(status: int, url: str) -> None:
    if status in (404, 410):
        raise FileNotFoundError(url)
    if status in (401, 403, 407):
        raise PermissionError(url)
    if status >= 400 and status != 416:
        raise OSError(f"the server answers {status}")
