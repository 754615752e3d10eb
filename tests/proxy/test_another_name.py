"""`host: backend` in a running proxy that speaks TLS: the citizen is at https, the backend at its own http address."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

from tests.conftest import Start
from tests.processes import Started
from tests.proxy.test_tls import citizen, make_certificate

ROUTES = """\
version: 1
listen: {address: 127.0.0.1:0, tls: [{cert: www.pem, key: www.key, names: [www.anytown.gov.uk]}]}
hosts: [www.anytown.gov.uk]
workers: 1
backends:
  legacy: {url: "http://127.0.0.1:PORT", host: HOST, links: rewrite}
default: legacy
"""


def test_each_side_reads_its_own_address(tmp_path: Path, start: Start, fig: Path) -> None:
    make_certificate(tmp_path, "ca")
    make_certificate(tmp_path, "www", "www.anytown.gov.uk", ca="ca")
    seen: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await reader.readuntil(b"\r\n\r\n"))
        own = re.search(rb"\r\nHost: ([^\r]*)", seen[-1])
        assert own is not None
        page = b'<a href="http://%b/b">' % own[1]
        writer.write(
            b"HTTP/1.0 200 OK\r\nContent-Type: text/html\r\nContent-Location: http://%b/a\r\n\r\n%b" % (own[1], page)
        )
        await writer.drain()
        writer.close()

    async def ask(port: int, origin: str) -> bytes:
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", port, ssl=citizen(tmp_path), server_hostname="www.anytown.gov.uk"
        )
        fields = f"Host: www.anytown.gov.uk:{port}\r\nOrigin: {origin}\r\nConnection: close\r\n"
        writer.write(f"GET /a HTTP/1.1\r\n{fields}\r\n".encode())
        reply = await reader.read()
        writer.close()
        return reply

    async def main() -> None:
        async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
            backend = server.sockets[0].getsockname()[1]
            file = tmp_path / "routes.yaml"
            file.write_text(ROUTES.replace("PORT", str(backend)).replace("HOST", "backend"))
            process: Started = await asyncio.to_thread(start, [fig, "serve", "-c", file], name="proxy")
            found = await asyncio.to_thread(process.wait_for, r"serving https://127\.0\.0\.1:(\d+)")
            port = int(found[1])
            public = f"https://www.anytown.gov.uk:{port}"
            reply = await ask(port, public)
            assert f"\r\nContent-Location: {public}/a\r\n".encode() in reply
            assert f'<a href="{public}/b">'.encode() in reply
            assert f"\r\nHost: 127.0.0.1:{backend}\r\nOrigin: http://127.0.0.1:{backend}\r\n".encode() in seen[0]
            assert b"anytown" not in seen[0]

            # Another name, by a change of the file; and an origin of another scheme, which is not the public one.
            file.write_text(ROUTES.replace("PORT", str(backend)).replace("HOST", "legacy.internal"))
            await asyncio.to_thread(process.wait_for, r"generation 2")
            reply = await ask(port, "http://www.anytown.gov.uk")
            assert f'<a href="{public}/b">'.encode() in reply
            assert b"\r\nHost: legacy.internal\r\nOrigin: http://www.anytown.gov.uk\r\n" in seen[1]

    asyncio.run(main())
