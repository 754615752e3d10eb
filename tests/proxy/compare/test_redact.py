"""Nothing personal is kept or shown: neither by its looks nor by the name it stands beside."""

from __future__ import annotations

import gzip

import pytest

from proxy.compare.compare import compare
from proxy.compare.personal import is_personal
from proxy.compare.redact import redact, redact_reply
from proxy.compare.values import Comparing
from tests.proxy.compare.replies import json, page, reply

LOOKS = [
    ("a telephone number", "Ring 07700 900123.", "Ring 99999 999999."),
    ("a telephone number from abroad", "+44 (0)20 7946 0018", "+99 (9)99 9999 9999"),
    ("a postcode", "at SW1A 1AA", "at XX9X 9XX"),
    ("an e-mail address", "Jo.S@x.gov.uk", "Xx.X@x.xxx.xx"),
    ("an e-mail address in a URL", "/a?to=jo%40x.uk", "/a?to=xx%99x.xx"),
    ("a National Insurance number", "AB 12 34 56 C", "XX 99 99 99 X"),
    ("an NHS number", "943 476 5919", "999 999 9999"),
    ("no NHS number", "943 476 5918", "943 476 5918"),
    ("a card", "4111-1111-1111-1111", "9999-9999-9999-9999"),
    ("no card", "4111-1111-1111-1112", "4111-1111-1111-1112"),
    ("an IBAN", "GB82WEST12345698765432", "XX99XXXX99999999999999"),
    ("a bank account", "12-34-56 12345678", "99-99-99 99999999"),
    ("what follows a name", "Surname: Smith", "Surname: Xxxxx"),
    ("a parameter", "GET /a?surname=Smith&ref=4711", "GET /a?surname=Xxxxx&ref=4711"),
    ("what is not personal", "Job 4711 costs 12.50, printed 25/11/2026 12:26",
     "Job 4711 costs 12.50, printed 25/11/2026 12:26"),
]  # fmt: skip


@pytest.mark.parametrize(("law", "text", "expected"), LOOKS, ids=[case[0] for case in LOOKS])
def test_by_looks(law: str, text: str, expected: str) -> None:
    assert redact(text) == expected


PERSONAL = (
    "name surname firstName last_name tenant-name contact[email] Home.Address1 postcode mobileNo dob DateOfBirth "
)
PERSONAL += "NINO nhs_number bankAccountNumber sortCode iban card_number password gender ip_address"
PERSONAL += " holder licence_holder reported_by"
NOT_PERSONAL = (
    "filename ward_name className reference cost status shipped description hostname item_count placeholder stakeholder"
)


@pytest.mark.parametrize("name", PERSONAL.split())
def test_names_of_personal_things(name: str) -> None:
    assert is_personal(name)


@pytest.mark.parametrize("name", NOT_PERSONAL.split())
def test_names_of_other_things(name: str) -> None:
    assert not is_personal(name)


PAGES = [
    ("a field by its name", '<input name="surname" value="Smith">', '<input name="surname" value="Xxxxx">'),
    ("another field", '<input name=ref value="J1">', '<input name=ref value="J1">'),
    ("a text area", "<textarea name=address>1 High St</textarea>", "<textarea name=address>9 Xxxx Xx</textarea>"),
    ("a column by its heading", "<table><tr><th>Ref<th>Tenant name</th></tr><tr><td>J1</td><td>Jo <b>Ray</b></td></tr>",
     "<table><tr><th>Ref<th>Tenant name</th></tr><tr><td>J1</td><td>Xx <b>Xxx</b></td></tr>"),
    ("a row by its heading", "<tr><th>Date of birth</th><td>1 May</td></tr>",
     "<tr><th>Date of birth</th><td>9 Xxx</td></tr>"),
    ("a cell by the one before it", "<tr><td>Surname:</td><td>Ray</td><td>x</td>",
     "<tr><td>Surname:</td><td>Xxx</td><td>x</td>"),
    ("a term", "<dt>Name</dt><dd>Jo</dd><dt>Ward</dt><dd>North</dd>",
     "<dt>Name</dt><dd>Xx</dd><dt>Ward</dt><dd>North</dd>"),
    ("by looks, however it is written", "<p>jo&#64;x.uk</p>", "<p>xx@x.xx</p>"),
    ("a link", '<a href="mailto:jo@x.uk">', '<a href="mailto:xx@x.xx">'),
    ("scripts and comments", "<p>a<script>var n='Jo'</script><!-- Jo --><style>b</style>", "<p>a"),
]  # fmt: skip


