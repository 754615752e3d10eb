"""The origin behind every proxy: nginx, answering from its configuration and from files the kernel holds."""

from __future__ import annotations

import shutil
import urllib.request
from pathlib import Path

NGINX = shutil.which("nginx") or ("/usr/sbin/nginx" if Path("/usr/sbin/nginx").exists() else None)
# A configuration's word may have 4 KiB; what is longer is sent from a file.
LONGEST_WORD = 2048

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
  sendfile on;
  tcp_nopush on;
  open_file_cache max=100 inactive=1h;
  server {{
    listen 127.0.0.1:{port} backlog=1024;
    default_type text/html;
    client_body_buffer_size 64k;
    location / {{ return 200 "{body}"; }}
    location /documents/ {{ root {folder}/www; }}
    location = /counted {{ stub_status; }}
  }}
}}
"""


def nginx_command(folder: Path, configuration: str) -> list[str]:
    assert NGINX is not None
    file = folder / "nginx.conf"
    file.write_text(configuration)
    return [NGINX, "-e", "stderr", "-p", str(folder), "-c", str(file)]


def origin_command(folder: Path, port: int, size: int, documents: tuple[int, ...] = ()) -> list[str]:
    """An origin much faster than any proxy. It answers all paths with `size` bytes, `/documents/N` with N of them."""
    assert size <= LONGEST_WORD
    (folder / "www" / "documents").mkdir(parents=True)
    for each in documents:
        (folder / "www" / "documents" / str(each)).write_text("x" * each)
    return nginx_command(
        folder, NGINX_TOP.format(folder=folder) + ORIGIN.format(folder=folder, port=port, body="x" * size)
    )


def counted(port: int) -> int:
    """Requests that the origin there has been asked so far, without this one."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/counted", timeout=10) as answer:
        return counted_in(answer.read().decode())


def counted_in(page: str) -> int:
    """The third number of the third line of nginx's page, less the question itself."""
    return int(page.splitlines()[2].split()[2]) - 1
