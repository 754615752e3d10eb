"""A page is compared as what a citizen sees and can do, not as bytes; an advert is one difference with one path."""

from __future__ import annotations

import gzip

import pytest

from tests.proxy.compare.replies import LATER, ignoring, page, reply, told

PAGE = """<!doctype html><html lang=en><head><title>Your jobs</title><meta name=csrf-token content=aaa>
<script nonce=n1>track("1")</script><link rel=stylesheet href=/a.css?v=1></head>
<body class=home><nav><ul><li><a href="/">Home</a></li><li><a href="/jobs">Jobs</a></li></ul></nav>
<main id=content><h1>Your jobs</h1><p>Printed 25/11/2026 at 12:26. See <a href="/help;jsessionid=1F2E?b=2&amp;a=1">the
<b>help</b></a>.</p>
<table class="jobs row-7"><thead><tr><th>Ref</th><th>What</th><th>Cost</th></tr></thead><tbody>
<tr id=row-1><td>J1</td><td>Boiler</td><td>12.50</td></tr><tr id=row-2><td>J2</td><td>Door</td><td>80.00</td></tr>
<tr id=row-3><td>J3</td><td>Roof</td><td>99.99</td></tr></tbody></table>
<form id=report action=/report method=post><input type=hidden name=csrfmiddlewaretoken value=abc>
<label>Phone <input name=phone></label><label>Ward <select name=ward><option value=1>North<option value=2>South</select>
</label><input type=checkbox name=agree value=y><textarea name=detail></textarea><button>Send</button></form>
<ul class=results><li>One</li><li>Two</li><li>Three</li></ul></main></body></html>"""

SAME = [
    ("classes and ids", 'class="jobs row-7"', 'class="govuk-table" id=x9'),
    ("white space", "<h1>Your jobs</h1>", "<h1>\n  Your\tjobs </h1>"),
    ("comments", "<h1>", "<!-- rendered by node 4 --><h1>"),
    ("scripts", 'track("1")', 'track("2")'),
    ("styles", "/a.css?v=1", "/b.css?v=2"),
    ("how a character is written", "Your jobs</h1>", "Your&#32;j&#111;bs</h1>"),
    ("wrappers", "<main id=content>", "<main id=content><div class=grid><div>"),
    ("which block a text is in", "<h1>Your jobs</h1>", "<div class=h1>Your jobs</div>"),
    ("bold type", "<h1>Your jobs</h1>", "<h1>Your <b>jobs</b></h1>"),
    ("the quotes of attributes", "action=/report", "action='/report'"),
    ("capitals of tags", "<h1>Your jobs</h1>", "<H1>Your jobs</H1>"),
    ("how the method is written", "method=post", 'method="POST"'),
    ("a session id in a link", "jsessionid=1F2E", "jsessionid=9C8D"),
    ("the order of parameters", "b=2&amp;a=1", "a=1&amp;b=2"),
    ("a CSRF token", "value=abc", "value=def"),
    ("a CSRF token in the head", "content=aaa", "content=bbb"),
    ("a nonce", "nonce=n1", "nonce=n2"),
    ("the time", "12:26", "12:27"),
    ("an unchecked picture", "<h1>", "<img src=/spacer.gif alt=''><h1>"),
]

