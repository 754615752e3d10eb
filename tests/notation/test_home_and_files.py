"""The project's folder is found; files are written whole."""

from pathlib import Path

import pytest

from notation.files import append_line, write_whole
from notation.home import home
from notation.problems import ConfigError


def test_home_is_the_nearest_folder_upward_with_the_file(tmp_path: Path) -> None:
    (tmp_path / "routes.yaml").touch()
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    assert home(deep, "datasets.yaml", "routes.yaml", environ={}) == tmp_path
    (deep / "datasets.yaml").touch()
    assert home(deep, "datasets.yaml", "routes.yaml", environ={}) == deep


def test_fig_home_has_the_last_word(tmp_path: Path) -> None:
    assert home(Path("/"), "routes.yaml", environ={"FIG_HOME": str(tmp_path)}) == tmp_path


def test_a_fig_home_that_is_no_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        home(tmp_path, "routes.yaml", environ={"FIG_HOME": "/nowhere"})
    assert str(caught.value) == "FIG_HOME is /nowhere, which is no folder\n    create it, or unset FIG_HOME"


def test_without_a_home_it_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        home(tmp_path, "no-such.yaml", "nor-this.yaml", environ={})
    assert str(caught.value) == (
        f"found no no-such.yaml or nor-this.yaml in {tmp_path} or above it\n"
        "    start in the project's folder, or set FIG_HOME to it"
    )


def test_writing_keeps_the_files_mode_and_a_link(tmp_path: Path) -> None:
    real, link = tmp_path / "real", tmp_path / "link"
    real.write_text("old")
    real.chmod(0o640)
    link.symlink_to(real)
    write_whole(link, "new\r\n")
    assert real.read_bytes() == b"new\r\n"
    assert link.is_symlink()
    assert real.stat().st_mode & 0o777 == 0o640
    assert sorted(p.name for p in tmp_path.iterdir()) == ["link", "real"]


def test_a_private_file_is_private_from_its_first_byte(tmp_path: Path) -> None:
    write_whole(tmp_path / "a", "secret", 0o600)
    append_line(tmp_path / "b", "secret", 0o600)
    append_line(tmp_path / "b", "more", 0o600)
    assert [(tmp_path / name).stat().st_mode & 0o777 for name in "ab"] == [0o600, 0o600]
    assert (tmp_path / "b").read_text() == "secret\nmore\n"


def test_what_cannot_be_written_leaves_the_old_file(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError, match="directory"):
        write_whole(tmp_path / "folder", "text")
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]
