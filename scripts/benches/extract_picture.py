"""Bars: one measure of each contender, chart by chart. Pure: an SVG as text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

WIDTH, LABEL, LENGTH, LINE, GAP = 760, 130, 430, 22, 40
STYLE = """\
text { font: 13px system-ui, sans-serif; fill: #0b0c0c }
.title { font-weight: 700; font-size: 15px }
.bar { fill: #b1b4b6 } .limit { fill: #505a5f } .ours { fill: #00703c }
.wrong { fill: #b1b4b6; fill-opacity: .35; stroke: #d4351c }
.back { fill: #ffffff }"""


@dataclass(frozen=True, slots=True)
class Bar:
    name: str
    value: float
    is_ours: bool = False
    is_wrong: bool = False


def picture(charts: Mapping[str, Sequence[Bar]], measure: str = "rows a second") -> str:
    """One chart below the other, each on a scale of its own; `measure`: what the lengths are."""
    parts, y = [], 28
    for title, bars in charts.items():
        parts.append(f'<text class="title" x="12" y="{y}">{escape(title)}: {escape(measure)}</text>')
        y += 12
        most = max(bar.value for bar in bars)
        for bar in bars:
            length = max(1.0, bar.value / most * LENGTH)
            kind = "ours" if bar.is_ours else "limit" if bar.name == "limit" else "wrong" if bar.is_wrong else "bar"
            said = f"{bar.value:,.{0 if bar.value >= 1000 else 1}f}{' – values not right' if bar.is_wrong else ''}"
            parts += [
                f'<text x="{LABEL}" y="{y + 15}" text-anchor="end">{escape(bar.name)}</text>',
                f'<rect class="{kind}" x="{LABEL + 8}" y="{y + 2}" width="{length:.1f}" height="{LINE - 5}"/>',
                f'<text x="{LABEL + 14 + length:.1f}" y="{y + 15}">{said}</text>',
            ]
            y += LINE
        y += GAP
    height = max(y - GAP + 12, 40)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}"'
        f' width="{WIDTH}" height="{height}" role="img">\n'
        f"<title>{escape(measure.capitalize())} by contender</title>\n<style>{STYLE}</style>\n"
        f'<rect class="back" width="{WIDTH}" height="{height}"/>\n' + "\n".join(parts) + "\n</svg>\n"
    )