DIFFERENT = [
    ("a rounding", "12.50", "12.5", ["css:table.jobs td:nth-child(3) value 99.99 99.9"]),
    ("a missing row", "<tr id=row-2><td>J2</td><td>Door</td><td>80.00</td></tr>", "",
     ["css:table.jobs tr missing tr of 3 texts nothing"]),
    ("a missing cell", "<td>80.00</td>", "", ["css:table.jobs td:nth-child(3) missing td of 1 text nothing"]),
    ("two cells swapped", "<td>J2</td><td>Door</td>", "<td>Door</td><td>J2</td>",
     ["css:table.jobs td:nth-child(1) value text of 2 text of 4",
      "css:table.jobs td:nth-child(2) value text of 4 text of 2"]),
    ("a changed label", "Phone <input", "Mobile <input", ["css:form#report label value text of 5 text of 6"]),
    ("a changed heading", "<h1>Your jobs", "<h1>Your job", ["css:main#content h1 value text of 9 text of 8"]),
    ("a changed title", "<title>Your jobs", "<title>Jobs", ["css:title value text of 9 text of 4"]),
    ("a lost form field", "<input name=phone>", "",
     ["css:form#report input[name=phone] missing input[name=phone] nothing"]),
    ("a renamed form field", "name=phone", "name=tel",
     ["css:form#report input[name=phone] missing input[name=phone] nothing",
      "css:form#report input[name=tel] added nothing input[name=tel]"]),
    ("a lost token field", "<input type=hidden name=csrfmiddlewaretoken value=abc>", "",
     ["css:form#report input[name=csrfmiddlewaretoken] missing input[name=csrfmiddlewaretoken] nothing"]),
    ("another type of field", "name=phone", "name=phone type=tel",
     ["css:form#report input[name=phone][type] value text of 4 text of 3"]),
    ("a field filled in", "name=phone", "name=phone value=0",
     ["css:form#report input[name=phone][value] added nothing 9"]),
    ("a box ticked", "value=y", "value=y checked",
     ["css:form#report input[name=agree][checked] added nothing text of 7"]),
    ("a lost choice", "<option value=2>South", "",
     ["css:form#report select[name=ward] option missing option of 1 text nothing"]),
    ("another choice made", "<option value=2>", "<option value=2 selected>",
     ["css:form#report select[name=ward] option[selected] added nothing text of 8"]),
    ("where a form goes", "action=/report", "action=/reports",
     ["css:form#report[action] value text of 7 text of 8"]),
    ("how a form is sent", "method=post", "method=get",
     ["css:form#report[method] value text of 4 text of 3",
      "css:form#report[enctype] missing text of 33 nothing"]),
    ("a button's words", ">Send<", ">Report<", ["css:form#report button value text of 4 text of 6"]),
    ("a changed link", 'href="/jobs"', 'href="/job"', ["css:nav ul a[href] value text of 5 text of 4"]),
    ("a link's words", ">Jobs</a>", ">Work</a>", ["css:nav ul a value text of 4 text of 4"]),
    ("a text for a link", '<a href="/jobs">Jobs</a>', "Jobs",
     ["css:nav ul a missing a of 1 text nothing", "css:nav ul li added nothing text of 4"]),
    ("a truncated list", "<li>Three</li>", "", ["css:ul.results li missing li of 1 text nothing"]),
    ("a swapped order", "<li>One</li><li>Two</li>", "<li>Two</li><li>One</li>",
     ["css:main#content ul.results order 3 items 3 items, in another order"]),
    ("an advert", "<h1>", '<div class="ad b7"><p>Buy now</p><a href="/ad/1">Here</a></div><h1>',
     ["css:main#content div.ad added nothing div of 2 texts"]),
    ("the time in another zone", "12:26", "11:26", ["css:main#content p value text of 32 text of 32"]),
    ("the date written otherwise", "25/11/2026", "11/25/2026", ["css:main#content p value text of 32 text of 32"]),
    ("a picture's words", "<h1>", "<img src=/logo.png alt='Anytown'><h1>",
     ["css:main#content img added nothing img"]),
    ("what is hidden from citizens", "<h1>Your jobs</h1>", "<h1 hidden>Your jobs</h1>",
     ["css:main#content h1 missing h1 of 1 text nothing"]),
    ("mojibake", "Send", "SendÃ©", ["css:form#report button value text of 4 text of 6"]),
    ("a forwarding", "<title>", "<meta http-equiv=refresh content='0;url=/x'><title>",
     ["css:meta[http-equiv=refresh] added nothing refresh"]),
]  # fmt: skip


def changed(old: str, new: str) -> str:
    assert old in PAGE
    return PAGE.replace(old, new, 1)


