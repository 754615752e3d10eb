"""What every slice is built from: manifests, datasets in memory, legacy's forms, and errors that say what to do."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest

from notation.problems import ConfigError
from slices import manifest
from slices.cli import build
from slices.legacy_form import find, texts
from slices.manifest import NeedSpec, missing
from slices.shelf import Shelf
from tests.conftest import Start
from tests.slices.conftest import liberate

HELD: dict[str, pa.DataType] = {
    "a": pa.string(), "b": pa.date32(), "c": pa.decimal128(12, 2), "d": pa.int64(), "e": pa.timestamp("us", "UTC"),
    "f": pa.bool_(), "g": pa.large_string(), "h": pa.binary(),
}  # fmt: skip
SCHEMA = pa.schema(HELD)
ALL = {"a": "string", "b": "date", "c": "decimal", "d": "integer", "e": "timestamp", "f": "boolean", "g": "string"}


def test_a_dataset_with_all_that_is_needed_lacks_nothing() -> None:
    need = NeedSpec.model_validate({"columns": ALL})
    assert missing(need, SCHEMA) == []


def test_what_a_dataset_lacks_is_said_in_full() -> None:
    need = NeedSpec(columns={"a": "date", "h": "string", "z": "decimal"})
    assert missing(need, SCHEMA) == [
        "its column a is string, not date",
        "its column h is binary, not string",
        "it has no column z (decimal)",
    ]


def test_every_slice_of_the_library_has_a_manifest_of_its_own_name() -> None:
    assert manifest.names() == ["repairs"]
    assert [manifest.load(name).name for name in manifest.names()] == manifest.names()


def test_an_unknown_slice_is_said_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as refused:
        build("repair", tmp_path, "http://127.0.0.1:1")
    assert (
        str(refused.value) == "there is no slice 'repair' in the library\n    slices: repairs. Did you mean 'repairs'?"
    )


def test_a_dataset_that_was_not_extracted_is_said_with_the_command(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as refused:
        build("repairs", tmp_path, "http://127.0.0.1:1").load()
    assert str(refused.value) == (
        f"dataset 'housing-repairs' is not in {tmp_path / 'data' / 'lake'}\n"
        "    extract it first: fig extract housing-repairs"
    )


def without(home: Path, *starts: str) -> None:
    """Removes the lines of datasets.yaml that begin so."""
    path = home / "datasets.yaml"
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(line for line in lines if not line.strip().startswith(starts)))


def test_a_column_that_is_missing_is_said_with_what_to_do(lake: Path, tmp_path: Path) -> None:
    home = Path(shutil.copytree(lake, tmp_path / "home"))
    without(home, "UPRN:", "COST_P:")
    shutil.rmtree(home / "data" / "lake")
    liberate(home)
    with pytest.raises(ConfigError) as refused:
        build("repairs", home, "http://127.0.0.1:1").load()
    assert str(refused.value) == (
        "dataset 'housing-repairs', version 0, is not what the slice needs: "
        "it has no column uprn (string); it has no column cost (decimal)\n"
        "    add it to datasets.yaml, then extract again: fig extract housing-repairs"
    )


def test_a_lake_that_breaks_leaves_the_old_version_answering(
    lake: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    home = Path(shutil.copytree(lake, tmp_path / "home"))
    shelf = Shelf(home, "housing-repairs", manifest.load("repairs").datasets["housing-repairs"])
    shelf.load()
    shutil.rmtree(home / "data" / "lake")
    assert shelf.refresh() is False
    assert shelf.held.rows == 600
    assert "dataset housing-repairs: version 0 goes on answering" in caplog.text


def test_only_the_columns_that_are_needed_are_held(lake: Path) -> None:
    shelf = Shelf(lake, "housing-repairs", NeedSpec(columns={"reference": "string", "ward": "string"}))
    shelf.load()
    assert set(shelf.held.ask("SELECT * FROM data LIMIT 1", {})[0]) == {"reference", "ward"}


FORMS = [  # what, HTML inside a form, or whole; the values of the form that has field a
    ("a plain form", "<form><input name=a value=1></form>", {"a": "1"}),
    ("the first with the field", "<form><input name=q></form><form><input name=a></form>", {"a": ""}),
    ("hidden", "<form><input type=hidden name=a value='&quot;'></form>", {"a": '"'}),
    ("an area", "<form><input name=a><textarea name=b>x&amp;\ny</textarea></form>", {"a": "", "b": "x&\ny"}),
    ("no buttons", "<form><input name=a><input type=submit name=s value=Go></form>", {"a": ""}),
    ("no files", "<form><input name=a><input type=file name=f></form>", {"a": ""}),
    ("no box unless ticked", "<form><input name=a><input type=checkbox name=c value=1></form>", {"a": ""}),
    ("a ticked box", "<form><input name=a><input type=radio name=r value=2 checked></form>", {"a": "", "r": "2"}),
    (
        "a list's chosen entry",
        "<form><input name=a><select name=s><option value=1><option value=2 selected></select></form>",
        {"a": "", "s": "2"},
    ),
    (
        "a list with nothing chosen",
        "<form><input name=a><select name=s><option value=1></select></form>",
        {"a": "", "s": ""},
    ),
    ("fields outside are not in it", "<input name=x><form><input name=a></form><input name=y>", {"a": ""}),
]


@pytest.mark.parametrize(("html", "values"), [case[1:] for case in FORMS], ids=[case[0] for case in FORMS])
def test_a_form_is_read_as_a_browser_reads_it(html: str, values: dict[str, str]) -> None:
    form = find(html, "a")
    assert form is not None
    assert dict(form.values) == values


def test_a_page_without_the_form_has_none() -> None:
    assert find("<form><input name=q></form>", "a") is None


def test_the_texts_of_a_page_are_found_by_their_ids() -> None:
    html = "<p id=one>First <b>and</b>\n second</p><br><div><span id=two>Second</span></div><p id=three></p>rest"
    assert texts(html) == {"one": "First and second", "two": "Second", "three": ""}


# -- the command


def test_it_serves_until_sigterm(start: Start, fig: Path, lake: Path) -> None:
    slice_ = start([fig, "slice", "serve", "repairs", "--port", "0", "--legacy", "http://127.0.0.1:1", "--home", lake])
    slice_.wait_for(r"slice repairs answers at http://127\.0\.0\.1:\d+")
    assert slice_.stop() == 0


def test_a_port_that_is_taken_is_said(start: Start, fig: Path, lake: Path) -> None:
    command: list[str | Path] = [fig, "slice", "serve", "repairs", "--legacy", "http://127.0.0.1:1", "--home", lake]
    first = start([*command, "--port", "0"])
    taken = first.wait_for(r"answers at http://127\.0\.0\.1:(\d+)")[1]
    second = start([*command, "--port", taken])
    assert second.wait() == 2
    said = (
        f"port {taken} of 127.0.0.1 is taken\n    choose another: --port {int(taken) + 1}, and say so in routes.yaml\n"
    )
    assert second.log.endswith(said)


@pytest.mark.parametrize("legacy", ["127.0.0.1:8081", "ftp://a", "http://a/path", "http://"])
def test_an_address_of_legacy_that_is_none_is_refused(start: Start, fig: Path, lake: Path, legacy: str) -> None:
    slice_ = start([fig, "slice", "serve", "repairs", "--legacy", legacy, "--home", lake])
    assert slice_.wait() == 2
    assert slice_.log == f"--legacy {legacy} is not the address of a site\n    write it like http://127.0.0.1:8081\n"


def test_a_folder_without_the_data_is_said(start: Start, fig: Path, tmp_path: Path, port: Callable[[], int]) -> None:
    command: list[str | Path] = [
        fig,
        "slice",
        "serve",
        "repairs",
        "--legacy",
        f"http://127.0.0.1:{port()}",
        "--home",
        tmp_path,
    ]
    slice_ = start(command)
    assert slice_.wait() == 2
    assert "    extract it first: fig extract housing-repairs\n" in slice_.log
