"""Whether the certificates that routes.yaml names can be used: tried before a generation takes effect, not after."""

import contextlib
import ssl
from collections.abc import Iterator
from pathlib import Path

from notation.marked_yaml import Document
from notation.problems import Problem
from proxy.ends import Files, fronts_of, named_files, tls_of
from proxy.model import RoutesSpec
from proxy.wire.tls import client_context, server_context


def files_of(spec: RoutesSpec, folder: Path) -> Files:
    """What stands in the files now; one that cannot be read is left out, and certificate_problems says so."""
    found: dict[str, bytes] = {}
    for name in named_files(spec):
        with contextlib.suppress(OSError):
            found[name] = (folder / name).read_bytes()
    return found


def certificate_problems(spec: RoutesSpec, document: Document, files: Files) -> Iterator[Problem]:
    """Every certificate, key and authority that OpenSSL does not take, at its line."""
    for index, front in enumerate(fronts_of(spec, files)):
        for number, certificate in enumerate(front.certificates):
            listener = ("listen", index) if ("listen", index) in document.marks else ("listen",)
            try:
                server_context(certificate)
            except (OSError, ssl.SSLError) as error:
                shown = spec.listen[index].tls[number]
                what = f"the certificate '{shown.cert}' and the key '{shown.key}' cannot be used: {_why(error)}"
                hint = "both are PEM files; the key is the certificate's own, has no passphrase, and can be read"
                yield Problem(document.where((*listener, "tls", number, "cert")), what, hint)
    for name, backend in spec.backends.items():
        tls = tls_of(backend, files)
        if tls is None:
            continue
        try:
            client_context(tls)
        except (OSError, ssl.SSLError) as error:
            what = f"backend '{name}' cannot be spoken to in TLS: {_why(error)}"
            yield Problem(document.where(("backends", name, "tls")), what, "its ca, cert and key are PEM files")


def _why(error: OSError) -> str:
    if isinstance(error, ssl.SSLError):
        return (error.reason or str(error)).replace("_", " ").lower()
    return error.strerror or str(error)
