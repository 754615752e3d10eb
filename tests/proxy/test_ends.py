"""What routes.yaml says of a backend becomes how it is spoken to."""

from __future__ import annotations

from pathlib import Path

import pytest

from notation.marked_yaml import parse
from proxy.config import checked
from proxy.ends import translation_of
from proxy.translate.place import Place, Translation

ROUTES = """\
version: 1
listen: 127.0.0.1:8080
hosts: [www.anytown.gov.uk]
backends:
  legacy: {BACKEND}
  other: {url: http://127.0.0.1:9001}
default: legacy
slices:
  jobs: {backend: other, routes: [ROUTE]}
"""
DEFAULT = frozenset({0, 80, 443})


def translation(backend: str, route: str = "/jobs/*", of: str = "legacy") -> Translation | None:
    text = ROUTES.replace("BACKEND", backend).replace("ROUTE", route)
    return translation_of(of, checked(parse(text, "routes.yaml"), Path("routes.yaml"), {}).spec)


@pytest.mark.parametrize(
    ("backend", "name", "own", "links"),
    [
        ("url: 'http://legacy.internal', host: backend", Place(b"http", b"legacy.internal"),
         {b"legacy.internal": DEFAULT}, False),
        ("url: 'https://LEGACY.internal:443', host: backend, links: rewrite", Place(b"https", b"legacy.internal"),
         {b"legacy.internal": DEFAULT}, True),
        ("url: 'http://10.0.0.5:8081', host: backend", Place(b"http", b"10.0.0.5", 8081),
         {b"10.0.0.5": frozenset({8081})}, False),
        ("url: 'http://[::1]:8081', host: backend", Place(b"http", b"[::1]", 8081),
         {b"[::1]": frozenset({8081})}, False),
        ("url: ['http://10.0.0.5:8081', 'http://10.0.0.5:8082', 'http://b.internal'], host: backend",
         Place(b"http", b"10.0.0.5", 8081), {b"10.0.0.5": frozenset({8081, 8082}), b"b.internal": DEFAULT}, False),
        ("url: 'http://10.0.0.5:8081', host: Legacy.internal", Place(b"http", b"legacy.internal"),
         {b"10.0.0.5": frozenset({8081}), b"legacy.internal": DEFAULT | {8081}}, False),
        ("url: 'http://10.0.0.5:8081', links: rewrite", None, {b"10.0.0.5": frozenset({8081})}, True),
    ],
)  # fmt: skip
def test_its_own_address(backend: str, name: Place | None, own: dict[bytes, frozenset[int]], links: bool) -> None:
    found = translation(backend)
    assert found is not None
    assert (found.name, dict(found.own), found.links) == (name, own, links)


def test_who_needs_none_has_none() -> None:
    assert translation("url: 'http://10.0.0.5:8081', host: preserve, links: keep") is None
    assert translation("url: 'http://10.0.0.5:8081'", of="other") is None


def test_a_rewritten_path_alone_is_translated_too() -> None:
    found = translation("url: 'http://10.0.0.5:8081'", "{path: /jobs/*, rewrite: /api/*}", of="other")
    assert found == Translation(None, ())
