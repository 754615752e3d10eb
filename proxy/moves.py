"""Moving a slice up or down: what `fig promote`, `rollback`, `resume` and `bypass` do, in which order."""

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from notation.files import write_whole
from notation.marked_yaml import load as load_document
from notation.marked_yaml import parse
from notation.problems import ConfigError, Problem, one_of
from proxy import config, control, edit, holds
from proxy.chosen import no_file
from proxy.holds import Bypass, Change, Hold, Holds
from proxy.stages import LEGACY, Stage, effective, next_rung
from proxy.stages import parse as parse_stage


class Failed(Exception):
    """Something outside failed; what was done until then is said."""


class No(Exception):
    """The answer is no."""


@dataclass(frozen=True, slots=True)
class Order:
    """Who asks for a change of which slice, when and why."""

    routes: Path
    slice: str
    who: str
    when: str  # UTC, ISO 8601
    why: str
    environ: Mapping[str, str]
    say: Callable[[str], None]

    @property
    def home(self) -> Path:
        return self.routes.resolve().parent

    @property
    def holds_file(self) -> Path:
        return self.home / "data" / "holds.json"

    def changed(self, command: str, before: object, after: object) -> None:
        change = Change(self.slice or "*", str(before), str(after), command, self.who, self.when, self.why)
        holds.note_change(self.home, change)


def promote(order: Order, to: Stage | None, *, force: bool, dry_run: bool) -> None:
    """Edit the file, let the proxy take it in, then clear the slice's hold. Raises ConfigError, No, Failed."""
    loaded = config.load(order.routes, order.environ)
    if order.slice not in loaded.spec.slices:
        raise _unknown(order, loaded.spec.slices)
    spec = loaded.spec.slices[order.slice]
    running = _running(order)
    kept = _kept(order, running)
    hold = kept.by_slice.get(order.slice)
    now = effective(spec.stage, hold.stage if hold else None)
    target = to or next_rung(spec.ladder, now)
    if target is None:
        raise No(f"slice '{order.slice}' is at {now}, the top of its ladder")
    if target < now:
        hint = f"to go down: fig rollback {order.slice} --to '{target}'"
        raise ConfigError([Problem(None, f"slice '{order.slice}' is at {now}, above {target}", hint)])
    if target == now and hold is None:
        order.say(f"slice '{order.slice}' is at {now} already")
        return
    if spec.gates is not None and not force:
        raise No(f"slice '{order.slice}' has gates, which are not judged yet; to promote it all the same: --force WHY")
    text = edit.set_stage(loaded.document, order.slice, target)
    edited = config.checked(parse(text, loaded.document.file), order.routes, order.environ)
    if later := config.serving_problems(edited):
        raise ConfigError(later)
    order.say(f"slice '{order.slice}': {now} -> {target}{' (tried only; nothing is changed)' if dry_run else ''}")
    order.say(_difference(loaded.document.text, text, order.routes.name))
    if dry_run:
        return
    _write_routes(order, text)
    if running:
        reply = _told(order, {"do": "reload"})
        if not reply.get("ok"):
            _write_routes(order, loaded.document.text)
            raise Failed(f"the proxy refused the change, so {order.routes.name} is as it was:\n{_problems(reply)}")
        order.say(f"every worker serves generation {reply['generation']}")
    if hold is not None:
        _keep(order, running, None, kept)
        order.say(f"cleared the hold at {hold.stage} that {hold.who} set at {hold.when}{_because(hold.why)}")
    order.changed("promote", now, target)
    _say_the_rest(order, running, kept)