@pytest.mark.parametrize(("law", "old", "new"), SAME, ids=[case[0] for case in SAME])
def test_what_does_not_count(law: str, old: str, new: str) -> None:
    assert told(page(PAGE), page(changed(old, new), date=LATER)) == []
    assert told(page(changed(old, new)), page(PAGE, date=LATER)) == []


@pytest.mark.parametrize(("law", "old", "new", "expected"), DIFFERENT, ids=[case[0] for case in DIFFERENT])
def test_what_counts(law: str, old: str, new: str, expected: list[str]) -> None:
    assert told(page(PAGE), page(changed(old, new), date=LATER)) == expected


@pytest.mark.parametrize(("law", "old", "new", "expected"), DIFFERENT, ids=[case[0] for case in DIFFERENT])
def test_the_other_way_round_as_many_differ(law: str, old: str, new: str, expected: list[str]) -> None:
    assert len(told(page(changed(old, new)), page(PAGE))) == len(expected)


def test_a_missing_row_is_found_where_every_row_is_rounded() -> None:
    rows = [f"<tr><td>J{n}</td><td>{n}.50</td></tr>" for n in range(50)]
    control = "<table>" + "".join(rows) + "</table>"
    candidate = "<table>" + "".join(rows[:20] + rows[21:]).replace(".50", ".5") + "</table>"
    assert sorted(told(page(control), page(candidate))) == [
        "css:table td:nth-child(2) value 9.99 9.9",
        "css:table tr missing tr of 2 texts nothing",
    ]


def a_table(heads: str, *rows: str, tag: str = "th") -> str:
    """Of words: `a_table("Ref What", "J1 Boiler")`."""
    parts = [(heads, tag), *((row, "td") for row in rows)]
    lines = ("".join(f"<{cell}>{word}</{cell}>" for word in line.split()) for line, cell in parts)
    return "<table class=jobs>" + "".join(f"<tr>{line}</tr>" for line in lines) + "</table>"


JOBS = a_table("Ref What Cost Ward", "J1 Boiler 12.50 North", "J2 Door 80.00 South", "J3 Roof 99.99 East")
COLUMNS = [
    ("a missing column is one difference",
     a_table("Ref Cost Ward", "J1 12.50 North", "J2 80.00 South", "J3 99.99 East"),
     ["css:table.jobs td:nth-child(2) missing a column nothing"]),
    ("whatever its first row is made of",
     a_table("Ref Cost Ward", "J1 12.50 North", "J2 80.00 South", "J3 99.99 East", tag="td"),
     ["css:table.jobs td:nth-child(2) missing a column nothing"]),
    ("and hides no other: a rounding, in the place the control has it",
     a_table("Ref Cost Ward", "J1 12.5 North", "J2 80.00 South", "J3 99.99 East"),
     ["css:table.jobs td:nth-child(2) missing a column nothing", "css:table.jobs td:nth-child(3) value 99.99 99.9"]),
    ("nor a missing row", a_table("Ref Cost Ward", "J1 12.50 North", "J3 99.99 East"),
     ["css:table.jobs td:nth-child(2) missing a column nothing", "css:table.jobs tr missing tr of 3 texts nothing"]),
    ("nor a changed heading", a_table("Ref Price Ward", "J1 12.50 North", "J2 80.00 South", "J3 99.99 East"),
     ["css:table.jobs td:nth-child(2) missing a column nothing",
      "css:table.jobs th:nth-child(3) value text of 4 text of 5"]),
    ("a new column is one difference",
     a_table("Ref What Cost Paid Ward", "J1 Boiler 12.50 y North", "J2 Door 80.00 y South", "J3 Roof 99.99 n East"),
     ["css:table.jobs td:nth-child(4) added nothing a column"]),
    ("a heading alone that is lost is a cell",
     a_table("Ref Cost Ward", "J1 Boiler 12.50 North", "J2 Door 80.00 South", "J3 Roof 99.99 East"),
     ["css:table.jobs th:nth-child(2) value text of 4 text of 4",
      "css:table.jobs th:nth-child(3) value text of 4 text of 4",
      "css:table.jobs th:nth-child(4) missing th of 1 text nothing"]),
]  # fmt: skip


