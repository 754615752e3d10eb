"""Route tables of any length, the same for every proxy: how each is told them, and how it is started."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from scripts.benches.origin import NGINX_TOP
from scripts.conformances.peers import PEERS as KNOWN


def prefixes(count: int) -> Iterator[str]:
    """`/section-7/area-107`: a hundred sections, as a council's site has, each with its share of the routes."""
    return (f"/section-{number % 100}/area-{number}" for number in range(count))


def target(count: int) -> str:
    """A path below a prefix in the middle of the table."""
    return f"/section-{count // 2 % 100}/area-{count // 2}/applications/42?q=loft+conversion"


def routes_yaml(count: int, port: int, admin: int, origin: int) -> str:
    """Our own file."""
    lines = "".join(f"      - {prefix}/*\n" for prefix in prefixes(count))
    return f"""\
version: 1
listen: 127.0.0.1:{port}
admin: 127.0.0.1:{admin}
workers: 1
backends:
  legacy: {{url: "http://127.0.0.1:{origin}"}}
  slice: {{url: "http://127.0.0.1:{origin}"}}
default: legacy
slices:
  many:
    backend: slice
    stage: live
    routes:
{lines}"""


def _ours(program: str, folder: Path, count: int, port: int, origin: int) -> list[str]:
    (folder / "routes.yaml").write_text(routes_yaml(count, port, 0, origin))
    return [program, "serve", "-c", "routes.yaml"]


def _nginx(program: str, folder: Path, count: int, port: int, origin: int) -> list[str]:
    """A location for each prefix: nginx makes a tree of them."""
    locations = "".join(f"    location {prefix}/ {{ proxy_pass http://origin; }}\n" for prefix in prefixes(count))
    (folder / "nginx.conf").write_text(
        NGINX_TOP.format(folder=folder)
        + f"""\
  upstream origin {{ server 127.0.0.1:{origin}; keepalive 128; }}
  proxy_http_version 1.1;
  proxy_set_header Connection "";
  proxy_set_header Host $http_host;
  server {{
    listen 127.0.0.1:{port} backlog=1024;
{locations}    location / {{ proxy_pass http://origin; }}
  }}
}}
"""
    )
    return [program, "-e", "stderr", "-p", str(folder), "-c", str(folder / "nginx.conf")]


def _haproxy(program: str, folder: Path, count: int, port: int, origin: int) -> list[str]:
    """A map of beginnings, which HAProxy keeps as a tree."""
    (folder / "routes.map").write_text("".join(f"{prefix}/ slice\n" for prefix in prefixes(count)))
    (folder / "haproxy.cfg").write_text(f"""\
global
  nbthread 1
  maxconn 4096
defaults
  mode http
  timeout connect 2s
  timeout server 60s
  timeout client 60s
  http-reuse always
frontend front
  bind 127.0.0.1:{port}
  use_backend %[path,map_beg({folder}/routes.map,legacy)]
backend legacy
  server origin 127.0.0.1:{origin}
backend slice
  server origin 127.0.0.1:{origin}
""")
    return [program, "-db", "-f", str(folder / "haproxy.cfg")]


ENVOY_TOP = """\
static_resources:
  clusters:
  - name: origin
    type: STATIC
    connect_timeout: 2s
    load_assignment:
      cluster_name: origin
      endpoints: [{lb_endpoints: [{endpoint: {address: {socket_address: {address: 127.0.0.1, port_value: ORIGIN}}}}]}]
  listeners:
  - address: {socket_address: {address: 127.0.0.1, port_value: PORT}}
    filter_chains:
    - filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: front
          http_filters:
          - name: envoy.filters.http.router
            typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}
          route_config:
            virtual_hosts:
            - name: all
              domains: ["*"]
              routes:
"""


def _envoy(program: str, folder: Path, count: int, port: int, origin: int) -> list[str]:
    """A list of prefixes, as Envoy's users write them: it looks at one after the other."""
    lines = "".join(
        f'              - {{match: {{prefix: "{prefix}/"}}, route: {{cluster: origin}}}}\n'
        for prefix in prefixes(count)
    )
    top = ENVOY_TOP.replace("PORT", str(port)).replace("ORIGIN", str(origin))
    rest = '              - {match: {prefix: "/"}, route: {cluster: origin}}\n'
    (folder / "envoy.yaml").write_text(top + lines + rest)
    return [program, "-c", str(folder / "envoy.yaml"), "--concurrency", "1", "--disable-hot-restart", "-l", "error"]


def _caddy(program: str, folder: Path, count: int, port: int, origin: int) -> list[str]:
    """A handle for each prefix."""
    handles = "".join(f"  handle {prefix}/* {{\n    import there\n  }}\n" for prefix in prefixes(count))
    (folder / "Caddyfile").write_text(f"""\
{{
  admin off
  auto_https off
  persist_config off
  storage file_system {folder}/storage
}}
(there) {{
  reverse_proxy 127.0.0.1:{origin}
}}
:{port} {{
  bind 127.0.0.1
{handles}  handle {{
    import there
  }}
}}
""")
    return [program, "run", "--adapter", "caddyfile", "--config", str(folder / "Caddyfile")]


@dataclass(frozen=True, slots=True)
class Contender:
    """`command(program, folder, routes, port, origin's port)` writes what it needs; `most`: routes it is tried with."""

    name: str
    program: str | None
    command: Callable[[str, Path, int, int, int], list[str]]
    most: int
    how: str


_COMMANDS: dict[str, tuple[Callable[[str, Path, int, int, int], list[str]], int, str]] = {
    "nginx": (_nginx, 10_000, "a `location` for each route"),
    "HAProxy": (_haproxy, 100_000, "a map of beginnings (`map_beg`)"),
    "Envoy": (_envoy, 10_000, "a list of prefixes"),
    "Caddy": (_caddy, 10_000, "a `handle` for each route"),
    "stranglerfig": (_ours, 100_000, "a route for each"),
}


def contenders() -> list[Contender]:
    """Those we know how to give a table; the first four are the measure."""
    known = {peer.name: peer for peer in KNOWN}
    return [
        Contender(name, known[name].program() or shutil.which(name.lower()), command, most, how)
        for name, (command, most, how) in _COMMANDS.items()
    ]
