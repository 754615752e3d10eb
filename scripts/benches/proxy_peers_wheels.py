"""The proxies that come as wheels, Envoy, Traefik and Caddy: how each is set up to do the same work, on one core."""

from __future__ import annotations

import json
from collections.abc import Mapping

from scripts.benches.proxy_cases import Setup, Site
from scripts.benches.tables import prefixes

Settings = Mapping[str, object]  # as JSON writes them
# Go's programs take one core's work from one thread only if they are told.
ONE_CORE = ("env", "GOMAXPROCS=1")

ENVOY_TYPES = "type.googleapis.com/envoy"
_MANAGER = f"{ENVOY_TYPES}.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
_ROUTER = f"{ENVOY_TYPES}.extensions.filters.http.router.v3.Router"
_TLS = f"{ENVOY_TYPES}.extensions.transport_sockets.tls.v3.DownstreamTlsContext"
_PATH = f"{ENVOY_TYPES}.type.matcher.v3.HttpRequestHeaderMatchInput"
_ROUTE = f"{ENVOY_TYPES}.config.route.v3.Route"


def envoy(program: str, setup: Setup, site: Site) -> list[str]:
    """A tree of prefixes (`prefix_match_map`), which is faster than its list; `request_mirror_policies`."""
    file = site.write("envoy.json", json.dumps({"static_resources": _envoy(setup, site)}))
    return [program, "-c", file, "--concurrency", "1", "--disable-hot-restart", "--log-level", "error"]


