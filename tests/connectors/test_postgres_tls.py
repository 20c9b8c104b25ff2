"""TLS to PostgreSQL: what the URI asks for reaches libpq, and what is refused says why."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa
import pytest
import trustme

from connectors.adbc.postgres import PostgresConnector
from connectors.errors import SourceRejectedError
from tests.connectors.shop import DATABASE, TEXT, one, read
from tests.postgres_server import HOST, PostgresServer

_REQUEST_BYTES = 8
"""An SSLRequest, which a client sends before TLS begins."""


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def encrypted_port(postgres_server: PostgresServer, authority: trustme.CA) -> Iterator[int]:
    """A port where TLS ends, for HOST by name of its address; the embedded server speaks none."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(HOST).configure_cert(context)
    with relayed(context, postgres_server.port) as port:
        yield port


@contextlib.contextmanager
def relayed(context: ssl.SSLContext, target: int) -> Iterator[int]:
    opened: list[socket.socket] = []
    threads: list[threading.Thread] = []

    def begin(work: Callable[..., None], *arguments: object) -> None:
        threads.append(threading.Thread(target=work, args=arguments))
        threads[-1].start()

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                begin(serve, listener.accept()[0])

    def serve(plain: socket.socket) -> None:
        opened.append(plain)
        with contextlib.suppress(OSError):
            plain.recv(_REQUEST_BYTES, socket.MSG_WAITALL)
            plain.sendall(b"S")
            client = context.wrap_socket(plain, server_side=True)
            server = socket.create_connection((HOST, target))
            opened.extend((client, server))
            begin(pump, server, client)
            pump(client, server)

    def pump(source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 16):
                sink.sendall(data)
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    with socket.socket() as listener:
        listener.bind((HOST, 0))
        listener.listen()
        begin(accept)
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            for each in opened:
                with contextlib.suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)
            for thread in threads:
                thread.join(20)
            for each in opened:
                each.close()


Connect = Callable[..., PostgresConnector]


def test_a_certificate_that_is_trusted_and_names_the_host_is_taken(
    connect: Connect, encrypted_port: int, authority: trustme.CA, tmp_path: Path
) -> None:
    root = tmp_path / "root.pem"
    authority.cert_pem.write_to_path(str(root))
    shop = connect(
        f"postgresql://postgres@{HOST}:{encrypted_port}/{DATABASE}"
        f"?sslmode=verify-full&sslrootcert={root}"
    )
    assert one(shop, "SELECT 'in'::text", pa.string()) == "in"
    shop.close()


@pytest.mark.parametrize(
    ("host", "root", "said"),
    [
        (HOST, "other", "certificate verify failed"),
        ("localhost", "own", "does not match host name"),
        (HOST, "none", "root certificate file"),
    ],
)
def test_a_certificate_that_is_not_is_refused(
    connect: Connect,
    encrypted_port: int,
    authority: trustme.CA,
    tmp_path: Path,
    host: str,
    root: str,
    said: str,
) -> None:
    authority.cert_pem.write_to_path(str(tmp_path / "own.pem"))
    trustme.CA().cert_pem.write_to_path(str(tmp_path / "other.pem"))
    shop = connect(
        f"postgresql://postgres@{host}:{encrypted_port}/{DATABASE}"
        f"?sslmode=verify-full&sslrootcert={tmp_path / root}.pem"
    )
    with pytest.raises(SourceRejectedError, match=f"shop.*{said}") as caught:
        read(shop, "SELECT 'in'::text", TEXT)
    assert not caught.value.retryable


def test_a_server_without_tls_is_refused_where_the_uri_demands_it(
    connect: Connect, postgres_server: PostgresServer
) -> None:
    shop = connect(f"{postgres_server.uri(DATABASE, tcp=True)}?sslmode=require")
    with pytest.raises(SourceRejectedError, match=r"shop.*does not support SSL"):
        read(shop, "SELECT 'in'::text", TEXT)


def test_an_unknown_mode_is_refused(connect: Connect, postgres_server: PostgresServer) -> None:
    shop = connect(f"{postgres_server.uri(DATABASE, tcp=True)}?sslmode=sideways")
    with pytest.raises(SourceRejectedError, match=r"shop.*sslmode"):
        read(shop, "SELECT 'in'::text", TEXT)
