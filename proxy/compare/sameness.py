"""When two texts, links or values of a field say the same, though their bytes differ. Pure."""

from dataclasses import dataclass

from proxy.compare.builtin import settled_link, settled_text
from proxy.compare.moments import Nows, nows
from proxy.compare.values import Reply


@dataclass(frozen=True, slots=True)
class Sameness:
    """`loose_…` gives what is equal for all that may be the same, to align by; the others decide."""

    nows: Nows

    def loose_text(self, text: str) -> str:
        return self.nows.loose(settled_text(text))

    def loose_link(self, link: str) -> str:
        return self.nows.loose(settled_link(link))

    def texts(self, control: str, candidate: str) -> bool:
        return control == candidate or self.nows.alike(settled_text(control), settled_text(candidate))

    def links(self, control: str, candidate: str) -> bool:
        return control == candidate or self.nows.alike(settled_link(control), settled_link(candidate))


def sameness(control: Reply, candidate: Reply) -> Sameness:
    return Sameness(nows(control, candidate))