@pytest.mark.parametrize(("law", "text", "expected"), PAGES, ids=[case[0] for case in PAGES])
def test_pages(law: str, text: str, expected: str) -> None:
    assert redact_reply(page(text)).body.decode() == expected


def test_json_by_the_names_of_its_members() -> None:
    text = (
        '{"ref": 4711, "tenant": {"name": "Jo", "address": {"line": "1 High St", "n": [12.5, null]}}, "to": "jo@x.uk"}'
    )
    assert redact_reply(json(text)).body.decode() == (
        '{\n  "ref": 4711,\n  "tenant": {\n    "address": {\n      "line": "9 Xxxx Xx",\n      "n": [\n        99.9,\n'
        '        null\n      ]\n    },\n    "name": "Xx"\n  },\n  "to": "xx@x.xx"\n}'
    )


OTHERS = [
    ("text/csv", "ref,surname\nJ1,Ray\n", "ref,surname\nJ1,Xxx\n"),
    ("application/xml", '<a><surname>Ray</surname><b e="jo@x.uk">J1</b></a>',
     '<a><surname>Xxx</surname><b e="xx@x.xx">J1</b></a>'),
    ("application/x-ndjson", '{"name": "Jo"}\n{"ref": 1}', '{\n  "name": "Xx"\n}\n{\n  "ref": 1\n}'),
    ("application/json", "not json: 07700 900123", "not json: 99999 999999"),
    ("text/plain", "Name: Jo\nWard: North", "Name: Xx\nWard: North"),
    ("application/x-www-form-urlencoded", "surname=Ray&ref=J1", "surname=Xxx&ref=J1"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "text", "expected"), OTHERS)
def test_other_kinds(kind: str, text: str, expected: str) -> None:
    assert redact_reply(reply(text, kind)).body.decode() == expected


def test_what_is_no_text_is_told_by_its_size_and_hash() -> None:
    shown = redact_reply(reply(b"\x89PNG", "image/png")).body.decode()
    assert shown == "(4 bytes, SHA-256 0f4636c78f65d3639ece5a064b5ae753e3408614a14fb18ab4d7540d2c248543)"
    assert redact_reply(reply(b"Jo \xff", "text/plain; charset=utf-8")).body.startswith(
        b"(4 bytes, not utf-8, SHA-256 "
    )


def test_fields_are_redacted_and_say_what_the_body_has_become() -> None:
    shown = redact_reply(
        reply(
            gzip.compress("£5".encode("cp1252")),
            "text/plain; charset=iso-8859-1",
            ("content-encoding", "gzip"),
            ("content-length", "22"),
            ("set-cookie", "JSESSIONID=1F2E; Path=/; HttpOnly"),
            ("x-auth-token", "1F2E"),
            ("location", "/a?email=jo@x.uk"),
        )
    )
    assert shown.body.decode() == "£5"
    assert shown.fields[1:] == (
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"set-cookie", b"JSESSIONID=(removed); Path=/; HttpOnly"),
        (b"x-auth-token", b"(removed)"),
        (b"location", b"/a?email=xx@x.xx"),
    )


def test_values_are_kept_only_where_they_are_asked_for_and_redacted() -> None:
    control, candidate = json('{"surname": "Ray", "note": "ring 07700 900123"}'), json('{"surname": "Rae", "note": ""}')
    assert {difference.values for difference in compare(control, candidate)} == {None}
    kept = compare(control, candidate, Comparing(keep_values=True))
    assert [difference.values for difference in kept] == [("Xxx", "Xxx"), ("ring 99999 999999", "")]


def test_the_order_of_members_is_not_seen_side_by_side() -> None:
    one, other = (
        redact_reply(json(text)).body for text in ('{"b": [{"d": 1, "c": 2}], "a": 3}', '{"a":3,"b":[{"c":2,"d":1}]}')
    )
    assert one == other
    assert one.decode().split() == ["{", '"a":', "3,", '"b":', "[", "{", '"c":', "2,", '"d":', "1", "}", "]", "}"]
