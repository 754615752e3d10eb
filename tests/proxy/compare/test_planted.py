"""The differences a council would plant to try us are each found, and the noise of two healthy servers is not."""

from __future__ import annotations

import pytest

from proxy.compare.compare import compare
from proxy.compare.values import Reply
from tests.proxy.compare.replies import LATER, json, page, reply, told

TABLE = "".join(
    f"<tr><td>J{n}</td><td>Boiler {n}</td><td>£{n}.50</td><td>2026-11-0{n}T23:30:00Z</td></tr>" for n in range(1, 9)
)


def council(table: str = TABLE, token: str = "a1", now: str = "12:26:09", advert: str = "") -> str:
    return f"""<!doctype html><title>Repairs</title><script nonce="{token}">x("{token}")</script>
<ul><li><a href="/repairs;jsessionid={token}">Repairs</a><li><a href="/bins">Bins</a></ul>{advert}
<table>{table}</table><form action="/report" method="post"><input type="hidden" name="__VIEWSTATE" value="{token}">
<label>Telephone <input name="phone"></label><button>Send</button></form><p>Printed 25/11/2026 {now}</p>"""


LEGACY = page(council(), ("set-cookie", "JSESSIONID=a1; Path=/; HttpOnly; Secure"), ("x-request-id", "1"))
ITEMS = json(
    '{"items": [{"id": 1, "cost": 12.345, "note": ""}, {"id": 2, "cost": 9.1, "note": "x"}], "at": 1795609569}'
)


def candidate(old: str = "", new: str = "", cookie: str = "JSESSIONID=zz; Secure; HttpOnly; path=/") -> Reply:
    text = council(token="zz9", now="12:26:11")
    assert old in text
    return page(text.replace(old, new, 1), ("set-cookie", cookie), ("x-request-id", "2"), date=LATER)


def items(old: str, new: str) -> Reply:
    text = '{"at": 1795609571, "items": [{"note": "", "id": 1, "cost": 12.345}, {"cost": 9.10, "id": 2, "note": "x"}]}'
    assert old in text
    return json(text.replace(old, new, 1), date=LATER)


PLANTED = [
    ("a rounding", ITEMS, items("12.345", "12.35"), "json:$.items[*].cost value"),
    ("a missing row", LEGACY, candidate(TABLE[: len(TABLE) // 8], ""), "css:table tr missing"),
    ("a changed label", LEGACY, candidate("Telephone", "Mobile"), "css:form label value"),
    ("a lost form field", LEGACY, candidate('<input name="phone">', ""), "css:form input[name=phone] missing"),
    ("an extra redirect", LEGACY, reply("", "", ("location", "/repairs/"), status=302), "status status"),
    ("a cookie attribute", LEGACY, candidate(cookie="JSESSIONID=zz; Secure; Path=/"),
     "cookie:JSESSIONID HttpOnly value"),
    ("a wrong encoding", LEGACY, Reply(200, candidate().fields, candidate().body.decode().encode("cp1252")),
     "body unreadable"),
    ("a swapped order", LEGACY, candidate(TABLE, TABLE[len(TABLE) // 8 :] + TABLE[: len(TABLE) // 8]),
     "css:table order"),
    ("a date in another zone", LEGACY, candidate("2026-11-03T23:30:00Z", "2026-11-04T00:30:00+01:00"),
     "css:table td:nth-child(4) value"),
    ("a 500 for one id", LEGACY, page("<h1>Error</h1>", status=500), "status status"),
    ("a missing page", LEGACY, page("<h1>Not found</h1>", status=404), "status status"),
    ("a truncated list", ITEMS, items(', {"cost": 9.10, "id": 2, "note": "x"}', ""), "json:$.items length"),
    ("a changed link", LEGACY, candidate('"/bins"', '"/waste"'), "css:ul a[href] value"),
    ("a lost field in JSON", ITEMS, items('"note": "", ', ""), "json:$.items[*].note missing"),
    ("a null for an empty text", ITEMS, items('"note": ""', '"note": null'), "json:$.items[*].note type"),
]  # fmt: skip


@pytest.mark.parametrize(("law", "control", "other", "expected"), PLANTED, ids=[case[0] for case in PLANTED])
def test_each_planted_difference_is_found_amid_the_noise_and_nothing_else(
    law: str, control: Reply, other: Reply, expected: str
) -> None:
    (found,) = [line for line in told(control, other) if not line.startswith("header:set-cookie")]
    assert found.startswith(f"{expected} ")


def test_the_noise_alone_is_no_difference() -> None:
    assert told(LEGACY, candidate()) == []
    assert told(ITEMS, items("12.345", "12.3450")) == []


def test_an_advert_has_one_path_whatever_it_says_and_wherever_it_stands() -> None:
    adverts = [
        "",
        *(f'<div class="ad x{n}"><a href="/ad/{n}"><b>Buy {n}</b></a><p>{n} left</p></div>' for n in range(4)),
    ]
    paths = {
        difference.path
        for one in adverts
        for other in adverts
        for difference in compare(page(council(advert=one)), page(council(advert=other)))
    }
    assert paths == {"css:div.ad", "css:div.ad a", "css:div.ad a[href]", "css:div.ad p"}
