"""Google Cloud Storage for the engine's reader: what gcsfs was told, as far as the engine takes it.

Owns nothing but the translation. The engine's client knows the key file of a service account, what
`gcloud` or the machine says, and nobody at all; with any other option gcsfs reads all by itself.
Must not know tables or formats.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from pyarrow.fs import FileSystem

from connectors.files.introduced import Introduced

if TYPE_CHECKING:
    import datafusion

PROTOCOLS = ("gs", "gcs")

_KNOWN = ("token", "project", "endpoint_url", "access", "use_listings_cache")
"""Options of gcsfs that change nothing, or are said to the engine, too."""

_GCLOUD = Path("gcloud", "application_default_credentials.json")


class GcsStore:
    """The buckets of one source. Two sources may reach one bucket with other credentials.

    Args:
        source: names the URL scheme by which the engine knows this source's buckets.
        storage_options: what gcsfs was told.
    """

    def __init__(self, source: str, storage_options: Mapping[str, object]) -> None:
        self._scheme = f"gs-{source.encode().hex()}"
        self._introduced = Introduced(self._scheme)
        emulated = os.environ.get("STORAGE_EMULATOR_HOST")
        self._endpoint = storage_options.get("endpoint_url") or emulated
        token = storage_options.get("token")
        self._anonymous = token == "anon"  # noqa: S105
        self._key_file = None if self._anonymous else _key_file(token)
        known = not (set(storage_options) - set(_KNOWN))
        self.native = known and (
            self._anonymous or (not self._endpoint and _known_to_the_engine(token, self._key_file))
        )

    def uri(self, path: str) -> str:
        """The engine's URL of `bucket/name`."""
        bucket, _, name = path.partition("/")
        return f"{self._scheme}://{bucket}/{quote(name)}"

    def within(self, path: str) -> str:
        """The object's name."""
        return path.partition("/")[2]

    def arrow(self) -> FileSystem | None:
        """None: Arrow's own client finds credentials elsewhere than gcsfs."""
        return None

    def introduce(self, context: datafusion.SessionContext, path: str) -> None:
        """Make the bucket of `path` known to an engine's session."""
        from datafusion.object_store import GoogleCloud

        bucket = path.partition("/")[0]

        def client() -> GoogleCloud:
            if self._anonymous:
                with _nobody(str(self._endpoint) if self._endpoint else None) as key_file:
                    return GoogleCloud(bucket, service_account_path=key_file)
            return GoogleCloud(bucket, service_account_path=self._key_file)

        self._introduced.once(context, bucket, _age(self._key_file), client)


def _key_file(token: object) -> str | None:
    """The file of credentials that gcsfs would read for `token`."""
    given = os.environ.get("GOOGLE_APPLICATION_CREDENTIALS")
    if token is None or token == "google_default":  # noqa: S105
        return given or None
    return token if isinstance(token, str) and Path(token).is_file() else None


def _age(key_file: str | None) -> tuple[int, int]:
    """Of the credentials that the engine reads: with others it needs another client."""
    read = Path(key_file) if key_file else Path.home() / ".config" / _GCLOUD
    try:
        told = read.stat()
    except OSError:
        return 0, 0  # Nobody's, or the machine's own; or the client says that they are gone.
    return told.st_ino, told.st_mtime_ns


def _known_to_the_engine(token: object, key_file: str | None) -> bool:
    if key_file is not None:
        try:
            return bool(json.loads(Path(key_file).read_text())["type"] == "service_account")
        except (OSError, ValueError, KeyError, TypeError):
            return False  # gcsfs says what is wrong with it.
    if token == "cloud":  # noqa: S105
        return True
    # Else gcsfs goes on to look where the engine does not.
    home = os.environ.get("CLOUDSDK_CONFIG") is None
    return (
        token in (None, "google_default") and home and (Path.home() / ".config" / _GCLOUD).exists()
    )


@contextmanager
def _nobody(endpoint: str | None) -> Iterator[str]:
    """A key file without a key: it says that nothing is to be signed, and whom to ask.

    The engine reads it once, and no option says either of these.
    """
    key = {"client_email": "", "private_key": "", "private_key_id": "", "disable_oauth": True}
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump({**key, **({"gcs_base_url": endpoint.rstrip("/")} if endpoint else {})}, file)
        file.flush()
        yield file.name