def rollback(order: Order, to: Stage | None, *, dry_run: bool) -> None:
    """Hold the slice first, then edit the file if that can be done, else print the change. Raises as `promote`."""
    target = to or LEGACY
    running = _running(order)
    kept = _kept(order, running)
    file_stage = _stage_in_file(order, running)
    now = effective(file_stage, kept.held_at(order.slice))
    if now < target:
        hint = f"to go up: fig promote {order.slice} --to '{target}'"
        raise ConfigError([Problem(None, f"slice '{order.slice}' is at {now}, below {target}", hint)])
    if now == target and file_stage == target:
        order.say(f"slice '{order.slice}' is at {now} already")
        return
    order.say(f"slice '{order.slice}': {now} -> {target}{' (tried only; nothing is changed)' if dry_run else ''}")
    if not dry_run:
        done = _keep(order, running, Hold(target, order.who, order.when, order.why), kept)
        order.say(f"held at {target}" + (f"; every worker serves generation {done}" if done else ""))
        order.changed("rollback", now, target)
    try:
        document = load_document(order.routes)
        text = edit.set_stage(document, order.slice, target)
        order.say(_difference(document.text, text, order.routes.name))
        if dry_run:
            return
        _write_routes(order, text)
    except (ConfigError, Failed) as exc:
        order.say(
            f"{order.routes.name} is not changed: {exc}\nwrite there, under slices: {order.slice}: stage: {target}"
        )
    else:
        if running and not (reply := _told(order, {"do": "reload"})).get("ok"):
            order.say(f"the hold is in force, but the proxy does not take {order.routes.name} in:\n{_problems(reply)}")
    _say_the_rest(order, running, kept)


def resume(order: Order, to: Stage | None, *, dry_run: bool) -> None:
    """Clear the slice's hold, or raise it `to` a stage. Raises as `promote`."""
    running = _running(order)
    kept = _kept(order, running)
    file_stage = _stage_in_file(order, running)
    hold = kept.by_slice.get(order.slice)
    if hold is None:
        order.say(f"slice '{order.slice}' is not held; it is at {file_stage}, as {order.routes.name} says")
        return
    before = effective(file_stage, hold.stage)
    if to is not None and to <= hold.stage:
        what = f"a hold at {hold.stage} cannot be raised to {to}"
        raise ConfigError([Problem(None, what, f"without --to it is cleared, and {file_stage} holds again")])
    left = Hold(to, order.who, order.when, order.why) if to is not None and to < file_stage else None
    after = effective(file_stage, left.stage if left else None)
    tried = " (tried only; nothing is changed)" if dry_run else ""
    order.say(f"slice '{order.slice}': {before} -> {after}{tried}")
    if dry_run:
        return
    done = _keep(order, running, left, kept)
    raised = f"raised to {left.stage} the hold" if left else "cleared the hold"
    order.say(f"{raised} at {hold.stage} that {hold.who} set at {hold.when}{_because(hold.why)}")
    if done:
        order.say(f"every worker serves generation {done}")
    order.changed("resume", before, after)
    _say_the_rest(order, running, kept)


def bypass(order: Order, *, on: bool) -> None:
    """Everything to legacy, or back to the stages. Raises Failed, and ConfigError for no routes or broken holds."""
    running = _running(order)
    if running is None and not order.routes.is_file():
        raise no_file(order.routes)
    kept = _kept(order, running)
    if on is (kept.bypass is not None):
        order.say(f"the bypass is {'on' if on else 'off'} already")
        return
    if running:
        reply = _told(order, {"do": "bypass", "on": on, "who": order.who, "why": order.why})
        if not reply.get("ok"):
            raise Failed(_problems(reply))
    else:
        _write_holds(order, Holds(Bypass(order.who, order.when, order.why) if on else None, kept.by_slice))
    order.changed("bypass", *(("stages", "bypass") if on else ("bypass", "stages")))
    if on:
        order.say("the bypass is on: everything goes to legacy, redirects and gone paths too, until fig bypass off")
    else:
        order.say("the bypass is off: slices are at their stages again")
    if not running:
        order.say("no proxy is running here; the next fig serve begins with this")


