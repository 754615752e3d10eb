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

An editor completes and checks the file while you write it, once it knows the schema: `fig check --schema >
routes.schema.json`, and as the file's first line `# yaml-language-server: $schema=routes.schema.json` (Visual Studio
Code with its YAML extension, Neovim, Helix, Emacs); in IntelliJ and PyCharm: Settings, JSON Schema Mappings. The schema
of datasets.yaml comes from `fig check --schema datasets.yaml`.

Order in the one table of routes, redirects and gone paths: `priority`, then exact before prefix, then the longest
prefix (a regex comes after every path of its priority), then the route that names the method, then more headers, more
query parameters, more cookies. Two that are equal in all and could match one request are an error, so the order in the
file never matters; a claim that others always go before is an error too. A request that lacks what a claim asks for
goes on to the next best, in the end to `default`.

`host`, `headers`, `query` and `cookies` are met by equal values only. Fields that are removed before matching
(`Forwarded`, `X-Forwarded-*`, names with `_` and their kin) can be asked for by no route. Query parameters are cut at
`&` and decoded; where a name comes twice with different values, servers disagree which of them counts, so nothing is
met by it.

A request that overrides its method (`X-HTTP-Method-Override` and its kin, `_method` in the query or in a form's body)
counts as unsafe, and goes to legacy. To see that, up to 64 KiB of a form that is meant for a slice are held before it
is sent on; a urlencoded form that is longer goes to legacy too.

`tests` are run by `fig check`, by the file alone, without holds; a proxy serves a file whose tests fail.
"""


def routes_reference() -> str:
    """The whole page."""
    return reference(RoutesSpec, "routes.yaml", INTRODUCTION)
