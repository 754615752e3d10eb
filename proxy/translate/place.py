"""Where a server is, as its addresses write it, and how a backend is spoken to under another name. Values only."""

from collections.abc import Mapping
from dataclasses import dataclass

DEFAULT_PORTS: Mapping[bytes, int] = {b"http": 80, b"https": 443}


@dataclass(frozen=True, slots=True)
class Place:
    """A scheme, a host in lower case, and a port; 0: the scheme's own."""

    scheme: bytes
    host: bytes
    port: int = 0

    @classmethod
    def at(cls, scheme: bytes, host: bytes, port: int) -> "Place":
        """The same, with the scheme's own port left out."""
        return cls(scheme, host, 0 if port == DEFAULT_PORTS[scheme] else port)

    @property
    def authority(self) -> bytes:
        """What its Host field says."""
        return b"%b:%d" % (self.host, self.port) if self.port else self.host

    @property
    def origin(self) -> bytes:
        """What browsers write into Origin."""
        return self.scheme + b"://" + self.authority


# Hosts in lower case, and the ports that count as theirs; 0: an address that names none.
Hosts = tuple[tuple[bytes, frozenset[int]], ...]


@dataclass(frozen=True, slots=True)
class Translation:
    """How one backend is spoken to.

    `name`: what it is called when it is asked; None: as the citizen calls it. `own`: what it takes for its own address.
    `links`: whether that is looked for in bodies too. With neither, only rewritten paths are public again.
    """

    name: Place | None
    own: Hosts
    links: bool = False


def ports_of(port: int) -> frozenset[int]:
    """The ports in addresses of a server at `port`: a default one may be written or not, as either scheme has it."""
    return frozenset((0, 80, 443)) if port in (0, 80, 443) else frozenset((port,))


def public_place(proto: bytes, name: bytes, host_field: bytes) -> Place:
    """Where the citizen is: `proto` as it is believed, `name` of `hosts:`, the port that the Host field names.

    >>> public_place(b"https", b"www.anytown.gov.uk", b"WWW.Anytown.gov.uk.:8443").origin
    b'https://www.anytown.gov.uk:8443'
    """
    port = host_field.rpartition(b":")[2] if b":" in host_field.rpartition(b"]")[2] else b""
    number = int(port) if port.isdigit() and len(port) <= 5 else 0
    return Place.at(proto, name, number if 0 < number < 65536 else 0)
