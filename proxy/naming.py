"""What the counts in the map belong to, for the keeper, who reads them: slices, backends and workers by their places.

Plain values that can be written as JSON; as many as there are slices and backends, however many routes.
"""

from time import monotonic, time
from typing import TYPE_CHECKING

from proxy.backends import shown
from proxy.stages import LIVE, Stage

if TYPE_CHECKING:
    from proxy.supervisor import Supervisor


def naming(supervisor: "Supervisor") -> dict[str, object]:
    """The names, and what else only the supervisor knows."""
    spec, held, crew = supervisor.loaded.spec, supervisor.held(), supervisor.crew
    spans = supervisor.book.spans()
    return {
        "ok": True,
        "began": time() - (monotonic() - supervisor.began),
        "generation": crew.current.generation.number,
        "refused": bool(supervisor.problems),
        "bypass": held.bypass,
        "ledger_trouble": bool(supervisor.keeper and supervisor.keeper.ledger_trouble),
        "workers": {str(hand.index): hand.generation for hand in crew.hands},
        "default": spec.default,
        "backends": {name: supervisor.book.of_backend(name) for name in spec.backends},
        "addresses": [
            {"backend": backend.name, "address": shown(server), "place": server.number}
            for backend in crew.current.generation.backends.values()
            for server in backend.servers
        ],
        "slices": [
            {
                "name": name,
                "backend": each.backend,
                "legacy": spec.legacy_of(name),
                "share": _share(held.stage(name, each)),
                "held": name in supervisor.holds.by_slice,
                "series": spans.get(name, []),
            }
            for name, each in spec.slices.items()
        ],
        "redirects_and_gone": spans.get("", []),
    }


def _share(stage: Stage) -> float:
    """Of its visitors, how many the slice answers: 0 to 1."""
    return 1.0 if stage >= LIVE else (stage.percent or 0.0) / 100
