"""Whatever stands in routes.yaml, nothing worse comes of it than a list of problems."""

import copy
import json
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from notation.marked_yaml import load, parse
from notation.problems import ConfigError
from proxy.config import checked, serving_problems

SAMPLES = Path(__file__).parent.parent / "samples"

ANYTHING = st.one_of(
    st.none(), st.booleans(), st.integers(-5, 10**6), st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(["", "/", "/*", "no", "legacy", "live", "10s", "${X", "a\tb", "http://[", "//", "%"]),
    st.text(max_size=8), st.lists(st.text(max_size=3), max_size=2),
    st.dictionaries(st.text(max_size=3), st.none(), max_size=2),
)  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_whatever_stands_at_whatever_place_is_accepted_or_refused_with_its_place(data: st.DataObject) -> None:
    """No value, anywhere, gets more than a ConfigError, and each problem of it has a line."""
    whole = load(SAMPLES / "routes.yaml")
    place = data.draw(st.sampled_from([path for path in whole.marks if path]))
    changed: Any = copy.deepcopy(whole.value)
    inner = changed
    for step in place[:-1]:
        inner = inner[step]
    inner[place[-1]] = data.draw(ANYTHING)
    text = json.dumps(changed, ensure_ascii=False)  # JSON is YAML
    try:
        serving_problems(checked(parse(text, "routes.yaml"), SAMPLES / "routes.yaml", {}))
    except ConfigError as exc:
        refused = exc.problems
    else:
        refused = ()
    assert all(problem.where for problem in refused)
