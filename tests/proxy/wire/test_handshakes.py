"""A listener in TLS takes in so many at a time, so that citizens who are here already are looked at in between."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

from proxy.counters import CONNECTIONS
from proxy.generation import Certificate, Limits
from proxy.wire.handshakes import ACCEPTS, TlsListener
from proxy.wire.station import Door
from proxy.wire.tls import ServerTls
from tests.proxy.test_tls import make_certificate
from tests.proxy.wire.stand import SECONDS, Runner, a_stand


def test_so_many_are_taken_in_at_a_time(run: Runner, tmp_path: Path) -> None:
    make_certificate(tmp_path, "www")
    certificate = Certificate((tmp_path / "www.pem").read_bytes(), (tmp_path / "www.key").read_bytes(), ("www",))

    async def main() -> None:
        with socket.create_server(("127.0.0.1", 0), backlog=4 * ACCEPTS) as queue:
            waiting = [socket.create_connection(queue.getsockname()) for _ in range(2 * ACCEPTS + 1)]
            async with a_stand(limits=Limits(head_time=60.0)) as stand:
                listener = TlsListener(stand.station, Door(b"https"), ServerTls([certificate]), queue)
                try:
                    listener.accept()
                    assert stand.counters.total(CONNECTIONS) == ACCEPTS
                    listener.open()
                    while stand.counters.total(CONNECTIONS) < len(waiting):
                        await asyncio.sleep(0)
                    # The last of them are not yet so far that their handshake has begun.
                    listener.close()
                    listener.end_handshakes()
                    async with asyncio.timeout(SECONDS):
                        while stand.counters.total(CONNECTIONS):
                            await asyncio.sleep(0)
                finally:
                    left = len(stand.station.open)
                    stand.station.open.clear()
                assert left == 0
            for each in waiting:
                each.close()

    run(main)
