"""A form that is held: until it is known whether it overrides its method, or to be translated for its backend."""

from proxy.asked import FORM_LIMIT, Asked, form_overrides
from proxy.generation import Generation
from proxy.plan import Forward
from proxy.translate.backend import is_form
from proxy.wire.heads import RequestHead


def is_translated(request: RequestHead, plan: Forward, generation: Generation) -> bool:
    """Whether the body is a form in which its backend reads its own address in place of the public one."""
    translation = generation.backends[plan.backend].translation
    if translation is None or translation.name is None or not is_form(request.fields):
        return False
    return request.length is None or request.length <= FORM_LIMIT


class HeldForm:
    """Everything of a request until its plan is settled: at the form's end, or once FORM_LIMIT bytes are there."""

    __slots__ = ("_asked", "_content", "_framed", "_plan", "generation", "request", "started", "whole")

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
        self.whole: bytes | None = None  # its content, once it has ended within FORM_LIMIT

    def hold(self, framed: bytes, content: bytes, *, ended: bool) -> Forward | None:
        """The plan to go by, once it is settled; None to wait for more."""
        self._framed += framed
        self._content += content
        if not ended and len(self._content) <= FORM_LIMIT:
            return None
        self.whole = self._content if ended and len(self._content) <= FORM_LIMIT else None
        if self._plan.if_overridden is None:
            return self._plan
        # However the form was cut on its way, the same of it is looked at.
        ended = ended and len(self._content) <= FORM_LIMIT
        if form_overrides(self._asked, self._content[:FORM_LIMIT], ended=ended):
            self.request.overrides = True
            return self._plan.if_overridden
        return self._plan

    @property
    def framed(self) -> bytes:
        """What was held, as the backend will get it."""
        return self._framed
