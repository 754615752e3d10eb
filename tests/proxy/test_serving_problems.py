"""What is understood but not acted on yet is listed, with its place, and is not served."""

from pathlib import Path

import pytest

from proxy.config import Loaded, load, serving_problems

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


def test_the_whole_notation_is_not_served_yet_and_each_key_is_listed() -> None:
    listed = serving_problems(load(SAMPLES / "routes.yaml", {}))
    assert [str(problem).partition("\n")[0] for problem in listed] == [
        f"routes.yaml:{line}: {key} is not acted on yet"
        for line, key in [
            (11, "keys"),
            *((51, f"slices.repairs.gates.{gate}") for gate in ("errors", "hold", "mismatch", "p95", "requests")),
        ]
    ]


def test_what_is_acted_on_is_served(tmp_path: Path) -> None:
    text = GOOD.replace("listen: 127.0.0.1:8080", "listen: [127.0.0.1:8080, {address: '[::1]:8080'}]") + (
        "    stage: live\n    owner: us@anytown.gov.uk\n    fallback: none\n    writes: legacy\n    promote: manual\n"
        "    ladder: [live]\nhosts: [www.anytown.gov.uk]\ntrust: [10.0.0.0/8]\nworkers: auto\ngrace: 5s\n"
        "limits: {head: 16KiB, idle: 5s}\npaths: {case: insensitive, params: keep}\nlog: {access: off}\n"
        "redirects: [{from: /old/*, to: /repairs/*, status: 308}]\ngone: [/kiosk/*]\n"
        "tests: [{request: GET /repairs/42, slice: repairs}]\n"
    ).replace("8081}", "8081, host: backend, links: rewrite, cookies: [a]}").replace(
        "[/repairs/*]",
        "[/repairs/*, {regex: /r/.*, priority: 5, host: www.anytown.gov.uk},"
        " {path: /a, headers: {x-b: '1'}, query: {c: d}, cookies: {e: f}}]",
    )
    assert serving_problems(loaded(text, tmp_path)) == ()


KEYS_LATER = [
    ("slices: {a: {backend: new, legacy: legacy, routes: [/a], promote: manual}}",
     "slices: {a: {backend: new, legacy: legacy, routes: [/a], promote: auto}}",
     "slices.a.promote is not acted on yet\n    remove it until it is"),
]  # fmt: skip


@pytest.mark.parametrize(("same", "other", "error"), KEYS_LATER)
def test_a_default_written_out_is_served_and_another_value_is_not(
    same: str, other: str, error: str, tmp_path: Path
) -> None:
    for text, errors in ((same, []), (other, [f"routes.yaml:3: {error}"])):
        backends = "backends: {legacy: {url: 'http://127.0.0.1:8081'}, new: {url: 'http://127.0.0.1:9001'}}"
        one = loaded(f"version: 1\nlisten: 127.0.0.1:8080\n{text}\n{backends}\n", tmp_path)
        assert [str(problem) for problem in serving_problems(one)] == errors
