"""routes.yaml is refused with every problem in it, each with its place and what to do."""

import re
from pathlib import Path

import pytest

from notation.problems import ConfigError
from proxy.addresses import Address, Origin
from proxy.config import Loaded, load
from proxy.stages import Stage

SAMPLES = Path(__file__).parent.parent / "samples"

GOOD = """\
version: 1
listen: 127.0.0.1:8080
admin: 127.0.0.1:9901
backends:
  legacy: {url: http://127.0.0.1:8081}
  repairs-v2: {url: http://127.0.0.1:9001}
default: legacy
slices:
  repairs:
    backend: repairs-v2
    routes: [/repairs/*]
"""


def loaded(text: str, folder: Path) -> Loaded:
    (folder / "routes.yaml").write_text(text)
    return load(folder / "routes.yaml", {})


def test_the_whole_notation_is_accepted() -> None:
    spec = load(SAMPLES / "routes.yaml", {}).spec
    assert spec.listen[0].address == Address("127.0.0.1", 8080)
    assert spec.backends["repairs"].url == (Origin("http", "127.0.0.1", 9001), Origin("http", "127.0.0.1", 9002))
    assert spec.slices["repairs"].stage == Stage("canary", 10)
    assert [route.path or route.regex for route in spec.slices["repairs"].routes] == [
        "/repairs/*",
        "/housing/report",
        "/jobs/*",
        r"/r/(\d+)",
        "/search",
    ]
    assert spec.legacy_of("repairs") == "legacy"


