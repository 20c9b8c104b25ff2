"""An S3 server in a process of its own (moto): right in its answers, not quick."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import s3fs

from tests.postgres_server import free_port
from tests.processes import BOUND_SECONDS

KEY, SECRET = "AKIDKITKITKIT", "kit-s3cr3t-of-the-bucket"


@dataclass(frozen=True)
class S3Server:
    """A server that runs.

    Attributes:
        log: what it wrote: a line for each request.
    """

    url: str
    log: Path

    @property
    def storage_options(self) -> dict[str, object]:
        """What s3fs takes to reach it."""
        return {
            "key": KEY,
            "secret": SECRET,
            "endpoint_url": self.url,
            "client_kwargs": {"region_name": "eu-central-1"},
        }

    def filesystem(self) -> s3fs.S3FileSystem:
        """A client without a cache, to put things there."""
        return s3fs.S3FileSystem(**self.storage_options, skip_instance_cache=True)

    def requests(self) -> list[str]:
        """Method and path of each request so far."""
        lines = [line for line in self.log.read_text().splitlines() if "HTTP/1.1" in line]
        return [line.split('"')[1].split("[1m")[-1].removesuffix(" HTTP/1.1") for line in lines]


@contextmanager
def s3_server(*buckets: str) -> Iterator[S3Server]:
    """Until the end of the block, with these buckets."""
    with tempfile.TemporaryDirectory(prefix="crosswind-s3-") as folder:
        port, log = free_port(), Path(folder, "requests.log")
        command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
        with log.open("w") as written, subprocess.Popen(command, stderr=written) as process:
            try:
                server = S3Server(f"http://127.0.0.1:{port}", log)
                _await(server.url, process)
                for bucket in buckets:
                    server.filesystem().call_s3(
                        "create_bucket",
                        Bucket=bucket,
                        CreateBucketConfiguration={"LocationConstraint": "eu-central-1"},
                    )
                yield server
            finally:
                process.kill()


def _await(url: str, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + BOUND_SECONDS
    while time.monotonic() < until:
        assert process.poll() is None, "the S3 server ended"
        try:
            with urllib.request.urlopen(f"{url}/moto-api/", timeout=BOUND_SECONDS):
                return
        except urllib.error.URLError:
            time.sleep(0.05)
    raise AssertionError("the S3 server does not answer")
