"""The JSON API is what its OpenAPI file says: real answers fit it, and schemathesis finds nothing."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import requests
from jsonschema_rs import validator_for

from proxy.admin.api import OPERATIONS, description
from tests.proxy.admin.conftest import Admin

HOLD = {"stage": "legacy", "why": "wrong wards"}
DOCS = Path(__file__).parents[3] / "docs" / "admin.md"


def fits(answer: requests.Response, path: str, method: str = "get") -> None:
    """The body is as the file has it for that status."""
    whole = description()
    responses = whole["paths"][f"/api/v1{path}"][method]["responses"]
    assert str(answer.status_code) in responses, (path, answer.status_code, answer.text)
    schema = responses[str(answer.status_code)]["content"]["application/json"]["schema"]
    validator_for({**schema, "components": whole["components"]}).validate(answer.json())


def test_the_file_is_served_and_names_every_operation(admin: Admin) -> None:
    served: dict[str, Any] = admin.get("/api/v1/openapi.json").json()
    assert served == description()
    assert served["openapi"].startswith("3.1.")
    assert {(method, path) for path, each in served["paths"].items() for method in each} == {
        (one.method, f"/api/v1{one.path}") for one, _ in OPERATIONS
    }
    names = [each["operationId"] for path in served["paths"].values() for each in path.values()]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("path", [one.path for one, _ in OPERATIONS])
def test_every_operation_is_documented(path: str) -> None:
    assert path.replace("{name}", "NAME").replace("{number}", "NUMBER").rpartition("/")[2] in DOCS.read_text()


QUESTIONS = [
    ("/status", "/status"),
    ("/slices", "/slices"),
    ("/slices/repairs", "/slices/{name}"),
    ("/slices/nobody", "/slices/{name}"),
    ("/slices/repairs/changes", "/slices/{name}/changes"),
    ("/changes", "/changes"),
    ("/hits", "/hits"),
    ("/hits?span=month&slice=repairs", "/hits"),
    ("/hits?span=year", "/hits"),
    ("/slices/repairs/differences", "/slices/{name}/differences"),
    ("/slices/repairs/answers", "/slices/{name}/answers"),
    ("/slices/nobody/answers", "/slices/{name}/answers"),
    ("/slices/repairs/answers/7", "/slices/{name}/answers/{number}"),
    ("/slices/repairs/answers/x", "/slices/{name}/answers/{number}"),
    ("/routes", "/routes"),
    ("/routes?search=repairs&slice=repairs&page=9", "/routes"),
    ("/routes?page=x", "/routes"),
    ("/routes?page=1&page=2", "/routes"),
    ("/routes?colour=red", "/routes"),
    ("/explain?url=/repairs/1", "/explain"),
    ("/explain?url=/a%2500&method=POST&header=X-A:%201&header=Cookie:%20a=b", "/explain"),
    ("/explain", "/explain"),
    ("/explain?url=repairs", "/explain"),
]


@pytest.mark.parametrize(("asked", "path"), QUESTIONS, ids=[asked for asked, _ in QUESTIONS])
def test_what_is_answered_fits_the_file(admin: Admin, asked: str, path: str) -> None:
    if "changes" in asked:
        admin.post("/api/v1/slices/repairs/hold", HOLD, token=admin.token)
    fits(admin.get(f"/api/v1{asked}"), path)


ORDERS: list[tuple[str, object, int]] = [
    ("/slices/{name}/hold", HOLD, 200),
    ("/slices/{name}/hold", {"stage": "live", "why": "x"}, 409),
    ("/slices/{name}/hold", {"stage": "canary 0%", "why": "x"}, 409),
    ("/slices/{name}/hold", {"stage": "lve", "why": "x"}, 400),
    ("/slices/{name}/hold", {"stage": "legacy", "why": " "}, 400),
    ("/slices/{name}/hold", {"stage": "legacy"}, 400),
    ("/slices/{name}/hold", {**HOLD, "force": True}, 400),
    ("/slices/{name}/hold", [], 400),
    ("/slices/{name}/resume", {"why": "mended"}, 409),
    ("/bypass", {"on": True, "why": "storm"}, 200),
    ("/bypass", {"on": False, "why": "storm"}, 409),
    ("/bypass", {"on": "yes", "why": "storm"}, 400),
]


@pytest.mark.parametrize(("path", "body", "status"), ORDERS)
def test_what_is_ordered_is_answered_as_the_file_says(admin: Admin, path: str, body: object, status: int) -> None:
    answer = admin.post("/api/v1" + path.replace("{name}", "repairs"), body, token=admin.token)
    assert answer.status_code == status, answer.text
    fits(answer, path, "post")
    fits(admin.post("/api/v1" + path.replace("{name}", "repairs"), body), path, "post")


def test_what_is_wrong_with_an_order_is_said_place_by_place(admin: Admin) -> None:
    answer = admin.post("/api/v1/slices/repairs/hold", {"stage": "lve", "extra": 1}, token=admin.token)
    assert answer.json()["problems"] == [
        "stage: write legacy, shadow, canary 10%, live or retired",
        "why: write the reason, which stands in the history",
        "extra: Extra inputs are not permitted",
    ]
    form = requests.post(
        f"{admin.url}/api/v1/bypass", data="on=true", headers={"Authorization": f"Bearer {admin.token}"}, timeout=30
    )
    assert (form.status_code, form.json()["problems"]) == (
        400, ["the body is to be JSON: Content-Type: application/json"],
    )  # fmt: skip


def test_a_request_is_explained_as_the_command_explains_it(admin: Admin, fig: Path) -> None:
    command = [fig, "explain", "GET", "/repairs/42", "-H", "Cookie: a=b", "--json"]
    printed = subprocess.run(command, cwd=admin.home, check=True, capture_output=True, text=True).stdout
    assert admin.get("/api/v1/explain?url=/repairs/42&header=Cookie:%20a%3Db").json() == json.loads(printed)


@pytest.mark.slow
@pytest.mark.once
def test_schemathesis_finds_nothing(admin: Admin, tmp_path: Path) -> None:
    command = [
        *(Path(sys.executable).parent / "schemathesis", "run", f"{admin.url}/api/v1/openapi.json"),
        *("--checks", "all", "--max-examples", "40", "--seed", "7", "--workers", "1"),
        *("--header", f"Authorization: Bearer {admin.token}", "--generation-database", "none", "--no-color"),
    ]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout[-20_000:]
