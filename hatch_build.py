"""Builds the compiled part, `proxy/wire/_cut.c`, where there is a C compiler and Python's headers; else goes without.

Run by pip, through hatchling. It never fails an installation: without the compiled part everything works, slower.
"""

import contextlib
import os
import shlex
import shutil
import subprocess
import sysconfig
import zlib
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SOURCE = "proxy/wire/_cut.c"
BUILT = "proxy/wire/_cut.abi3.so"
# The source keeps to the stable ABI of 3.11, the oldest Python served.
FLAGS = ("-std=c11", "-O2", "-Wall", "-Wextra", "-fPIC", "-shared", "-DPy_LIMITED_API=0x030B0000")
TAG = "cp311-abi3"


class BuildHook(BuildHookInterface):  # type: ignore[type-arg]
    """Adds the compiled part to a wheel, which then is of this platform, or puts it beside its source (editable)."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build it; say it where that is not possible."""
        problem = build(Path(self.root))
        if problem:
            self.app.display_warning(f"without the compiled part, heads are read by Python alone: {problem}")
        elif version != "editable":
            platform = sysconfig.get_platform().replace("-", "_").replace(".", "_")
            build_data["artifacts"].append(BUILT)
            build_data["pure_python"] = False
            build_data["tag"] = f"{TAG}-{platform}"


def build(root: Path) -> str:
    """Make BUILT of SOURCE, whole or not at all; why it could not be, or nothing."""
    built = root / BUILT
    fresh = built.with_suffix(f".{os.getpid()}")
    try:
        compiler = _compiler()
        if compiler is None:
            return _without(built, "no C compiler was found")
        headers = sysconfig.get_path("include")
        if not (Path(headers) / "Python.h").is_file():
            return _without(built, f"Python's headers are not in {headers}")
        source = f'-DSOURCE="{zlib.crc32((root / SOURCE).read_bytes()):x}"'
        command = [*compiler, *FLAGS, source, f"-I{headers}", "-o", str(fresh), str(root / SOURCE)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        if done.returncode:
            return _without(built, f"{shlex.join(command)} said: {done.stderr.strip()[-500:]}")
        fresh.replace(built)
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        return _without(built, str(error))
    finally:
        fresh.unlink(missing_ok=True)
    return ""


def _without(built: Path, why: str) -> str:
    with contextlib.suppress(OSError):  # one that is left would be of another source, and is not used
        built.unlink()
    return why


def _compiler() -> list[str] | None:
    """The one that is asked for, the one that made this Python, or any."""
    for said in (os.environ.get("CC"), sysconfig.get_config_var("CC"), "cc", "gcc", "clang"):
        words = shlex.split(said or "")
        if words and shutil.which(words[0]):
            return words
    return None
