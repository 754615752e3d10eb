"""Where the proxy listens and where backends answer: `127.0.0.1:8080`, `http://127.0.0.1:9001`."""

import ipaddress
import re
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

from notation.problems import Refused
from proxy.patterns import LABEL

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
WILDCARD = frozenset({"0.0.0.0", "::"})  # noqa: S104  # recognised here, bound only where a person writes it


@dataclass(frozen=True, slots=True)
class Address:
    """An address to listen on: an IP address (no name: it could mean several) and a port; 0 lets the system choose."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Origin:
    """A server's root: scheme, host and port."""

    scheme: Literal["http", "https"]
    host: str
    port: int

    @property
    def written_host(self) -> str:
        """The host as an address writes it: an IPv6 address in brackets."""
        return f"[{self.host}]" if ":" in self.host else self.host

    @property
    def authority(self) -> str:
        """What its Host field says: the port only where it is not the scheme's own."""
        host = self.written_host
        return host if self.port == (443 if self.scheme == "https" else 80) else f"{host}:{self.port}"

    def __str__(self) -> str:
        return f"{self.scheme}://{self.authority}"


def address(text: str) -> Address:
    """`127.0.0.1:8080` or `[::1]:8080`. Raises Refused."""
    hint = "write an IP address and a port: 127.0.0.1:8080, [::1]:8080, or 0.0.0.0:8080 for every interface"
    match = re.fullmatch(r"(?:\[([0-9A-Fa-f:.]+)\]|([^\[\]:]*)):([0-9]{1,5})", text, re.ASCII)
    if not match:
        raise Refused(f"'{text}' is not an address to listen on", hint)
    try:
        host = ipaddress.ip_address(match[1] or match[2])
    except ValueError:
        raise Refused(f"'{text}' is not an address to listen on", hint) from None
    if (host.version == 6) is not bool(match[1]) or int(match[3]) > 65535:
        raise Refused(f"'{text}' is not an address to listen on", hint)
    return Address(str(host), int(match[3]))


def origin(text: str) -> Origin:
    """`http://127.0.0.1:9001` -> its parts. Raises Refused, and then does not repeat what may be a password."""
    hint = "write scheme, host and port only: http://127.0.0.1:9001"
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise Refused("this is not a URL", hint) from None
    if parts.scheme not in ("http", "https") or re.search(r"[\x00-\x20\x7f\\]", text):
        raise Refused("this is not an http(s) URL", hint)
    if parts.username is not None or parts.password is not None:
        raise Refused("a backend's URL holds no user name or password", hint)
    if parts.path not in ("", "/"):
        raise Refused("a backend's URL holds no path", f"{hint}; a route has rewrite:")
    if "?" in text or "#" in text:
        raise Refused("a backend's URL holds no query string or fragment", hint)
    if not _is_host(host):
        raise Refused(f"'{host}' is not a host name", hint)
    if port == 0:
        raise Refused("port 0 is no server's", hint)
    scheme: Literal["http", "https"] = "https" if parts.scheme == "https" else "http"
    return Origin(scheme, host, port or (443 if scheme == "https" else 80))


def network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    """`10.0.0.0/8`, or a single address. Raises Refused."""
    try:
        loose = ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise Refused(f"'{text}' is not a network", "write an address and its length: 10.0.0.0/8") from None
    if "/" in text and loose.network_address != ipaddress.ip_address(text.partition("/")[0]):
        raise Refused(f"'{text}' has bits set beyond its length", f"write {loose}")
    return loose


def overlap(one: Address, other: Address) -> bool:
    """Whether both could get the same connection: one port, and one host or a wildcard of its family."""
    if one.port != other.port or one.port == 0:
        return False
    if (":" in one.host) is not (":" in other.host):
        return "::" in (one.host, other.host)  # `::` takes IPv4 too, where the system allows it
    return one.host == other.host or one.host in WILDCARD or other.host in WILDCARD


def leads_to(backend: Origin, listener: Address) -> bool:
    """Whether a request to this backend would come back to this listener."""
    if backend.port != listener.port:
        return False
    if listener.host in WILDCARD:
        return backend.host in LOOPBACK or backend.host in WILDCARD
    return backend.host == listener.host or (backend.host in LOOPBACK and listener.host in LOOPBACK)


def _is_host(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return len(host) <= 253 and all(LABEL.match(label) for label in host.split("."))
    return True