# what is replaced in GOOD (or added to it), by what, and the whole error
FORM = "is not in the form requests are matched in"
METHOD = "write letters only, such as GET or POST"
LISTEN = "write an IP address and a port: 127.0.0.1:8080, [::1]:8080, or 0.0.0.0:8080 for every interface"
URL = "write scheme, host and port only: http://127.0.0.1:9001"
HOST = "write a name such as www.anytown.gov.uk, without scheme, port or path"
TARGET = "write a path such as /repairs/*, or a URL such as https://www.anytown.gov.uk/repairs"
STAR = "write a prefix as /name/*, a star as %2A"
ROUTE = ("[/repairs/*]",)
CASES: list[tuple[str, str, str]] = [
    # --- what is declared
    ("backend: repairs-v2", "backend: repiars-v2",
     ("10: slice 'repairs' sends to backend 'repiars-v2', which is not declared\n"
     "    declared backends: legacy, repairs-v2. Did you mean 'repairs-v2'?")),
    ("default: legacy", "default: legcy",
     ("7: the default is backend 'legcy', which is not declared\n"
     "    declared backends: legacy, repairs-v2. Did you mean 'legacy'?")),
    ("", "    legacy: old\n",
     "12: slice 'repairs' grows round backend 'old', which is not declared\n    declared backends: legacy, repairs-v2"),
    ("", "    fallback: {to: lagacy}\n",
     ("12: slice 'repairs' falls back to backend 'lagacy', which is not declared\n"
     "    declared backends: legacy, repairs-v2. Did you mean 'legacy'?")),
    ("default: legacy\n", "",
     ("8: slice 'repairs' has no legacy to grow round\n"
     "    write legacy: and its backend in the slice, or default: for the whole file")),
    ("backend: repairs-v2", "backend: legacy",
     ("10: slice 'repairs' has backend 'legacy' as its service and as its legacy\n"
     "    declare its service as a backend of its own")),
    ("", "tests: [{request: GET /, slice: repair}]\n",
     ("12: the test expects slice 'repair', which is not declared\n"
     "    declared slices: repairs. Did you mean 'repairs'?")),
    # --- claims
    ("[/repairs/*]", "[/repairs/*, /jobs, /repairs/*]",
     ("11: '/repairs/*' is claimed by slice 'repairs' here and by slice 'repairs' on line 11\n"
     "    keep one, or let one say more: methods, another path, a priority")),
    ("", "  other:\n    backend: repairs-v2\n    routes:\n      - {path: /repairs/*}\n",
     ("15: '/repairs/*' is claimed by slice 'other' here and by slice 'repairs' on line 11\n"
     "    keep one, or let one say more: methods, another path, a priority")),
    ("", "redirects: [{from: /repairs/*, to: /x}]\n",
     ("12: '/repairs/*' is claimed by a redirect here and by slice 'repairs' on line 11\n"
     "    keep one, or let one say more: methods, another path, a priority")),
    ("", "gone: [/repairs/*]\n",
     ("12: '/repairs/*' is claimed by gone here and by slice 'repairs' on line 11\n"
     "    keep one, or let one say more: methods, another path, a priority")),
    ("[/repairs/*]", "[{path: /a, methods: [GET]}, {path: /a, methods: [POST, GET]}]",
     ("11: '/a' is claimed by slice 'repairs' here and by slice 'repairs' on line 11\n"
     "    keep one, or let one say more: methods, another path, a priority")),
    ("[/repairs/*]", "[{path: /a, query: {x: '1'}}, {path: /a, query: {z: '2'}}]",
     ("11: '/a' is claimed by slice 'repairs' here and by slice 'repairs' on line 11\n"
     "    keep one, or let one say more: methods, another path, a priority")),
    ("[/repairs/*]", "[/Repairs, /repairs]\npaths: {case: insensitive}",
     ("11: '/repairs' is claimed by slice 'repairs' here and by slice 'repairs' on line 11\n"
     "    keep one, or let one say more: methods, another path, a priority")),
    # --- routes
    ("[/repairs/*]", "[{path: /jobs/*, rewrite: /api}]",
     "11: path '/jobs/*' is a prefix, its rewrite '/api' is exact\n    end both in /*, or neither"),
    ("[/repairs/*]", "[{path: /jobs, rewrite: /api/*}]",
     "11: path '/jobs' is exact, its rewrite '/api/*' is a prefix\n    end both in /*, or neither"),
    ("[/repairs/*]", "[{methods: [GET]}]",
     "11: slices.repairs.routes[0] has neither a path nor a regex\n    write one of them; /* is every path"),
    ("[/repairs/*]", "[{path: /a, regex: /a, priority: 1}]",
     "11: slices.repairs.routes[0] has both a path and a regex\n    write one of them; /* is every path"),
    ("[/repairs/*]", "[{regex: /a}]",
     "11: slices.repairs.routes[0] has a regex without a priority\n    write priority: 10, above 0 or below"),
    ("[/repairs/*]", "[{regex: '/(a', priority: 1}]",
     "11: '/(a' is not a regular expression: missing ): /(a\n    write it in RE2's syntax"),
    ("[/repairs/*]", "[{regex: '?', priority: 1}]\nredirects: [{from: /old, to: /new}]",
     "11: '?' is not a regular expression: no argument for repetition operator: ?\n    write it in RE2's syntax"),
    ("[/repairs/*]", "[{path: /a, host: b.gov.uk}]\nhosts: [a.gov.uk]",
     ("11: slices.repairs.routes[0] can never match: 'b.gov.uk' is not among the hosts\n"
     "    hosts: a.gov.uk. Did you mean 'a.gov.uk'?")),
    ("[/repairs/*]", "[/a;b]",
     ("11: '/a;b' can never match: from ; on, parameters are cut off before matching\n"
     "    remove them, or write paths: {params: keep}")),
    ("[/repairs/*]", "[]", "11: slices.repairs.routes: is empty\n    write at least one"),
    # --- paths
    ("[/repairs/*]", "[repairs]", "11: slices.repairs.routes[0]: 'repairs' does not begin with /\n    write /repairs"),
    ("[/repairs/*]", "[/a*]", f"11: slices.repairs.routes[0]: '/a*' has a * elsewhere than in a final /*\n    {STAR}"),
    ("[/repairs/*]", "[/a/*/b]",
     f"11: slices.repairs.routes[0]: '/a/*/b' has a * elsewhere than in a final /*\n    {STAR}"),
    ("[/repairs/*]", '["/a\\tb"]',
     ("11: slices.repairs.routes[0]: '/a\\tb' holds a control character\n"
     "    remove it; requests that hold one are refused")),
    ("[/repairs/*]", "[/a%00]",
     ("11: slices.repairs.routes[0]: '/a%00' holds a control character\n"
     "    remove it; requests that hold one are refused")),
    ("[/repairs/*]", "['/a?b=1']",
     ("11: slices.repairs.routes[0]: '/a?b=1' has a query string\n"
     "    match a query with query: {name: value}; write %3F for a ?")),
    ("[/repairs/*]", "['/a#b']",
     ("11: slices.repairs.routes[0]: '/a#b' has a fragment, which no request carries\n"
     "    remove it from the # on; write %23 for a #")),
    ("[/repairs/*]", "['/a\\b']",
     ("11: slices.repairs.routes[0]: '/a\\b' has a backslash\n"
     "    write / between segments; a backslash itself is %5C")),
    ("[/repairs/*]", "[/100%]",
     "11: slices.repairs.routes[0]: '/100%' has a broken percent-encoding: %\n    write %25 for a percent sign"),
    ("[/repairs/*]", "[/%7Ea%2fb]", f"11: slices.repairs.routes[0]: '/%7Ea%2fb' {FORM}\n    write /~a%2Fb"),
    ("[/repairs/*]", "[/a//b]", f"11: slices.repairs.routes[0]: '/a//b' {FORM}\n    write /a/b"),
    ("[/repairs/*]", "[/a/./b/../c/*]", f"11: slices.repairs.routes[0]: '/a/./b/../c/*' {FORM}\n    write /a/c/*"),
    ("[/repairs/*]", "[/café]", f"11: slices.repairs.routes[0]: '/café' {FORM}\n    write /caf%C3%A9"),
    ("[/repairs/*]", "[/a, no]", "11: slices.repairs.routes[1]: 'no' does not begin with /\n    write /no"),
    ("", "gone: [x]\n", "12: gone[0]: 'x' does not begin with /\n    write /x"),
    # --- methods
    ("[/repairs/*]", "[{path: /a, methods: [get]}]",
     ("11: slices.repairs.routes[0].methods[0]: 'get' is not in upper case; methods are matched as written\n"
     "    write GET")),
    ("[/repairs/*]", "[{path: /a, methods: [G(T]}]",
     f"11: slices.repairs.routes[0].methods[0]: 'G(T' is not a method\n    {METHOD}"),
    ("[/repairs/*]", "[{path: /a, methods: [no]}]",
     ("11: slices.repairs.routes[0].methods[0]: no is read as text here, and as a truth value, number or date"
     " elsewhere\n"
     '    write it in quotes: "no"')),
    ("[/repairs/*]", "[{path: /a, methods: []}]",
     "11: slices.repairs.routes[0].methods: is empty\n    write at least one"),
    # --- hosts and networks
    ("", "hosts: [www.anytown.gov.uk:8080]\n",
     f"12: hosts[0]: 'www.anytown.gov.uk:8080' is not a host name\n    {HOST}"),
    ("", "hosts: [https://www.anytown.gov.uk]\n",
     f"12: hosts[0]: 'https://www.anytown.gov.uk' is not a host name\n    {HOST}"),
    ("", "hosts: [a..uk]\n", f"12: hosts[0]: 'a..uk' is not a host name\n    {HOST}"),
    ("", "hosts: [1.2.3.400]\n", f"12: hosts[0]: '1.2.3.400' is not a host name\n    {HOST}"),
    ("", "trust: [10.0.0.0/33]\n",
     "12: trust[0]: '10.0.0.0/33' is not a network\n    write an address and its length: 10.0.0.0/8"),
    ("", "trust: [10.0.0.1/8]\n", "12: trust[0]: '10.0.0.1/8' has bits set beyond its length\n    write 10.0.0.0/8"),
    # --- addresses
    ("listen: 127.0.0.1:8080", "listen: 8080", f"2: listen: '8080' is not an address to listen on\n    {LISTEN}"),
    ("listen: 127.0.0.1:8080", "listen: localhost:8080",
     f"2: listen: 'localhost:8080' is not an address to listen on\n    {LISTEN}"),
    ("listen: 127.0.0.1:8080", "listen: 127.0.0.1:99999",
     f"2: listen: '127.0.0.1:99999' is not an address to listen on\n    {LISTEN}"),
    ("listen: 127.0.0.1:8080", "listen: ['::1:8080']",
     f"2: listen[0]: '::1:8080' is not an address to listen on\n    {LISTEN}"),
    ("listen: 127.0.0.1:8080", "listen: []", "2: listen: is empty\n    write at least one"),
    ("listen: 127.0.0.1:8080", "listen: [127.0.0.1:8080,\n  127.0.0.1:8080]",
     "3: 127.0.0.1:8080 is listened on twice\n    the other is on line 2; keep one"),
    ("admin: 127.0.0.1:9901", "admin: 127.0.0.1:8080",
     ("3: the admin pages and citizens would share 127.0.0.1:8080\n"
     "    127.0.0.1:8080 is on line 2; give admin a port of its own, such as 127.0.0.1:9901")),
    ("listen: 127.0.0.1:8080", "listen: [0.0.0.0:8080, 127.0.0.1:8080]",
     ("2: 127.0.0.1:8080 and 0.0.0.0:8080 overlap\n    the other is on line 2; keep one")),
    ("listen: 127.0.0.1:8080", "listen: '[::]:9901'",
     ("3: the admin pages and citizens would share 127.0.0.1:9901\n"
      "    [::]:9901 is on line 2; give admin a port of its own, such as 127.0.0.1:9901")),
    # --- backends
    ("{url: http://127.0.0.1:9001}", "{url: 'http://127.0.0.1:9001', host: backend}",
     ("6: backend 'repairs-v2' has host: backend, but there are no hosts: whose name its own could become\n"
     "    write hosts: and the public names, such as [www.anytown.gov.uk]")),
    ("{url: http://127.0.0.1:9001}", "{url: 'http://127.0.0.1:9001', host: repairs.internal}",
     ("6: backend 'repairs-v2' has host: repairs.internal, but there are no hosts: whose name its own could become\n"
     "    write hosts: and the public names, such as [www.anytown.gov.uk]")),
    ("{url: http://127.0.0.1:9001}", "{url: 'http://127.0.0.1:9001', links: rewrite}",
     ("6: backend 'repairs-v2' has links: rewrite, but there are no hosts: whose name its own could become\n"
     "    write hosts: and the public names, such as [www.anytown.gov.uk]")),
    ("http://127.0.0.1:9001", "http://localhost:8080",
     ("6: backend 'repairs-v2' leads to 127.0.0.1:8080, where the proxy itself listens\n"
     "    write the server's own port")),
    ("http://127.0.0.1:9001", "http://127.0.0.1:9901",
     ("6: backend 'repairs-v2' leads to 127.0.0.1:9901, where the proxy's admin pages are\n"
     "    write the server's own port")),
    ("http://127.0.0.1:9001", "127.0.0.1:9001",
     f"6: backends.repairs-v2.url: this is not an http(s) URL\n    {URL}"),
    ("http://127.0.0.1:9001", "ftp://127.0.0.1", f"6: backends.repairs-v2.url: this is not an http(s) URL\n    {URL}"),
    ("http://127.0.0.1:9001", "http://me:secret@127.0.0.1",
     f"6: backends.repairs-v2.url: a backend's URL holds no user name or password\n    {URL}"),
    ("http://127.0.0.1:9001", "http://127.0.0.1/api",
     (f"6: backends.repairs-v2.url: a backend's URL holds no path\n"
     f"    {URL}; a route has rewrite:")),
    ("http://127.0.0.1:9001", "http://127.0.0.1?a=1",
     f"6: backends.repairs-v2.url: a backend's URL holds no query string or fragment\n    {URL}"),
    ("http://127.0.0.1:9001", "http://127.0.0.1:x", f"6: backends.repairs-v2.url: this is not a URL\n    {URL}"),
    ("http://127.0.0.1:9001", "http://a..b", f"6: backends.repairs-v2.url: 'a..b' is not a host name\n    {URL}"),
    ("http://127.0.0.1:9001", "http://a:0", f"6: backends.repairs-v2.url: port 0 is no server's\n    {URL}"),
    ("http://127.0.0.1:9001", "[http://127.0.0.1:9001, https://127.0.0.1:9002]",
     ("6: backend 'repairs-v2' has addresses of two schemes, http://127.0.0.1:9001 and https://127.0.0.1:9002\n"
     "    write http or https for all of them")),
    ("http://127.0.0.1:9001", "[http://127.0.0.1:9001, http://127.0.0.1:9001]",
     "6: backend 'repairs-v2' has the address http://127.0.0.1:9001 twice\n    keep one"),
    ("http://127.0.0.1:9001", "http://127.0.0.1:9001, health: {path: /up/*}",
     ("6: backend 'repairs-v2' is asked for /up/*, which is no path but a prefix\n"
     "    write one path, such as /healthz")),
    ("http://127.0.0.1:9001", "http://127.0.0.1:9001, breaker: {of: 500}",
     "6: backends.repairs-v2.breaker.of: must be at most 128, not the number 500"),
    ("repairs-v2: {url: http://127.0.0.1:9001}", "Repairs: {url: http://127.0.0.1:9001}",
     ("6: backends.Repairs: 'Repairs' is not a name\n"
     "    write small letters, digits, - _ or . and begin with one of the first")),
    # --- redirects
    ("", "redirects: [{from: /a, to: /b, status: 200}]\n",
     "12: redirects[0].status: 200 is not a redirect's status\n    write 301, 302, 303, 307 or 308"),
    ("", "redirects: [{from: /a, to: b}]\n",
     f"12: redirects[0].to: 'b' is neither a path nor an http(s) URL\n    {TARGET}"),
    ("", "redirects: [{from: /a, to: //evil.example}]\n",
     f"12: redirects[0].to: '//evil.example' is neither a path nor an http(s) URL\n    {TARGET}"),
    ("", 'redirects: [{from: /a, to: "/b\\r\\nSet-Cookie: x"}]\n',
     ("12: redirects[0].to: '/b\\r\\nSet-Cookie: x' holds a character that no address may hold\n"
     "    percent-encode it, as %20 for a blank")),
    ("", "redirects: [{from: /a, to: /b*}]\n",
     f"12: redirects[0].to: '/b*' has a * elsewhere than in a final /*\n    {STAR}"),
    ("", "redirects: [{from: /a, to: /b/*}]\n",
     "12: redirect from '/a' is exact, but leads to the prefix '/b/*'\n    write from: /a/*, or to: without /*"),
    ("", "redirects: [{from: /a, to: /a}]\n",
     "12: redirect from '/a' leads back to itself: /a -> /a\n    let it lead to a path that no redirect claims"),
    ("", "redirects: [{from: /a/*, to: /a/b/*}]\n",
     "12: redirect from '/a/*' leads back to itself: /a/* -> /a/*\n    let it lead to a path that no redirect claims"),
    ("", "redirects:\n  - {from: /a, to: /b/1?x=2}\n  - {from: /b/*, to: /a}\n",
     ("13: redirect from '/a' leads back to itself: /a -> /b/* -> /a\n"
     "    let it lead to a path that no redirect claims")),
    ("", "hosts: [a.uk]\nredirects: [{from: /a, to: 'https://a.uk/a'}]\n",
     "13: redirect from '/a' leads back to itself: /a -> /a\n    let it lead to a path that no redirect claims"),
    # --- files
    ("listen: 127.0.0.1:8080", "listen: {address: 127.0.0.1:8080, tls: [{cert: a.pem, key: a.key, names: [a.uk]}]}",
     ("2: listen.tls[0].cert names the file 'a.pem', which is not there\n"
     "    put it beside this file, or write its whole path\n"
     "routes.yaml:2: listen.tls[0].key names the file 'a.key', which is not there\n"
     "    put it beside this file, or write its whole path")),
    ("{url: http://127.0.0.1:9001}", "{url: http://127.0.0.1:9001, tls: {ca: ca.pem}}",
     ("6: backends.repairs-v2.tls.ca names the file 'ca.pem', which is not there\n"
     "    put it beside this file, or write its whole path")),
    ("", "keys: keys.toml\n",
     "12: keys names the file 'keys.toml', which is not there\n    put it beside this file, or write its whole path"),
    # --- stages
    ("", "    stage: life\n",
     ("12: slices.repairs.stage: 'life' is not a stage\n"
     "    stages: legacy, shadow, canary N%, live, retired. Did you mean 'live'?")),
    ("", "    stage: canary\n",
     ("12: slices.repairs.stage: 'canary' is not a canary stage\n"
     "    write canary and a share from 0.01% to 100%: canary 10%")),
    ("", "    stage: canary 0%\n",
     ("12: slices.repairs.stage: 'canary 0%' is not a canary stage\n"
     "    write canary and a share from 0.01% to 100%: canary 10%")),
    ("", "    stage: canary 101%\n",
     ("12: slices.repairs.stage: 'canary 101%' is not a canary stage\n"
     "    write canary and a share from 0.01% to 100%: canary 10%")),
    ("", "    ladder: [shadow, canary 50%, canary 10%]\n",
     ("12: the ladder of slice 'repairs' goes from canary 50% to canary 10%, which is not up\n"
     "    order: legacy, shadow, canary 1%, canary 10%, live, retired")),
    ("", "    writes: own\n    stage: live\n",
     ("12: slice 'repairs' keeps its own writes at stage live: rolling back would lose them\n"
     "    keep it at legacy or shadow until it can write back, or write writes: legacy")),
    ("", "    shadow: {methods: [GET, POST, TRACE]}\n",
     ("12: slice 'repairs' copies POST, TRACE to backend 'repairs-v2', which is no sandbox\n"
     "    write sandbox: true in backend 'repairs-v2' if nothing that it writes counts, or copy GET, HEAD")),
    # --- the rest
    ("version: 1", "version: 2", "1: version: version 2 is not known\n    write version: 1"),
    ("version: 1\n", "", "1: the key 'version' is missing\n    Of this notation: 1."),
    ("", "workers: 0\n", "12: workers: 0 is not a number of workers\n    write auto (one for each core), or 1 to 256"),
    ("", "log: {access: sampled}\n",
     ("12: log.access: 'sampled' is not a word known here\n"
     "    known words: off, all, sampled 1%. Did you mean 'sampled 1%'?")),
    ("", "    fallback: {on: [conect]}\n",
     ("12: slices.repairs.fallback.on[0]: 'conect' is not a cause to fall back\n"
     "    known causes: connect, breaker, timeout, reset, or a status from 400 to 599. Did you mean 'connect'?")),
    ("", "    gates: {errors: 2%, p95: 130%}\n",
     ("12: slices.repairs.gates.errors: '2%' is not a growth\n    write how much more is bearable: +2%\n"
     "routes.yaml:12: slices.repairs.gates.p95: '130%' is not a factor\n"
     "    write how many times as much is bearable: 1.3x")),
    ("", "    stcky: {cookie: a}\n",
     ("12: unknown key 'stcky' in slices.repairs\n"
     "    known keys: owner, backend, legacy, stage, routes, writes, sticky, fallback, assets, shadow, repeatable,"
     " compare and 3 more. Did you mean 'sticky'?")),
    ("http://127.0.0.1:9001", '"${REPAIRS_URL}"',
     "6: backends.repairs-v2.url: the environment variable REPAIRS_URL is not set\n    set it before you start"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "error"), CASES)
