"""The proxies that Debian has, and ours: how each is set up to do the same work, on one core. Pure but for the files.

Each speaks HTTP/1.1 to kept connections of the backends, says who asked (Via, X-Forwarded-For, -Proto, -Host, and Host
as it came), and writes no access log.
"""

from __future__ import annotations

from scripts.benches.origin import NGINX_TOP
from scripts.benches.proxy_cases import Setup, Site
from scripts.benches.tables import prefixes

NGINX = """\
  upstream legacy {{ server 127.0.0.1:{origin}; keepalive 128; keepalive_requests 1000000000; }}
  upstream slice {{ server 127.0.0.1:{second}; keepalive 128; keepalive_requests 1000000000; }}
  split_clients $cookie_fig_visitor $side {{ 50% legacy; * slice; }}
  split_clients $request_id $copied {{ {copied} yes; * no; }}
  proxy_http_version 1.1;
  proxy_buffer_size 16k;
  proxy_buffers 8 32k;
  proxy_busy_buffers_size 64k;
  proxy_set_header Connection "";
  proxy_set_header Host $http_host;
  proxy_set_header Via "1.1 nginx";
  proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
  proxy_set_header X-Forwarded-Proto $scheme;
  proxy_set_header X-Forwarded-Host $http_host;
  add_header Via "1.1 nginx";
  server {{
    listen 127.0.0.1:{port}{tls} backlog=4096;
    ssl_certificate {certificate};
    ssl_certificate_key {certificate};
    ssl_protocols TLSv1.3;
{locations}  }}
}}
"""

HAPROXY = """\
global
  nbthread 1
  maxconn 4096
defaults
  mode http
  timeout connect 2s
  timeout server 60s
  timeout client 75s
  http-reuse always
  option forwardfor
frontend front
  bind 127.0.0.1:{port}{tls}
  http-request set-header X-Forwarded-Proto {scheme}
  http-request set-header X-Forwarded-Host %[req.hdr(Host)]
  http-request add-header Via "1.1 haproxy"
  http-response add-header Via "1.1 haproxy"
{choice}  default_backend {default}
backend legacy
  server origin 127.0.0.1:{origin}
backend slice
  server origin 127.0.0.1:{second}
"""

OURS = """\
version: 1
listen: {listen}
admin: 127.0.0.1:0
workers: 1
backends:
  legacy: {{url: "http://127.0.0.1:{origin}"}}
  slice: {{url: "http://127.0.0.1:{second}"}}
default: legacy
slices:
  pages:
    owner: pages@anytown.gov.uk
    backend: slice
    stage: {stage}
{shadow}    routes:
{routes}"""


def nginx(program: str, setup: Setup, site: Site) -> list[str]:
    """A `location` for each route, of which nginx makes a tree; `split_clients` by the visitor's cookie; `mirror`.

    nginx asks for a mirror of each request or of none, so a share of them is turned away where the mirror leads.
    """
    lines = [f"location {prefix}/ {{ proxy_pass http://slice; }}" for prefix in prefixes(setup.routes)]
    if setup.copies:
        lines.append("mirror /mirror;")
        lines.append("mirror_request_body off;")
        sampled = "if ($copied = no) { return 204; } " if setup.copies < 100 else ""
        lines.append(f"location = /mirror {{ internal; {sampled}proxy_pass http://slice$request_uri; }}")
    lines.append(f"location / {{ proxy_pass http://{'$side' if setup.splits else 'legacy'}; }}")
    text = NGINX_TOP.format(folder=site.folder) + NGINX.format(
        port=site.port, origin=site.origin, second=site.second, certificate=site.certificate,
        copied=f"{setup.copies}%" if 0 < setup.copies < 100 else "50%",
        tls=" ssl" if setup.tls else "", locations="".join(f"    {line}\n" for line in lines),
    )  # fmt: skip
    return [program, "-e", "stderr", "-p", str(site.folder), "-c", site.write("nginx.conf", text)]


def haproxy(program: str, setup: Setup, site: Site) -> list[str]:
    """A map of beginnings, which HAProxy keeps as a tree; a hash of the visitor's cookie."""
    choice = "  use_backend slice if { req.cook(fig_visitor),crc32,mod(2) eq 1 }\n" if setup.splits else ""
    if setup.routes:
        routes = site.write("routes.map", "".join(f"{prefix}/ slice\n" for prefix in prefixes(setup.routes)))
        choice = f"  use_backend %[path,map_beg({routes},legacy)]\n"
    text = HAPROXY.format(
        port=site.port, origin=site.origin, second=site.second, choice=choice,
        tls=f" ssl crt {site.certificate} ssl-min-ver TLSv1.3 alpn http/1.1" if setup.tls else "",
        scheme="https" if setup.tls else "http", default="legacy",
    )  # fmt: skip
    return [program, "-db", "-f", site.write("haproxy.cfg", text)]


def ours(program: str, setup: Setup, site: Site) -> list[str]:
    """A slice; its stage says what becomes of the requests. What is copied is compared too."""
    stage = "shadow" if setup.copies else "canary 50%" if setup.splits else "live"
    routes = prefixes(setup.routes) if setup.routes else ("/planning" if stage != "live" else "/repairs",)
    certificate = f'{{cert: "{site.certificate}", key: "{site.certificate}", names: [localhost, www.anytown.gov.uk]}}'
    address = f"127.0.0.1:{site.port}"
    text = OURS.format(
        listen=f'{{address: "{address}", tls: [{certificate}]}}' if setup.tls else address,
        origin=site.origin, second=site.second, stage=stage,
        shadow=f"    shadow: {{sample: {setup.copies}%}}\n" if setup.copies else "",
        routes="".join(f"      - {prefix}/*\n" for prefix in routes),
    )  # fmt: skip
    site.write("routes.yaml", text)
    return [program, "serve", "-c", "routes.yaml"]


def ours_pure(program: str, setup: Setup, site: Site) -> list[str]:
    """Without the compiled part, as it is where pip found no compiler."""
    return ["env", "FIG_NO_COMPILED=1", *ours(program, setup, site)]
