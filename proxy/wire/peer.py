"""Who is at the other end of a citizen's connection, and what the proxy says of them to backends."""

from collections.abc import Sequence

from proxy.headers import Network, Sender, forwarding_fields, is_trusted, sender_of, unnamed_fields
from proxy.wire.heads import RequestHead


class Peer:
    """An address, and whether it is believed. `counts_as`: empty for a trusted one, behind which there are many.

    `line`: the same for the keeper.
    """

    __slots__ = ("_address", "_proto", "_said", "_said_of", "counts_as", "is_trusted", "line")

    def __init__(self, address: str, trust: Sequence[Network], proto: bytes) -> None:
        self._address = address.encode()
        self._proto = proto
        self.line = b"%b %b\r\n" % (proto, self._address)
        self.is_trusted = is_trusted(address, trust)
        self.counts_as = "" if self.is_trusted else address
        self._said_of: bytes | None = None
        self._said = b""

    def client(self, request: RequestHead | None, trust: Sequence[Network]) -> bytes:
        """The address of the citizen, as far as those who passed the request on are believed."""
        if request is None or not (self.is_trusted and request.told):
            return self._address
        return sender_of(self._address, request.host, request.told, trust, self._proto).client

    def forwarding(self, request: RequestHead, trust: Sequence[Network]) -> bytes:
        """The lines for a backend; of a stranger they are the same for every request of one host."""
        if self.is_trusted:
            return forwarding_fields(sender_of(self._address, request.host, request.told, trust, self._proto))
        if self._said_of != request.host:
            self._said_of = request.host
            self._said = forwarding_fields(sender_of(self._address, request.host, (), (), self._proto))
        return self._said

    def proto(self, request: RequestHead, trust: Sequence[Network]) -> bytes:
        """`http` or `https`, as the citizen speaks it."""
        return self._sender(request, trust).proto

    def unnamed(self, request: RequestHead, trust: Sequence[Network]) -> bytes:
        """The lines for a backend that goes by another name."""
        return unnamed_fields(self._sender(request, trust))

    def _sender(self, request: RequestHead, trust: Sequence[Network]) -> Sender:
        told = request.told if self.is_trusted else ()
        return sender_of(self._address, request.host, told, trust if told else (), self._proto)