@pytest.mark.parametrize(("law", "candidate", "expected"), COLUMNS, ids=[case[0] for case in COLUMNS])
def test_a_column_that_one_side_alone_has(law: str, candidate: str, expected: list[str]) -> None:
    assert told(page(JOBS), page(candidate)) == expected
    assert len(told(page(candidate), page(JOBS))) == len(expected)


def test_the_same_difference_of_other_pages_has_the_same_path() -> None:
    one = '<table id=t-4711><tr id=r1><td>1</td><td class=c3>2</td></tr></table><input name="items[3].qty" value=1>'
    other = '<table id=t-4712><tr id=r9><td>8</td><td class=c4>9</td></tr></table><input name="items[7].qty" value=2>'
    paths = [
        told(page(text), page(text.replace("</td></tr>", "0</td></tr>").replace("value=", "value=5")))
        for text in (one, other)
    ]
    assert paths[0] == paths[1]
    assert paths[0] == ["css:table td:nth-child(2) value 9 99", "css:input[name^=items][value] value 9 99"]


IGNORED = [
    ("css:.ad", "<h1>", "<div class=ad><p>Buy</p></div><h1>"),
    ("css:main#content div.ad", "<h1>", "<div class=ad><p>Buy</p></div><h1>"),
    ("css:form#report input[name=phone]", "<input name=phone>", ""),
    ("css:form#report input[name=phone][value]", "name=phone", "name=phone value=7"),
    ("css:table td:nth-child(3)", "80.00", "81.00"),
    ("css:nav", 'href="/jobs"', 'href="/job"'),
    ("css:ul:has(li)", "<li>Three</li>", ""),
]


@pytest.mark.parametrize(("entry", "old", "new"), IGNORED)
def test_what_a_selector_names_is_left_out_of_both(entry: str, old: str, new: str) -> None:
    assert told(page(PAGE), page(changed(old, new))) != []
    assert told(page(PAGE), page(changed(old, new)), ignoring(entry)) == []


@pytest.mark.parametrize(("law", "old", "new", "expected"), DIFFERENT, ids=[case[0] for case in DIFFERENT])
def test_a_path_is_an_entry_that_ignores_its_difference(law: str, old: str, new: str, expected: list[str]) -> None:
    paths = tuple(line.partition(" missing")[0].partition(" added")[0].partition(" value")[0].partition(" order")[0]
                  for line in expected)  # fmt: skip
    assert told(page(PAGE), page(changed(old, new)), ignoring(*paths)) == []


def test_deep_nesting_is_read_as_its_text() -> None:
    deep = "<div>" * 2000 + "<p>here</p>"
    assert told(page(deep), page(deep)) == []
    assert told(page(deep), page(deep.replace("here", "there"))) == ["css:div value text of 4 text of 5"]


def test_a_page_of_another_charset_or_compression_is_the_same_page() -> None:
    text = "<p>£5 café</p>"
    others = [
        reply(text.encode("cp1252"), "text/html; charset=ISO-8859-1"),
        reply(b'<meta charset="windows-1252">' + text.encode("cp1252"), "text/html"),
        reply(text.encode("utf-16"), "text/html"),
        reply(gzip.compress(text.encode()), "text/html; charset=utf-8", ("content-encoding", "gzip")),
    ]
    for other in others:
        assert told(page(text), other) == []


def test_a_wrong_encoding_is_found() -> None:
    text = "<p>£5 café</p>"
    assert told(page(text), page(text.encode("cp1252"))) == ["body unreadable html not utf-8"]
    assert told(page(text), reply(text, "text/html; charset=iso-8859-1")) == ["css:p value text of 7 text of 9"]