def test_what_is_wrong_is_said_in_full(old: str, new: str, error: str, tmp_path: Path) -> None:
    assert old in GOOD
    text = GOOD.replace(old, new) if old else GOOD + new
    with pytest.raises(ConfigError) as caught:
        loaded(text, tmp_path)
    assert str(caught.value) == f"routes.yaml:{error}"


def test_all_problems_between_the_parts_come_at_once(tmp_path: Path) -> None:
    text = GOOD.replace("default: legacy", "default: old").replace("admin: 127.0.0.1:9901", "admin: 127.0.0.1:8080")
    with pytest.raises(ConfigError) as caught:
        loaded(text + "gone: [/repairs/*]\n", tmp_path)
    assert re.findall(r"routes.yaml:\d+", str(caught.value)) == ["routes.yaml:3", "routes.yaml:7", "routes.yaml:12"]


@pytest.mark.parametrize(
    "more",
    [
        "  other:\n    backend: repairs-v2\n    routes: [{path: /repairs/*, methods: [GET]}]\n",
        "  other:\n    backend: repairs-v2\n    routes: [/repairs]\n",
        "  other:\n    backend: repairs-v2\n    routes: [{path: /a, methods: [GET]}, {path: /a, methods: [POST]}]\n",
        "  other:\n    backend: repairs-v2\n    routes: [{path: /a, query: {x: a}}, {path: /a, query: {x: b}}]\n",
        "  other:\n    backend: repairs-v2\n    routes: [{path: /a, priority: 1}, /a/*]\n",
        "redirects: [{from: /old/*, to: /repairs/*}, {from: /x/*, to: '/repairs/'}]\n",
        "redirects: [{from: /x/*, to: /x/repairs/*}]\ngone: [/x/repairs/*]\n",
        "redirects: [{from: /x/*, to: 'https://other.gov.uk/x/*'}]\n",
    ],
)
def test_claims_that_differ_in_anything_stand_together(more: str, tmp_path: Path) -> None:
    loaded(GOOD + more, tmp_path)


def test_public_names_are_read_in_lower_case(tmp_path: Path) -> None:
    assert loaded(GOOD + "hosts: [WWW.Anytown.gov.uk]\n", tmp_path).spec.hosts == ("www.anytown.gov.uk",)


def test_files_are_looked_for_beside_routes_yaml(tmp_path: Path) -> None:
    (tmp_path / "keys.toml").touch()
    loaded(GOOD + "keys: keys.toml\n", tmp_path)


def test_a_url_may_come_from_the_environment(tmp_path: Path) -> None:
    (tmp_path / "routes.yaml").write_text(GOOD.replace("http://127.0.0.1:9001", '"${REPAIRS_URL}"'))
    spec = load(tmp_path / "routes.yaml", {"REPAIRS_URL": "http://repairs:9001"}).spec
    assert spec.backends["repairs-v2"].url == (Origin("http", "repairs", 9001),)
