"""docs/routes.md, written from the model, so that it cannot lie."""

from notation.reference import reference
from proxy.model import RoutesSpec

INTRODUCTION = """
Written by `scripts/reference` from `proxy/model.py`; change it there.

`fig check` says every problem in the file at once. A key marked † is understood, but not acted on yet: `fig serve` does
not start while such a key says other than its default, and lists it. `${NAME}` stands for an environment variable, in
any text. Text that other readers of YAML would take for a truth value, a number or a date (`no`, `010`) is written in
quotes. Anchors, aliases, merges, tags and keys written twice are refused.

Short forms: `listen` may be an address, a mapping, or a list of either; a backend's `url` one URL or a list; a route a
path or a mapping; a slice's `fallback` the word `none`.

Order in the one table of routes, redirects and gone paths: `priority`, then exact before prefix, then the longest
prefix, then the route that names the method, then more headers, more query parameters, more cookies. Two that are equal
in all and could match one request are an error, so the order in the file never matters.
"""


def routes_reference() -> str:
    """The whole page."""
    return reference(RoutesSpec, "routes.yaml", INTRODUCTION)
