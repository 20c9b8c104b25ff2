"""A read-only S3 server over a folder, as quick as a benchmark needs it: buckets are its folders.

Owns as much of S3's protocol as readers use: listings in pages (version 2), HEAD, GET with ranges,
ETags and conditions. It checks no signature, so it is for measuring only. `python -m
benchmarks.bucket_server FOLDER [LATENCY_MS]` prints its address, and ends with standard input.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote
from xml.sax.saxutils import escape

import psutil
from aiohttp import web

from benchmarks.peers import Peer, python_child

MOST_KEYS = 1_000
"""In a page of a listing, as with AWS."""

SENT_AT_ONCE_BYTES = 1 << 20

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

STORAGE_OPTIONS: dict[str, object] = {
    "key": "benchmark",
    "secret": "benchmark",
    "client_kwargs": {"region_name": "us-east-1"},
}


@contextlib.contextmanager
def bucket_server(folder: Path, latency_ms: float = 0.0) -> Iterator[Peer]:
    """The server in a process of its own, over the buckets below `folder`.

    Args:
        latency_ms: before each answer; nothing is said of bandwidth.
    """
    arguments = (str(folder.resolve()), str(latency_ms))
    with python_child("S3", "benchmarks.bucket_server", *arguments) as (url, process):
        yield Peer("S3", url, psutil.Process(process.pid))


def application(root: Path, latency_seconds: float) -> web.Application:
    """Answers for the buckets below `root`."""

    @web.middleware
    async def late(request: web.Request, handler: Handler) -> web.StreamResponse:
        if latency_seconds:
            await asyncio.sleep(latency_seconds)
        return await handler(request)

    async def of_bucket(request: web.Request) -> web.StreamResponse:
        bucket = root / request.match_info["bucket"]
        if not bucket.is_dir():
            return _error(404, "NoSuchBucket")
        if request.method == "HEAD":
            return web.Response()
        text = await asyncio.to_thread(_listing, bucket, dict(request.query))
        return web.Response(text=text, content_type="application/xml")

    async def of_object(request: web.Request) -> web.StreamResponse:
        path = root / request.match_info["bucket"] / request.match_info["key"]
        if not (path.is_file() and path.resolve().is_relative_to(root)):
            return _error(404, "NoSuchKey")
        # It knows ranges, from the end, too, conditions and HEAD, and has the kernel send.
        return web.FileResponse(path, chunk_size=SENT_AT_ONCE_BYTES)

    served = web.Application(middlewares=[late])
    for path in ("/{bucket}", "/{bucket}/"):
        served.router.add_get(path, of_bucket)
    served.router.add_get("/{bucket}/{key:.+}", of_object)
    return served


def _error(status: int, code: str) -> web.Response:
    text = f"<Error><Code>{code}</Code><Message>{code}</Message></Error>"
    return web.Response(status=status, text=text, content_type="application/xml")


def _listing(bucket: Path, asked: dict[str, str]) -> str:
    """A page of ListObjectsV2."""
    prefix, delimiter = asked.get("prefix", ""), asked.get("delimiter", "")
    after = asked.get("continuation-token") or asked.get("start-after", "")
    most = min(MOST_KEYS, int(asked.get("max-keys", MOST_KEYS)))
    shown = quote if asked.get("encoding-type") == "url" else escape
    # What shares a folder of the prefix, which is less than the whole bucket.
    within = bucket / prefix.rpartition("/")[0]
    found: dict[str, Path | None] = {}
    for path in within.rglob("*"):
        key = path.relative_to(bucket).as_posix()
        if path.is_dir() or not key.startswith(prefix):
            continue
        head, divided, _ = key[len(prefix) :].partition(delimiter) if delimiter else (key, "", "")
        if divided:
            found[prefix + head + delimiter] = None
        else:
            found[key] = path
    keys = sorted(key for key in found if key > after)
    page, more = keys[:most], len(keys) > most
    lines = [
        '<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">',
        f"<Name>{escape(bucket.name)}</Name><Prefix>{shown(prefix)}</Prefix>",
        f"<KeyCount>{len(page)}</KeyCount><MaxKeys>{most}</MaxKeys>",
        f"<IsTruncated>{str(more).lower()}</IsTruncated>",
    ]
    if asked.get("encoding-type"):
        lines.append("<EncodingType>url</EncodingType>")
    if more:
        lines.append(f"<NextContinuationToken>{escape(page[-1])}</NextContinuationToken>")
    lines += [_entry(key, found[key], shown) for key in page]
    return '<?xml version="1.0" encoding="UTF-8"?>' + "".join(lines) + "</ListBucketResult>"


def _entry(key: str, path: Path | None, shown: Callable[[str], str]) -> str:
    if path is None:
        return f"<CommonPrefixes><Prefix>{shown(key)}</Prefix></CommonPrefixes>"
    stat = path.stat()
    # As aiohttp words both: a HEAD must say the same.
    etag = f"&quot;{stat.st_mtime_ns:x}-{stat.st_size:x}&quot;"
    return (
        f"<Contents><Key>{shown(key)}</Key><LastModified>{_time(stat.st_mtime)}</LastModified>"
        f"<ETag>{etag}</ETag><Size>{stat.st_size}</Size></Contents>"
    )


def _time(seconds: float) -> str:
    import datetime

    moment = datetime.datetime.fromtimestamp(int(seconds), datetime.UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.000Z")


async def _serve(folder: str, latency_ms: str = "0") -> None:
    served = application(Path(folder).resolve(), float(latency_ms) / 1e3)
    runner: Any = web.AppRunner(served, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(f"http://127.0.0.1:{runner.addresses[0][1]}", flush=True)
    await asyncio.to_thread(sys.stdin.read)
    await runner.cleanup()


if __name__ == "__main__":
    asyncio.run(_serve(*sys.argv[1:]))
