"""How often legacy is asked a second time: one at a time, and not twice within a second. Pure: the caller brings `now`.

pacer = Pacer(); if pacer.begins(now): …; pacer.ended()
"""

# Seconds: what a monolith that serves a town does not notice.
GAP = 1.0


class Pacer:
    """One a legacy, for all that asks it a second time. `due`: when the next may begin, unless one is under way."""

    __slots__ = ("_gap", "due", "is_busy")

    def __init__(self, gap: float | None = None) -> None:
        self._gap = GAP if gap is None else gap
        self.due = 0.0
        self.is_busy = False

    def is_free(self, now: float) -> bool:
        """Whether one may begin now."""
        return not self.is_busy and now >= self.due

    def begins(self, now: float) -> bool:
        """Whether one begins now; then `ended` is to be called."""
        if not self.is_free(now):
            return False
        self.is_busy, self.due = True, now + self._gap
        return True

    def ended(self) -> None:
        """It has its answer, or none."""
        self.is_busy = False
