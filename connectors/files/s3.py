"""S3 for the engine's readers and for Arrow's: what s3fs was told, said in their words.

Owns nothing but the translation: s3fs finds endpoint, region and credentials, by options or by the
usual chain (environment, profile, instance), and is asked for them. Must not know tables, formats.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit
from urllib.request import getproxies

import pyarrow as pa
from fsspec.asyn import sync
from pyarrow.fs import AwsStandardS3RetryStrategy, FileSystem, S3FileSystem

from connectors.files.introduced import Introduced

if TYPE_CHECKING:
    import datafusion

PROTOCOLS = ("s3", "s3a")

_REGION = "us-east-1"
"""Where none is said: what AWS's own tools take for signing."""

_ONLY_S3FS = ("requester_pays", "s3_additional_kwargs", "session", "version_aware", "config_kwargs")
"""Options that only s3fs understands; with one of them it reads all by itself."""

CONNECT_SECONDS = 5.0
"""That Arrow's client waits for a connection."""

SILENT_SECONDS = 30.0
"""That it waits for the next byte. Its own 3 s end queries of a store that is busy."""

ATTEMPTS = 10
"""That it makes at a request which a store puts off: the engine's own client makes so many."""

IO_THREADS = 32
"""At least, of Arrow, which all reads of the process share: each waits for a round trip."""


@dataclass(frozen=True, slots=True, repr=False)
class Access:
    """How a bucket is reached. Credentials may expire: ask again for each use.

    Attributes:
        endpoint: a URL, or None for AWS itself.
        key, secret, token: None for anonymous access.
    """

    endpoint: str | None
    region: str
    key: str | None
    secret: str | None
    token: str | None


class S3Store:
    """The buckets of one source. Two sources may reach one bucket with other credentials.

    Args:
        source: names the URL scheme by which the engine knows this source's buckets.
        filesystem: gives the s3fs file system; connects the first time.
        storage_options: what s3fs was told.
    """

    def __init__(self, source: str, filesystem: Any, storage_options: Mapping[str, object]) -> None:
        self._scheme = f"s3-{source.encode().hex()}"
        self._filesystem = filesystem
        self._introduced = Introduced(self._scheme)
        self._lock = threading.Lock()
        self._arrow: tuple[Access, FileSystem] | None = None
        only = any(storage_options.get(name) for name in _ONLY_S3FS)
        self.arrow_reads = not only
        # The engine's store signs whatever it asks.
        self.native = not only and not storage_options.get("anon")

    def uri(self, path: str) -> str:
        """The engine's URL of `bucket/key`."""
        bucket, _, key = path.partition("/")
        return f"{self._scheme}://{bucket}/{quote(key)}"

    def within(self, path: str) -> str:
        """The key."""
        return path.partition("/")[2]

    def arrow(self) -> FileSystem:
        """Arrow's own client, which spares the way through Python; one, whose connections stay."""
        access = self._access()
        with self._lock:
            if self._arrow is None or self._arrow[0] != access:
                self._arrow = access, _arrow(access)
            return self._arrow[1]

    @property
    def arrow_reaches(self) -> bool:
        """Whether Arrow's client goes the others' way: it heeds no proxies and no certificates.

        Connects the first time.
        """
        s3fs = self._filesystem()
        scheme = urlsplit(_endpoint(s3fs) or "").scheme or "https"
        own = s3fs.client_kwargs.get("verify") is not None or os.getenv("AWS_CA_BUNDLE")
        proxies = getproxies()
        return not (scheme in proxies or "all" in proxies or (scheme == "https" and own))

    def introduce(self, context: datafusion.SessionContext, path: str) -> None:
        """Make the bucket of `path` known to an engine's session."""
        from datafusion.object_store import AmazonS3

        bucket, access = path.partition("/")[0], self._access()

        def client() -> AmazonS3:
            return AmazonS3(
                bucket_name=bucket,
                region=access.region,
                access_key_id=access.key,
                secret_access_key=access.secret,
                session_token=access.token,
                endpoint=access.endpoint,
                allow_http=(access.endpoint or "").startswith("http://"),
            )

        self._introduced.once(context, bucket, access, client)

    def object_url(self, path: str) -> str:
        """`s3://bucket/key`."""
        bucket, _, key = path.partition("/")
        return f"s3://{bucket}/{quote(key)}"

    def object_store_options(self) -> dict[str, str]:
        """What Rust's `object_store` takes; it signs nothing where there are no credentials."""
        access = self._access()
        options = {
            "AWS_REGION": access.region,
            "AWS_ENDPOINT_URL": access.endpoint,
            "AWS_ALLOW_HTTP": str((access.endpoint or "").startswith("http://")).lower(),
            "AWS_ACCESS_KEY_ID": access.key,
            "AWS_SECRET_ACCESS_KEY": access.secret,
            "AWS_SESSION_TOKEN": access.token,
            "AWS_SKIP_SIGNATURE": "true" if access.key is None else None,
        }
        return {key: value for key, value in options.items() if value is not None}

    def _access(self) -> Access:
        s3fs = self._filesystem()
        meta, endpoint = s3fs.s3.meta, _endpoint(s3fs)
        region = meta.region_name if meta.region_name not in (None, "aws-global") else _REGION
        if s3fs.anon:
            return Access(endpoint, region, None, None, None)
        if s3fs.key:
            return Access(endpoint, region, s3fs.key, s3fs.secret, s3fs.token)
        found = sync(s3fs.loop, s3fs.session.get_credentials)
        if found is None:
            return Access(endpoint, region, None, None, None)
        frozen = sync(s3fs.loop, found.get_frozen_credentials)
        return Access(endpoint, region, frozen.access_key, frozen.secret_key, frozen.token)


def _endpoint(s3fs: Any) -> str | None:
    own: str | None = s3fs.endpoint_url or s3fs.client_kwargs.get("endpoint_url")
    found: str = s3fs.s3.meta.endpoint_url  # Connects the first time.
    return own or (None if "amazonaws.com" in found else found)


def _arrow(access: Access) -> FileSystem:
    if pa.io_thread_count() < IO_THREADS:  # A client has as many connections.
        pa.set_io_thread_count(IO_THREADS)
    endpoint = urlsplit(access.endpoint or "")
    return S3FileSystem(
        anonymous=access.key is None,
        access_key=access.key,
        secret_key=access.secret,
        session_token=access.token,
        region=access.region,
        endpoint_override=endpoint.netloc or None,
        scheme=endpoint.scheme or "https",
        connect_timeout=CONNECT_SECONDS,
        request_timeout=SILENT_SECONDS,
        retry_strategy=AwsStandardS3RetryStrategy(max_attempts=ATTEMPTS),
    )
