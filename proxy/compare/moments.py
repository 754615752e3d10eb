"""Dates and times that say when an answer was made: `now`, written in the answer itself. Pure: now is its own Date.

Two texts say the same if they differ only in moments that are each the now of their own answer, written in the same
way and for the same zone: `printed 25/11/2026 12:26:09` and `printed 25/11/2026 12:26:11`, but not `11:26:09` against
`12:26:09`, nor `2026-11-25` against `25/11/2026`.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from proxy.compare.values import Reply

# What a slow page may take between writing a time and sending its Date. Larger would take a neighbour for now.
NEAR = timedelta(seconds=60)
# Days begin at a quarter of an hour somewhere: between two answers a date changes only if one passed, or nearly.
QUARTER, MARGIN = 900, 5

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?"
    r"|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)"
)
_ORDINALS = str.maketrans({"s": "t", "n": "t", "r": "t", "d": "h"})  # 1st, 2nd and 3rd are written as 4th is
_WEEKDAY = r"(?P<weekday>(?:mon|tues?|wed(?:nes)?|thu(?:rs?)?|fri|sat(?:ur)?|sun)(?:day)?(?:,[ ]|[ ]))"
_TIME = r"\d{1,2}:\d\d(?::\d\d(?:[.,]\d{1,9})?)?(?:[ ]?[ap]\.?m\b\.?)?"
_ZONE = r"[ ]?(?:Z\b|(?:UTC|GMT|BST|CET|CEST)\b|[+-]\d\d:?\d\d\b)"
_FIGURES = re.compile(
    r"\d:\d|\d[/.-]\d|\d{4}| ago\b|\bjust now\b", re.IGNORECASE
)  # each moment has some of these; most texts have none
_MOMENT = re.compile(
    rf"""(?<![\w.-]){_WEEKDAY}?
    (?:
      (?P<day>
        (?P<iso>\d{{4}}-\d\d-\d\d)
      | (?P<figures>\d{{1,2}}(?P<mark>[/.-])\d{{1,2}}(?P=mark)(?:\d{{4}}|\d\d))
      | (?P<daymonth>\d{{1,2}}(?:st|nd|rd|th)?[ -]{_MONTH}[ ,-]{{1,2}}(?:\d{{4}}|\d\d))
      | (?P<monthday>{_MONTH}[ ]\d{{1,2}}(?:st|nd|rd|th)?,?[ ]\d{{4}})
      )
      (?:(?P<between>T|[ ]|,[ ]|[ ]at[ ])(?P<time>{_TIME})(?P<zone>{_ZONE})?)?
    | (?P<posix>{_MONTH}[ ][ \d]?\d[ ]\d\d:\d\d:\d\d[ ](?P<posixzone>[A-Z]{{3,4}}[ ])?\d{{4}})
    | (?P<alone>{_TIME})(?P<alonezone>{_ZONE})?
    | (?P<ago>just[ ]now
      | (?P<amount>an?|one|\d{{1,4}})[ ](?P<unit>sec|min)[a-z]*(?:,?[ ](?:and[ ])?\d+[ ]sec[a-z]*)?[ ]ago)
    | (?P<epoch>[1-9]\d{{9}}(?:\.?\d{{3}}|\.?\d{{6}})?)
    )(?![\w-]|[.:]\d)""",
    re.VERBOSE | re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class _Read:
    """A moment as it is written. `form`: how; `at`: what it says, as if in UTC; `zone`: None if none is said."""

    form: str
    at: datetime
    is_day: bool = False
    step: timedelta = timedelta(0)  # what is not written: the seconds of 12:26
    zone: timedelta | None = None


def now_of(reply: Reply) -> datetime | None:
    """What the answer's Date says, in UTC."""
    for name, value in reply.fields:
        if name == b"date":
            try:
                said = parsedate_to_datetime(value.decode("ascii"))
            except (ValueError, TypeError, IndexError, OverflowError):
                return None
            return said.replace(tzinfo=UTC) if said.tzinfo is None else said.astimezone(UTC)
    return None


