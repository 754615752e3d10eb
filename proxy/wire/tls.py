"""TLS towards citizens and towards backends: contexts made from files, renewed without a restart."""

import os
import ssl
from collections.abc import Sequence

from proxy.generation import BackendTls, Certificate

# RFC 9325, 3.1.1: nothing older than 1.2. The proxy speaks HTTP/1.1 and says so, so that nobody tries HTTP/2.
_OLDEST = ssl.TLSVersion.TLSv1_2
_ALPN = ["http/1.1"]


class ServerTls:
    """The certificates of one listener, chosen by the name the citizen asks for (SNI, RFC 6066, section 3)."""

    def __init__(self, certificates: Sequence[Certificate]) -> None:
        """Raises OSError, ssl.SSLError for one that cannot be used."""
        self.context = server_context(certificates[0])
        self.context.sni_callback = self._choose
        self._first = self.context
        self._by_name: dict[str, ssl.SSLContext] = {}
        self.renew(certificates)

    def renew(self, certificates: Sequence[Certificate]) -> None:
        """Present these from the next handshake on. Raises like the constructor, and then changes nothing."""
        if not certificates:
            return
        contexts = [server_context(each) for each in certificates]
        self._first = contexts[0]
        self._by_name = {
            name: context for each, context in zip(certificates, contexts, strict=True) for name in each.names
        }

    def _choose(self, connection: ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> None:
        chosen = self._by_name.get((name or "").lower().rstrip("."), self._first)
        connection.context = chosen


def server_context(certificate: Certificate) -> ssl.SSLContext:
    """A context for one certificate. Raises OSError, ssl.SSLError."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = _OLDEST
    context.set_alpn_protocols(_ALPN)
    # A citizen could otherwise make the server work for a handshake again and again within one connection.
    context.options |= ssl.OP_NO_RENEGOTIATION
    _load_chain(context, certificate.cert, certificate.key)
    return context


def client_context(tls: BackendTls) -> ssl.SSLContext:
    """A context for connections to a backend. Raises OSError, ssl.SSLError."""
    authority = tls.ca.decode("ascii", "replace") if tls.ca is not None else None
    context = ssl.create_default_context(cadata=authority)
    context.minimum_version = _OLDEST
    context.set_alpn_protocols(_ALPN)
    if tls.cert is not None:
        _load_chain(context, tls.cert, tls.key or tls.cert)
    if not tls.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _load_chain(context: ssl.SSLContext, cert: bytes, key: bytes) -> None:
    """OpenSSL reads chains from files alone; this one lives in memory and is gone afterwards."""
    held = os.memfd_create("stranglerfig-certificate")
    try:
        os.write(held, key + b"\n" + cert)
        context.load_cert_chain(f"/proc/self/fd/{held}")
    finally:
        os.close(held)
