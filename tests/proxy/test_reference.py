"""docs/routes.md is what the definitions say."""

from pathlib import Path

from notation.annotations import fields_of
from proxy.model import RouteSpec, SliceSpec
from proxy.reference import routes_reference


def test_the_reference_is_fresh(root: Path) -> None:
    written = (root / "docs" / "routes.md").read_text(encoding="utf-8")
    assert written == routes_reference(), "run scripts/reference"


def test_every_key_is_there_with_its_reason() -> None:
    page = routes_reference()
    for spec in (SliceSpec, RouteSpec):
        for key, (_, info) in fields_of(spec).items():
            assert f"| `{key}`" in page
            assert info.description
            assert info.description.replace("|", "\\|") in page
