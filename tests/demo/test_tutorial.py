"""The tutorial's commands are run as they stand, in a council as the tutorial starts it."""

from __future__ import annotations

import re
import shlex
import subprocess
from pathlib import Path

import pytest

from tests.conftest import Start
from tests.demo.test_demo import ANY

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.slow
def test_every_command_of_the_tutorial_does_what_it_says(start: Start, fig: Path, tmp_path: Path) -> None:
    text = (ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8")
    commands = re.findall(r"^\$ fig (.+)$", text, re.MULTILINE)
    assert len(commands) >= 8
    demo = start([fig, "demo", "--small", "--keep", tmp_path / "anytown", *ANY])
    proxy = demo.wait_for(r"The council's site +(http://127\.0\.0\.1:\d+)", seconds=60)[1]
    for command in commands:
        words = shlex.split(command.replace("http://127.0.0.1:8080", proxy))
        done = subprocess.run([fig, *words], cwd=tmp_path / "anytown", capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, f"fig {command}: {done.stdout}{done.stderr}"