@dataclass(frozen=True, slots=True)
class Nows:
    """When the two answers were made, as each says itself; None: nobody knows."""

    control: datetime | None
    candidate: datetime | None

    def loose(self, text: str) -> str:
        """`text` with a mark for each moment that may be now: what is the same to `alike` is equal here."""
        if self.control is None or _FIGURES.search(text) is None:
            return text
        return _MOMENT.sub(self._mark, text)

    def _mark(self, match: re.Match[str]) -> str:
        if match["ago"]:
            return "\0ago"
        for now in (self.control, self.candidate):
            if now is not None and any(_offset(read, now) is not None for read in _readings(match, now)):
                return "\0now"
        return match[0]

    def alike(self, control: str, candidate: str) -> bool:
        """Whether the two texts say the same but for moments that are each now."""
        if control == candidate:
            return True
        if self.control is None or self.candidate is None:
            return False
        mine, theirs = list(_MOMENT.finditer(control)), list(_MOMENT.finditer(candidate))
        if not mine or len(mine) != len(theirs) or _between(control, mine) != _between(candidate, theirs):
            return False
        return all(self._both_now(one, other) for one, other in zip(mine, theirs, strict=True))

    def _both_now(self, one: re.Match[str], other: re.Match[str]) -> bool:
        assert self.control is not None
        assert self.candidate is not None
        if one[0] == other[0]:
            return True
        if one["ago"] or other["ago"]:
            return self._as_long_ago(one, other)
        if (one["weekday"] is None) != (other["weekday"] is None):
            return False
        return any(
            mine.form == theirs.form and _same_now(mine, self.control, theirs, self.candidate)
            for mine in _readings(one, self.control)
            for theirs in _readings(other, self.candidate)
        )

    def _as_long_ago(self, one: re.Match[str], other: re.Match[str]) -> bool:
        """Whether `2 seconds ago` here and `5 seconds ago` there may be the same moment; of hours, it is not said."""
        assert self.control is not None
        assert self.candidate is not None
        if not (one["ago"] and other["ago"]):
            return False
        return abs((self.control - _ago(one)) - (self.candidate - _ago(other))) <= NEAR


def _ago(match: re.Match[str]) -> timedelta:
    if match["amount"] is None:
        return timedelta(0)
    amount = int(match["amount"]) if match["amount"].isdigit() else 1
    return timedelta(seconds=amount) if match["unit"].lower() == "sec" else timedelta(minutes=amount)


def nows(control: Reply, candidate: Reply) -> Nows:
    """An answer without a Date was made when the other was: they are asked together."""
    mine, theirs = now_of(control), now_of(candidate)
    return Nows(mine or theirs, theirs or mine)


def _between(text: str, matches: list[re.Match[str]]) -> list[str]:
    ends = [0, *(match.end() for match in matches)]
    starts = [*(match.start() for match in matches), len(text)]
    return [text[end:start] for end, start in zip(ends, starts, strict=True)]


def _same_now(mine: _Read, mine_now: datetime, theirs: _Read, theirs_now: datetime) -> bool:
    first, second = _offset(mine, mine_now), _offset(theirs, theirs_now)
    if first is None or second is None or mine.zone != theirs.zone:
        return False
    if not mine.is_day:
        return first == second
    # another day is the same now only if a day can have begun between the two
    since, until = sorted((mine_now.timestamp(), theirs_now.timestamp()))
    begun = (since - MARGIN) // QUARTER != (until + MARGIN) // QUARTER
    return begun and abs(mine.at - theirs.at) == timedelta(days=1) and (mine.at < theirs.at) == (mine_now <= theirs_now)


def _offset(read: _Read, now: datetime) -> int | None:
    """How many hours the clock of its zone is ahead of UTC if it is now; None if it is not."""
    if read.is_day:
        return 0 if abs(read.at.date() - now.date()) <= timedelta(days=1) else None
    ahead = read.at - now.replace(tzinfo=None)
    if read.zone is not None:
        ahead -= read.zone
        return 0 if -NEAR - read.step <= ahead <= NEAR else None
    hours = round((ahead + read.step / 2) / timedelta(hours=1))
    left = ahead - timedelta(hours=hours)
    return hours if -12 <= hours <= 14 and -NEAR - read.step <= left <= NEAR else None


def _readings(match: re.Match[str], now: datetime) -> list[_Read]:
    """What the text may mean: `10/11/2026` is a day in November or in October."""
    try:
        if match["epoch"]:
            return [_epoch(match["epoch"])]
        if match["posix"]:
            return [_posix(match["posix"])]
        if match["alone"]:
            return _alone(match, now)
        return [read for form, day in _days(match) for read in _with_time(match, form, day)]
    except (ValueError, OverflowError):  # there is no 31 February
        return []


def _epoch(text: str) -> _Read:
    figures = text.replace(".", "")
    seconds = int(figures[:10])
    form = f"epoch{len(figures)}{'.' if '.' in text else ''}"
    return _Read(form, datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None), zone=timedelta(0))


def _posix(text: str) -> _Read:
    """`Nov 25 12:26:09 GMT 2026`, as ctime and Java write it."""
    month, day, time, *zone, year = text.split()
    hour, minute, second = map(int, time.split(":"))
    at = datetime(int(year), _month(month), int(day), hour, minute, second)  # noqa: DTZ001 (its zone is read beside it)
    return _Read("posix", at, zone=_zone(zone[0]) if zone else None)


