"""Wrong tokens, by where they came from: after a few in a minute the next ones are not looked at. Pure."""

from collections import OrderedDict, deque

# Wrong tokens of one address within SECONDS: a person mistypes twice; whoever tries ten does something else.
WRONG = 10
SECONDS = 60.0
# Addresses that are remembered; over that the one that has been quiet longest is forgotten.
REMEMBERED = 1024


class Attempts:
    """The caller brings `now`, in seconds of a clock that does not jump."""

    def __init__(self) -> None:
        self._wrong: OrderedDict[str, deque[float]] = OrderedDict()

    def wait(self, address: str, now: float) -> float:
        """Seconds until that address may try again; 0 if it may now."""
        moments = self._wrong.get(address)
        if moments is None or len(moments) < WRONG:
            return 0.0
        return max(0.0, moments[0] + SECONDS - now)

    def failed(self, address: str, now: float) -> None:
        """One more wrong token."""
        self._wrong.setdefault(address, deque(maxlen=WRONG)).append(now)
        self._wrong.move_to_end(address)
        if len(self._wrong) > REMEMBERED:
            self._wrong.popitem(last=False)
