"""Load on one proxy: as many requests as it takes, and every answer right, or nothing is measured."""

from __future__ import annotations

import os
import re
import socket
import ssl
import subprocess
from dataclasses import dataclass
from pathlib import Path

from scripts.benches.proxy_cases import Case

CONNECTIONS = 64
# Bytes by which answers may differ in length: some say in their heads how long the backend took.
SLACK = 16

# wrk counts what came; it need not look at each answer in Lua for that.
# Nor does it write the head itself: it would put the fields in an order of its own, which no browser does.
SCRIPT = """\
local all, at = {{ {requests} }}, 0
wrk.format = function() at = at % #all + 1; return all[at] end
done = function(summary, latency, requests)
  local e = summary.errors
  local failed = e.connect + e.read + e.write + e.status + e.timeout
  print(string.format("counted %d %d %d %d", summary.requests, summary.bytes, summary.duration, failed))
end
"""

# One version and one cipher for all: the client offers no other.
OPENSSL = """\
openssl_conf = all
[all]
ssl_conf = tls
[tls]
system_default = only
[only]
MinProtocol = TLSv1.3
Ciphersuites = TLS_AES_128_GCM_SHA256
"""
NAME = "localhost"


class Wrong(Exception):
    """An answer that is not the one that was asked for."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """What wrk counted: `failed` answers are those that are no 200, and connections that broke."""

    requests: int
    received: int  # bytes
    seconds: float
    failed: int

    def wrong(self, size: int) -> str:
        """What is wrong if each answer should have had `size` bytes, its head among them; "" if nothing is."""
        if self.failed:
            return f"{self.failed} of {self.requests} requests failed"
        if not self.requests:
            return "no request was answered"
        # What was still under way at the end is received, and not counted as a request.
        least, most = self.requests * (size - SLACK), (self.requests + CONNECTIONS) * (size + SLACK)
        if not least <= self.received <= most:
            return f"{self.requests} answers of {size} bytes are not {self.received} bytes"
        return ""


def counted(said: str) -> Loaded:
    """Of wrk's output. Raises Wrong if it did not come to an end."""
    found = re.search(r"^counted (\d+) (\d+) (\d+) (\d+)$", said, flags=re.MULTILINE)
    if found is None:
        raise Wrong(f"wrk did not say what it counted, but:\n{said}")
    requests, received, micros, failed = map(int, found.groups())
    return Loaded(requests, received, micros / 1e6, failed)


def load(port: int, core: int, seconds: float, case: Case, size: int, folder: Path) -> Loaded:
    """From one thread on one core, over connections that are kept. Raises Wrong."""
    script, settings = folder / f"{case.name}.lua", folder / "openssl.cnf"
    requests = ", ".join('"' + "".join(f"\\{byte:03}" for byte in each) + '"' for each in case.requests)
    script.write_text(SCRIPT.format(requests=requests))
    settings.write_text(OPENSSL)
    command = ["taskset", "--cpu-list", str(core), "wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "-s", str(script)]
    command.append(f"{'https' if case.setup.tls else 'http'}://{NAME}:{port}{case.target}")
    environ = {**os.environ, "OPENSSL_CONF": str(settings)}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environ)
    loaded = counted(done.stdout + done.stderr)
    if why := loaded.wrong(size):
        raise Wrong(why)
    return loaded


# --- one request, and its answer ----------------------------------------------------------------------------------


def connect(port: int, *, tls: bool, address: str = "127.0.0.1") -> socket.socket:
    """From `address`, one of this machine's own."""
    plain = socket.create_connection(("127.0.0.1", port), timeout=30, source_address=(address, 0))
    plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if not tls:
        return plain
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    return context.wrap_socket(plain, server_hostname=NAME)


def answer(sock: socket.socket, case: Case) -> int:
    """Reads one answer, which must be the right one; its bytes with its head. Raises Wrong."""
    came = b""
    while (end := came.find(b"\r\n\r\n")) < 0:
        came += _more(sock, came)
    head = came[:end].lower()
    length = re.search(rb"\r\ncontent-length: *(\d+)", head)
    if not head.startswith(b"http/1.1 200") or length is None or int(length[1]) != case.answer:
        raise Wrong(f"{case.name} was answered with\n{came[:end].decode('latin-1')}")
    pieces, left = [came[end + 4 :]], case.answer - (len(came) - end - 4)
    while left > 0:
        pieces.append(_more(sock, b""))
        left -= len(pieces[-1])
    if b"".join(pieces) != b"x" * case.answer:
        raise Wrong(f"{case.name} was answered with other bytes than the backend's")
    return end + 4 + case.answer


def _more(sock: socket.socket, came: bytes) -> bytes:
    piece = sock.recv(262144)
    if not piece:
        raise Wrong(f"the connection was closed after {len(came)} bytes of an answer")
    return piece


def probe(port: int, case: Case) -> int:
    """The bytes of the right answer, from one that is looked at. Raises Wrong, OSError."""
    with connect(port, tls=case.setup.tls) as sock:
        sock.sendall(case.requests[0])
        return answer(sock, case)
