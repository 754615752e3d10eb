"""The proxies that are compared: how each is configured to do the same work, on one core."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

NGINX = shutil.which("nginx") or ("/usr/sbin/nginx" if Path("/usr/sbin/nginx").exists() else None)

NGINX_TOP = """\
worker_processes 1;
daemon off;
pid {folder}/pid;
error_log stderr warn;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  keepalive_requests 1000000000;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
"""

ORIGIN = """\
  server {{
    listen 127.0.0.1:{port} backlog=1024;
    default_type text/html;
    location / {{ return 200 "{body}"; }}
  }}
}}
"""

NGINX_PROXY = """\
  upstream origin {{ server 127.0.0.1:{origin}; keepalive 128; }}
  server {{
    listen 127.0.0.1:{port} backlog=1024;
    location / {{
      proxy_pass http://origin;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-For $remote_addr;
      proxy_set_header X-Forwarded-Proto $scheme;
      proxy_set_header X-Forwarded-Host $http_host;
    }}
  }}
}}
"""

ROUTES = """\
version: 1
listen: 127.0.0.1:{port}
admin: 127.0.0.1:{admin}
workers: 1
backends:
  legacy: {{url: "http://127.0.0.1:{origin}"}}
  repairs: {{url: "http://127.0.0.1:{origin}"}}
default: legacy
slices:
  repairs:
    owner: repairs@anytown.gov.uk
    backend: repairs
    stage: live
    routes: [/repairs/*]
"""


def nginx_command(folder: Path, configuration: str) -> list[str]:
    assert NGINX is not None
    file = folder / "nginx.conf"
    file.write_text(configuration)
    return [NGINX, "-e", "stderr", "-p", str(folder), "-c", str(file)]


def origin_command(folder: Path, port: int, size: int) -> list[str]:
    """An origin much faster than any proxy: nginx answers from its configuration."""
    return nginx_command(folder, NGINX_TOP.format(folder=folder) + ORIGIN.format(port=port, body="x" * size))


def _nginx(folder: Path, port: int, origin: int, _admin: int) -> list[str]:
    return nginx_command(folder, NGINX_TOP.format(folder=folder) + NGINX_PROXY.format(port=port, origin=origin))


def _ours(folder: Path, port: int, origin: int, admin: int) -> list[str]:
    (folder / "routes.yaml").write_text(ROUTES.format(port=port, origin=origin, admin=admin))
    return [str(Path(sys.executable).parent / "fig"), "serve", "-c", "routes.yaml"]


def nginx_version() -> str:
    if NGINX is None:
        return "absent"
    said = subprocess.run([NGINX, "-v"], capture_output=True, text=True, check=True).stderr
    return said.strip().rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class Peer:
    """`command(folder, port, origin's port, admin port)` writes what the program needs and says how to start it."""

    name: str
    command: Callable[[Path, int, int, int], list[str]]


# The first is the measure of the others. One more proxy is one more line here.
PEERS = (
    Peer("nginx", _nginx),
    Peer("stranglerfig", _ours),
)
