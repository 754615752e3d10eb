"""TLS towards citizens and backends: names, versions, renewal without a restart, verification both ways."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import ssl
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from proxy.control import ask
from tests.conftest import Start
from tests.processes import Started


def make_certificate(folder: Path, name: str, *names: str, ca: str | None = None) -> None:
    """`name.pem` and `name.key`, for `names`; signed by `ca`, or by itself and then an authority."""
    san = ",".join(f"DNS:{each}" if not each[0].isdigit() else f"IP:{each}" for each in names)
    is_ca = ["-addext", "basicConstraints=critical,CA:TRUE"] if not names else ["-addext", f"subjectAltName={san}"]
    signed = ["-CA", f"{ca}.pem", "-CAkey", f"{ca}.key"] if ca else []
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"),
            *("-days", "2", "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.pem", *is_ca, *signed),
        ],
        cwd=folder,
        check=True,
        capture_output=True,
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    make_certificate(tmp_path, "ca")
    make_certificate(tmp_path, "www", "www.anytown.gov.uk", ca="ca")
    make_certificate(tmp_path, "repairs", "repairs.anytown.gov.uk", ca="ca")
    make_certificate(tmp_path, "backend", "127.0.0.1", "localhost", ca="ca")
    make_certificate(tmp_path, "client", "proxy.internal", ca="ca")
    return tmp_path


Backend = Callable[[ssl.SSLContext | None], int]


@pytest.fixture
def routes(folder: Path) -> Callable[..., Path]:
    def write(backend: str, listen: str = "", tls: str = "") -> Path:
        file = folder / "routes.yaml"
        file.write_text(
            f"version: 1\nlisten: {listen or '127.0.0.1:0'}\nworkers: 1\nbackends:\n"
            f"  legacy:\n    url: {backend}\n{tls}default: legacy\n"
        )
        return file

    return write


LISTEN = """
  address: 127.0.0.1:0
  hsts: 365d
  tls:
    - {cert: www.pem, key: www.key, names: [www.anytown.gov.uk]}
    - {cert: repairs.pem, key: repairs.key, names: [repairs.anytown.gov.uk]}"""


def serve(start: Start, fig: Path, file: Path) -> tuple[Started, int]:
    process = start([fig, "serve", "-c", file], name="proxy")
    return process, int(process.wait_for(r"serving https?://127\.0\.0\.1:(\d+)", seconds=20).group(1))


@contextlib.asynccontextmanager
async def a_backend(tls: ssl.SSLContext | None = None):  # type: ignore[no-untyped-def]
    seen: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            while True:
                seen.append(await reader.readuntil(b"\r\n\r\n"))
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
                await writer.drain()
        writer.transport.abort()

    async with await asyncio.start_server(answer, "127.0.0.1", 0, ssl=tls) as server:
        yield server.sockets[0].getsockname()[1], seen


def citizen(folder: Path, oldest: ssl.TLSVersion = ssl.TLSVersion.TLSv1_2) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=folder / "ca.pem")
    context.minimum_version = oldest
    context.set_alpn_protocols(["h2", "http/1.1"])
    return context


def get(port: int, context: ssl.SSLContext, name: str) -> tuple[bytes, ssl.SSLSocket]:
    raw = socket.create_connection(("127.0.0.1", port), timeout=10)
    tls = context.wrap_socket(raw, server_hostname=name)
    tls.sendall(b"GET / HTTP/1.1\r\nHost: " + name.encode() + b"\r\nConnection: close\r\n\r\n")
    reply = b""
    while piece := tls.recv(65536):
        reply += piece
    return reply, tls


def names_of(tls: ssl.SSLSocket) -> set[str]:
    certificate = tls.getpeercert()
    assert certificate is not None
    return {value for kind, value in certificate["subjectAltName"] if kind == "DNS"}  # type: ignore[misc]


def test_each_name_gets_its_certificate_and_the_backend_learns_of_https(
    folder: Path, routes: Callable[..., Path], start: Start, fig: Path
) -> None:
    async def main() -> None:
        async with a_backend() as (backend_port, seen):
            _, port = serve(start, fig, routes(f"http://127.0.0.1:{backend_port}", LISTEN))
            for name in ("www.anytown.gov.uk", "repairs.anytown.gov.uk"):
                reply, tls = await asyncio.to_thread(get, port, citizen(folder), name)
                with tls:
                    assert names_of(tls) == {name}
                    assert tls.selected_alpn_protocol() == "http/1.1"
                    assert tls.version() == "TLSv1.3"
                assert reply.endswith(b"\r\n\r\nok")
                assert b"\r\nStrict-Transport-Security: max-age=31536000\r\n" in reply
            assert b"\r\nX-Forwarded-Proto: https\r\n" in seen[0]
            assert b";proto=https\r\n" in seen[0]

    asyncio.run(main())


def test_nothing_older_than_1_2_is_spoken(folder: Path, routes: Callable[..., Path], start: Start, fig: Path) -> None:
    _, port = serve(start, fig, routes("http://127.0.0.1:9", LISTEN))
    old = citizen(folder, ssl.TLSVersion.MINIMUM_SUPPORTED)
    old.set_ciphers("ALL:@SECLEVEL=0")
    old.minimum_version = ssl.TLSVersion.TLSv1_2
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    _, tls = get(port, old, "www.anytown.gov.uk")
    assert tls.version() == "TLSv1.2"
    tls.close()
    listed = subprocess.run(
        ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-tls1_1", "-cipher", "ALL:@SECLEVEL=0"],
        input=b"",
        capture_output=True,
        timeout=20,
        check=False,
    )
    assert b"Cipher is (NONE)" in listed.stdout


def test_a_renewed_certificate_is_presented_without_a_restart(
    folder: Path, routes: Callable[..., Path], start: Start, fig: Path
) -> None:
    async def main() -> None:
        async with a_backend() as (backend_port, _):
            process, port = serve(start, fig, routes(f"http://127.0.0.1:{backend_port}", LISTEN))
            make_certificate(folder, "www", "www.anytown.gov.uk", "new.anytown.gov.uk", ca="ca")
            await asyncio.to_thread(process.wait_for, "as generation 2", seconds=20)
            _, tls = await asyncio.to_thread(get, port, citizen(folder), "www.anytown.gov.uk")
            assert names_of(tls) == {"www.anytown.gov.uk", "new.anytown.gov.uk"}
            tls.close()

    asyncio.run(main())


def test_a_certificate_that_cannot_be_used_changes_nothing_and_is_said(
    folder: Path, routes: Callable[..., Path], start: Start, fig: Path
) -> None:
    async def main() -> None:
        async with a_backend() as (backend_port, _):
            process, port = serve(start, fig, routes(f"http://127.0.0.1:{backend_port}", LISTEN))
            (folder / "www.key").write_text((folder / "repairs.key").read_text())
            await asyncio.to_thread(process.wait_for, "which keeps|is not taken in", seconds=20)
            await asyncio.to_thread(
                process.wait_for,
                "routes.yaml:6: the certificate 'www.pem' and the key 'www.key' cannot be used: key values mismatch\n"
                "    both are PEM files; the key is the certificate's own, has no passphrase, and can be read",
                seconds=20,
            )
            reply, tls = await asyncio.to_thread(get, port, citizen(folder), "www.anytown.gov.uk")
            assert reply.endswith(b"ok")
            tls.close()

    asyncio.run(main())


@pytest.mark.parametrize(
    ("tls", "status"),
    [
        ("    tls: {ca: ca.pem}\n", 200),
        ("    tls: {verify: false}\n", 200),
        ("", 502),
        ("    tls: {ca: www.pem}\n", 502),
    ],
    ids=["its authority is known", "nothing is verified", "its authority is not known", "another authority"],
)
def test_a_backend_in_tls_is_verified(
    folder: Path, routes: Callable[..., Path], start: Start, fig: Path, tls: str, status: int
) -> None:
    async def main() -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder / "backend.pem", folder / "backend.key")
        async with a_backend(context) as (backend_port, _):
            _, port = serve(start, fig, routes(f"https://127.0.0.1:{backend_port}", tls=tls))
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            reply = await reader.read()
            writer.close()
            assert reply.startswith(b"HTTP/1.1 %d " % status)

    asyncio.run(main())


def test_a_backend_may_ask_for_the_proxys_own_certificate(
    folder: Path, routes: Callable[..., Path], start: Start, fig: Path
) -> None:
    async def main() -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder / "backend.pem", folder / "backend.key")
        context.load_verify_locations(folder / "ca.pem")
        context.verify_mode = ssl.CERT_REQUIRED
        async with a_backend(context) as (backend_port, _):
            tls = "    tls: {ca: ca.pem, cert: client.pem, key: client.key}\n"
            _, port = serve(start, fig, routes(f"https://127.0.0.1:{backend_port}", tls=tls))
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            assert (await reader.read()).endswith(b"ok")
            writer.close()

    asyncio.run(main())


def test_a_certificate_that_breaks_takes_nothing_down(
    folder: Path, routes: Callable[..., Path], start: Start, fig: Path
) -> None:
    """What was served before is served on: by a worker that starts anew, and through a change of the holds."""

    async def main() -> None:
        async with a_backend() as (backend_port, _):
            process, port = serve(start, fig, routes(f"http://127.0.0.1:{backend_port}", LISTEN))
            (folder / "www.pem").write_text("no certificate")
            await asyncio.to_thread(process.wait_for, "is not taken in", seconds=20)
            reply = await asyncio.to_thread(ask, folder, {"do": "bypass", "on": True, "who": "ada", "why": "a test"})
            assert reply["ok"] is True
            status = await asyncio.to_thread(ask, folder, {"do": "status"})
            os.kill(status["workers"][0]["pid"], signal.SIGKILL)  # type: ignore[index]
            answer, tls = await asyncio.to_thread(get, port, citizen(folder), "www.anytown.gov.uk")
            assert answer.endswith(b"ok")
            tls.close()

    asyncio.run(main())
