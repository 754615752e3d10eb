"""When two texts, links or values of a field say the same, though their bytes differ. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from proxy.compare.builtin import settled_link, settled_text
from proxy.compare.moments import Nows, nows
from proxy.compare.values import Reply


@dataclass(frozen=True, slots=True)
class Sameness:
    """`loose_…` gives what is equal for all that may be the same, to align by; the others decide."""

    nows: Nows
    hosts: frozenset[str] = frozenset()  # the public names
    _loose: dict[str, str] = field(default_factory=dict)  # most texts of one answer are in the other too

    def loose_text(self, text: str) -> str:
        loose = self._loose.get(text)
        if loose is None:
            loose = self._loose[text] = self.nows.loose(settled_text(text))
        return loose

    def loose_link(self, link: str) -> str:
        key = f"\0link {link}"
        loose = self._loose.get(key)
        if loose is None:
            loose = self._loose[key] = self.nows.loose(settled_link(link, self.hosts))
        return loose

    def texts(self, control: str, candidate: str) -> bool:
        return control == candidate or self.nows.alike(settled_text(control), settled_text(candidate))

    def links(self, control: str, candidate: str) -> bool:
        return control == candidate or self.nows.alike(
            settled_link(control, self.hosts), settled_link(candidate, self.hosts)
        )


def sameness(control: Reply, candidate: Reply, hosts: Iterable[str] = ()) -> Sameness:
    return Sameness(nows(control, candidate), frozenset(hosts))