def _envoy(setup: Setup, site: Site) -> Settings:
    action: dict[str, object] = {"cluster": "legacy"}
    if setup.copies:
        share = {"default_value": {"numerator": setup.copies, "denominator": "HUNDRED"}}
        action["request_mirror_policies"] = [{"cluster": "slice", "runtime_fraction": share}]
    if setup.splits:
        action = {"weighted_clusters": {"clusters": [{"name": name, "weight": 50} for name in ("legacy", "slice")]}}
    host: dict[str, object] = {
        "name": "all",
        "domains": ["*"],
        "request_headers_to_add": [{"header": {"key": "x-forwarded-host", "value": "%REQ(:authority)%"}}],
    }
    if setup.routes:
        tree = {f"{prefix}/": _envoy_route("slice") for prefix in prefixes(setup.routes)} | {
            "/": _envoy_route("legacy")
        }
        path = {"name": "path", "typed_config": {"@type": _PATH, "header_name": ":path"}}
        host["matcher"] = {"matcher_tree": {"input": path, "prefix_match_map": {"map": tree}}}
    else:
        host["routes"] = [{"match": {"prefix": "/"}, "route": action}]
    router = {"@type": _ROUTER, "suppress_envoy_headers": True}
    manager = {
        "@type": _MANAGER,
        "stat_prefix": "front",
        "use_remote_address": True,
        "generate_request_id": False,
        "via": "1.1 envoy",
        "http_filters": [{"name": "envoy.filters.http.router", "typed_config": router}],
        "route_config": {"virtual_hosts": [host]},
    }
    chain: dict[str, object] = {
        "filters": [{"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}]
    }
    if setup.tls:
        file = {"filename": str(site.certificate)}
        common = {
            "tls_certificates": [{"certificate_chain": file, "private_key": file}],
            "tls_params": {"tls_minimum_protocol_version": "TLSv1_3", "tls_maximum_protocol_version": "TLSv1_3"},
            "alpn_protocols": ["http/1.1"],
        }
        settings = {"@type": _TLS, "common_tls_context": common}
        chain["transport_socket"] = {"name": "envoy.transport_sockets.tls", "typed_config": settings}
    return {
        "listeners": [{"address": _envoy_address(site.port), "filter_chains": [chain]}],
        "clusters": [_envoy_cluster("legacy", site.origin), _envoy_cluster("slice", site.second)],
    }


def _envoy_address(port: int) -> Settings:
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}


def _envoy_cluster(name: str, port: int) -> Settings:
    endpoints = [{"lb_endpoints": [{"endpoint": {"address": _envoy_address(port)}}]}]
    load = {"cluster_name": name, "endpoints": endpoints}
    return {"name": name, "type": "STATIC", "connect_timeout": "2s", "load_assignment": load}


def _envoy_route(cluster: str) -> Settings:
    route = {"@type": _ROUTE, "match": {"prefix": "/"}, "route": {"cluster": cluster}}
    return {"action": {"name": "route", "typed_config": route}}


def traefik(program: str, setup: Setup, site: Site) -> list[str]:
    """With its fast way of speaking to backends; a router for each route; `mirroring`; `weighted`."""
    routes = site.write("routes.yml", json.dumps(_traefik(setup, site)))
    settings = {
        "global": {"checkNewVersion": False, "sendAnonymousUsage": False},
        "log": {"level": "ERROR"},
        "experimental": {"fastProxy": {}},
        "entryPoints": {"web": {"address": f"127.0.0.1:{site.port}"}},
        "providers": {"file": {"filename": routes}},
    }
    return [*ONE_CORE, program, f"--configFile={site.write('traefik.yml', json.dumps(settings))}"]


def _traefik(setup: Setup, site: Site) -> Settings:
    def router(prefix: str, service: str) -> Settings:
        said = {"rule": f"PathPrefix(`{prefix}/`)", "service": service, "entryPoints": ["web"], "middlewares": ["via"]}
        return {**said, "tls": {}} if setup.tls else said

    def server(port: int) -> Settings:
        return {"loadBalancer": {"servers": [{"url": f"http://127.0.0.1:{port}"}]}}

    services: dict[str, object] = {"legacy": server(site.origin), "slice": server(site.second)}
    chosen = "legacy"
    if setup.copies:
        chosen = "copied"
        services[chosen] = {"mirroring": {"service": "legacy", "mirrors": [{"name": "slice", "percent": setup.copies}]}}
    if setup.splits:
        chosen = "split"
        services[chosen] = {"weighted": {"services": [{"name": name, "weight": 50} for name in ("legacy", "slice")]}}
    routers = {f"route-{at}": router(prefix, "slice") for at, prefix in enumerate(prefixes(setup.routes))}
    via = {"Via": "1.1 traefik"}
    http = {
        "routers": {**routers, "all": router("", chosen)},
        "services": services,
        "middlewares": {"via": {"headers": {"customRequestHeaders": via, "customResponseHeaders": via}}},
    }
    if not setup.tls:
        return {"http": http}
    file = str(site.certificate)
    return {"http": http, "tls": {"certificates": [{"certFile": file, "keyFile": file}]}}


CADDY = """\
{{
  admin off
  auto_https off
  persist_config off
  storage file_system {folder}/storage
  log {{
    level ERROR
  }}
  servers {{
    protocols h1
  }}
}}
(kept) {{
  transport http {{
    keepalive_idle_conns_per_host 128
  }}
}}
:{port} {{
  bind 127.0.0.1
{lines}}}
"""


def caddy(program: str, setup: Setup, site: Site) -> list[str]:
    """A `handle` for each route; `weighted_round_robin`."""
    legacy, second = f"127.0.0.1:{site.origin}", f"127.0.0.1:{site.second}"
    lines = [f"tls {site.certificate} {site.certificate} {{\nprotocols tls1.3\n}}"] if setup.tls else []
    lines += [f"handle {prefix}/* {{\n{_caddy_to(second)}}}" for prefix in prefixes(setup.routes)]
    both = _caddy_to(f"{legacy} {second}", "lb_policy weighted_round_robin 1 1\n")
    lines += [f"handle {{\n{both if setup.splits else _caddy_to(legacy)}}}", ""]
    text = CADDY.format(folder=site.folder, port=site.port, lines="\n".join(lines))
    return [*ONE_CORE, program, "run", "--adapter", "caddyfile", "--config", site.write("Caddyfile", text)]


def _caddy_to(servers: str, more: str = "") -> str:
    return f"reverse_proxy {servers} {{\n{more}import kept\n}}\n"