def _running(order: Order) -> Mapping[str, object] | None:
    """The running proxy's status, or None. Raises Failed, and ConfigError if it serves by another file."""
    try:
        status = control.ask(order.home, {"do": "status"})
    except control.NotRunning:
        return None
    except (OSError, ValueError) as exc:
        raise Failed(f"the proxy in {order.home} does not answer: {exc}") from exc
    if status.get("config") != order.routes.name:
        what = f"the proxy here serves by {status.get('config')}, not by {order.routes.name}"
        raise ConfigError([Problem(None, what, f"name it: -c {status.get('config')}")])
    return status


def _told(order: Order, message: dict[str, object]) -> Mapping[str, object]:
    """The reply, which comes once every worker has acknowledged. Raises Failed."""
    try:
        return control.ask(order.home, message)
    except (control.NotRunning, OSError, ValueError) as exc:
        raise Failed(f"the proxy in {order.home} stopped answering: {exc}; see fig status before you go on") from exc


def _kept(order: Order, running: Mapping[str, object] | None) -> Holds:
    """What is held now: a running proxy knows, so that a way back needs no good file; else what the file says."""
    if running is None:
        return holds.read(order.holds_file)
    bypass, rows = running["bypass"], running["slices"]
    assert isinstance(rows, list)
    held = {row["name"]: row["hold"] for row in rows if row["hold"]}
    by_slice = {name: Hold(**{**hold, "stage": parse_stage(hold["stage"])}) for name, hold in held.items()}
    return Holds(Bypass(**bypass) if isinstance(bypass, dict) else None, by_slice)


def _stage_in_file(order: Order, running: Mapping[str, object] | None) -> Stage:
    """What the file says; if it is broken, what the running proxy last read: a way back must not need a good file."""
    try:
        slices = {name: spec.stage for name, spec in config.load(order.routes, order.environ).spec.slices.items()}
    except ConfigError:
        if running is None:
            raise
        rows = running["slices"]
        assert isinstance(rows, list)
        slices = {row["name"]: parse_stage(row["file_stage"]) for row in rows}
    if order.slice not in slices:
        raise _unknown(order, slices)
    return slices[order.slice]


def _keep(order: Order, running: object, hold: Hold | None, kept: Holds) -> object:
    """Set or clear the hold. The generation that every worker has acknowledged; None with no proxy running."""
    if not running:
        _write_holds(order, kept.with_hold(order.slice, hold))
        return None
    message: dict[str, object] = {"do": "resume", "slice": order.slice, "who": order.who}
    if hold is not None:
        message |= {"do": "hold", "stage": str(hold.stage), "why": hold.why}
    reply = _told(order, message)
    if not reply.get("ok"):
        raise Failed(_problems(reply))
    return reply["generation"]


def _write_holds(order: Order, kept: Holds) -> None:
    try:
        holds.write(order.holds_file, kept)
    except OSError as exc:
        raise Failed(f"cannot write data/{order.holds_file.name}: {exc.strerror}") from exc


def _write_routes(order: Order, text: str) -> None:
    try:
        write_whole(order.routes, text)
    except OSError as exc:
        raise Failed(f"cannot write {order.routes.name}: {exc.strerror}") from exc


def _unknown(order: Order, slices: Mapping[str, object]) -> ConfigError:
    hint = one_of("declared slices", order.slice, slices)
    return ConfigError([Problem(None, f"there is no slice '{order.slice}' in {order.routes.name}", hint)])


def _say_the_rest(order: Order, running: object, kept: Holds) -> None:
    if kept.bypass is not None:
        order.say("the bypass is on: everything goes to legacy until fig bypass off")
    if not running:
        order.say("no proxy is running here; the next fig serve begins with this")


def _difference(old: str, new: str, file: str) -> str:
    lines = difflib.unified_diff(old.splitlines(), new.splitlines(), file, file, n=0, lineterm="")
    return "\n".join(line for line in list(lines)[2:]) or f"{file} says so already"


def _problems(reply: Mapping[str, object]) -> str:
    problems = reply.get("problems")
    return "\n".join(map(str, problems)) if isinstance(problems, list) else str(reply)


def _because(why: str) -> str:
    return f" ({why})" if why else ""
