"""S3 for the engine's readers and for Arrow's: what s3fs was told, said in their words.

Owns nothing but the translation: s3fs finds endpoint, region and credentials, by options or by the
usual chain (environment, profile, instance), and is asked for them. Must not know tables, formats.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from fsspec.asyn import sync
from pyarrow.fs import FileSystem, S3FileSystem

from connectors.files.introduced import Introduced

if TYPE_CHECKING:
    import datafusion

PROTOCOLS = ("s3", "s3a")

_REGION = "us-east-1"
"""Where none is said: what AWS's own tools take for signing."""

_ONLY_S3FS = ("requester_pays", "s3_additional_kwargs", "session", "version_aware", "config_kwargs")
"""Options that only s3fs understands; with one of them it reads all by itself."""


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
        """Arrow's own client, which spares the way through Python."""
        access = self._access()
        endpoint = urlsplit(access.endpoint or "")
        return S3FileSystem(
            anonymous=access.key is None,
            access_key=access.key,
            secret_key=access.secret,
            session_token=access.token,
            region=access.region,
            endpoint_override=endpoint.netloc or None,
            scheme=endpoint.scheme or "https",
        )

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
        meta = s3fs.s3.meta  # Connects the first time.
        own = s3fs.endpoint_url or s3fs.client_kwargs.get("endpoint_url")
        endpoint = own or (None if "amazonaws.com" in meta.endpoint_url else meta.endpoint_url)
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
