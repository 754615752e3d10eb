"""A form that is held until it is known whether it overrides its method, because that decides who gets it."""

from proxy.asked import FORM_LIMIT, Asked, form_overrides
from proxy.generation import Generation
from proxy.plan import Forward
from proxy.wire.heads import RequestHead


class HeldForm:
    """Everything of a request until its plan is settled: at the form's end, or once FORM_LIMIT bytes are there."""

    __slots__ = ("_asked", "_content", "_framed", "_plan", "generation", "request", "started")

    def __init__(
        self, request: RequestHead, asked: Asked, plan: Forward, started: float, generation: Generation
    ) -> None:
        self.generation = generation  # a request finishes on the table it began with
        self.request = request
        self.started = started
        self._asked = asked
        self._plan = plan
        self._content = b""
        self._framed = b""

    def hold(self, framed: bytes, content: bytes, *, ended: bool) -> Forward | None:
        """The plan to go by, once it is settled; None to wait for more."""
        self._framed += framed
        self._content += content
        if not ended and len(self._content) <= FORM_LIMIT:
            return None
        # However the form was cut on its way, the same of it is looked at.
        ended = ended and len(self._content) <= FORM_LIMIT
        if form_overrides(self._asked, self._content[:FORM_LIMIT], ended=ended):
            self.request.overrides = True
            assert self._plan.if_overridden is not None
            return self._plan.if_overridden
        return self._plan

    @property
    def framed(self) -> bytes:
        """What was held, as the backend will get it."""
        return self._framed