def _alone(match: re.Match[str], now: datetime) -> list[_Read]:
    hour, minute, second, step, forms = _clock(match["alone"])
    at = now.replace(hour=hour, minute=minute, second=second, microsecond=0, tzinfo=None)
    zone = _zone(match["alonezone"])
    ahead = at - (now.replace(tzinfo=None) + (zone or timedelta(0)))
    if abs(ahead) > timedelta(hours=14):  # the other side of midnight
        at -= timedelta(days=1 if ahead > timedelta(0) else -1)
    return [_Read(form + _zone_form(match["alonezone"]), at, step=step, zone=zone) for form in forms]


def _days(match: re.Match[str]) -> list[tuple[str, datetime]]:
    """The days it may mean, each with how it is written."""
    text = match["day"]
    if match["iso"]:
        return [("iso", datetime.fromisoformat(text))]
    figures = re.findall(r"\d+", text)
    one, two = int(figures[0]), int(figures[1])
    year = int(figures[-1]) + (2000 if len(figures[-1]) == 2 else 0)
    if match["figures"]:
        forms = [f"{match['mark']}{len(figures[-1])}{padding}" for padding in _paddings(figures[0], figures[1])]
        orders = [(order, day, month) for order, day, month in (("dm", one, two), ("md", two, one)) if month <= 12]
        return [(order + form, datetime(year, month, day)) for order, day, month in orders for form in forms]  # noqa: DTZ001 (a day, of any zone)
    word = re.search(r"[a-z]{3,}", text, re.IGNORECASE)
    assert word is not None
    marks = "".join(re.findall(r"(?<=\d)(?:st|nd|rd|th)|[^\w]", text.lower())).translate(_ORDINALS)
    order = "daymonth" if match["daymonth"] else "monthday"
    lengths: tuple[str, ...] = ("short",) if word[0].lower() in (*_MONTHS, "sept") else ("full",)
    if word[0].lower() == "may":
        lengths = ("short", "full")
    at = datetime(year, _month(word[0]), one)  # noqa: DTZ001 (a day, of any zone)
    paddings = _paddings(figures[0])
    return [(f"{order}{marks}{length}{len(figures[-1])}{padding}", at) for length in lengths for padding in paddings]


def _with_time(match: re.Match[str], form: str, day: datetime) -> list[_Read]:
    if match["time"] is None:
        return [_Read(form, day, is_day=True)]
    hour, minute, second, step, forms = _clock(match["time"])
    at = day.replace(hour=hour, minute=minute, second=second)
    zone = _zone(match["zone"])
    whole = f"{form}{match['between']}{_zone_form(match['zone'])}"
    return [_Read(whole + written, at, step=step, zone=zone) for written in forms]


def _clock(text: str) -> tuple[int, int, int, timedelta, list[str]]:
    """Hour, minute, second, what is not written of them, and how they are written."""
    figures = re.findall(r"\d+", text)
    hour, minute, *rest = (int(figure) for figure in figures[:3])
    half = re.search(r"[ ]?[ap]\.?m\.?", text, re.IGNORECASE)
    if half:
        hour = hour % 12 + (12 if "p" in half[0].lower() else 0)
    written = half[0].lower().replace("p", "a") if half else ""
    form = f"{':' * len(figures[:3])}{'.' if len(figures) > 3 else ''}{written}"
    step = timedelta(0) if rest else timedelta(seconds=59)
    return hour, minute, rest[0] if rest else 0, step, [form + padding for padding in _paddings(figures[0])]


def _paddings(*figures: str) -> tuple[str, ...]:
    """Whether small numbers are written with a zero before them: `09`, `9`; `10` does not tell."""
    if any(figure[0] == "0" for figure in figures):
        return ("0",)
    return ("",) if any(len(figure) == 1 for figure in figures) else ("", "0")


def _zone(text: str | None) -> timedelta | None:
    if text is None:
        return None
    said = text.strip().upper()
    hours = {"Z": 0, "UTC": 0, "GMT": 0, "BST": 1, "CET": 1, "CEST": 2}.get(said)
    if hours is not None:
        return timedelta(hours=hours)
    figures = said[1:].replace(":", "")
    if said[:1] not in "+-" or not figures.isdigit():
        return None
    away = timedelta(hours=int(figures[:2]), minutes=int(figures[2:]))
    return -away if said[0] == "-" else away


def _zone_form(text: str | None) -> str:
    return "" if text is None else re.sub(r"\d", "9", text)


def _month(name: str) -> int:
    return _MONTHS.index(name[:3].lower()) + 1
