"""Carries a fault plan out on a backend, and keeps what was seen of each fault.

Like the interpreter it is sans-IO: `advance`, `deliver` and `next_wake` are all the loop needs, and it
never waits. Each planned fault goes through the phases of `occurrence.Phase`:

    waiting -> beginning -> on -> ending -> healing -> over        (at its time)
    waiting -> armed -> beginning -> ...                           (when its trigger fires)

Three rules make it safe. What is about to be done stands in the journal before it is done. A fault whose
beginning failed, in part or altogether, is ended like any other. And `heal_all` ends everything,
whatever state it is in, so that the cluster is whole when it has settled.

Evidence is gathered while a fault is on and after it was lifted (`watch.Watch`). "Bit" is judged
once more at the very end, since some of it shows only then: a killed process proves it by its new pid.
"""

from __future__ import annotations

import random
from collections import defaultdict
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from splitbrain.backend import (
    ActionDone,
    Kill,
    NodeExited,
    NodeNoted,
    NodeUp,
    Pause,
    PowerCut,
    Restart,
    Resume,
    SetClock,
    SetDisk,
    Triggered,
)
from splitbrain.faults.base import ClusterView, UnresolvedTargetError
from splitbrain.faults.dials import Dials
from splitbrain.faults.evidence import Observation, action_to_json
from splitbrain.faults.holds import Holds
from splitbrain.faults.inquiry import Ask, Inquiry
from splitbrain.faults.occurrence import BITING, IDLE, SECOND, Occurrence, Phase
from splitbrain.faults.performer import Performer
from splitbrain.faults.standing import Standing
from splitbrain.faults.triggers import Triggers
from splitbrain.faults.watch import Watch, sight_over

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from splitbrain.backend import Action, Backend, BackendEvent
    from splitbrain.faults.base import Fault
    from splitbrain.faults.evidence import Stage
    from splitbrain.faults.record import FaultRecord
    from splitbrain.faults.watch import Sight
    from splitbrain.plan import Plan, Trigger
    from splitbrain.systems.description import Role

RETRY = SECOND // 50
"""How soon a target that could not be resolved (no leader at the moment) is tried again."""

PATIENCE = 10 * SECOND
"""How long a heal may take to show."""

ANSWER = 15 * SECOND
"""How long the final heal goes on asking for what has to be answered for certain."""

NEVER = 1 << 63


class Nemesis:
    """Runs one plan.

    `faults` maps the names that the plan uses to faults. `journal` appends a line to `faults.jsonl`,
    `record(f, value, now)` one to the history. `clock_bound` is the drift that the system bears, as
    a share. Times are nanoseconds since the run began.

    It is polled at each of the thousands of events of a simulated run and has something to do at a few
    dozen of them, so `next_wake` and `settled` are worked out when its state changes (`_refresh`).
    """

    def __init__(
        self,
        plan: Plan,
        faults: Mapping[str, Fault],
        backend: Backend,
        *,
        roles: Mapping[str, Role],
        journal: Callable[[Mapping[str, Any]], object],
        record: Callable[[str, Mapping[str, Any], int], object],
        clock_bound: float = 0.0,
    ) -> None:
        self._plan = plan
        self._nodes = tuple(backend.nodes)
        self._journal = journal
        self._record = record
        self._clock_bound = clock_bound
        self._performer = Performer(backend)
        self._holds = Holds(self._nodes)
        self._dials = Dials()
        self._triggers = Triggers(self._nodes, self._holds, self._submit)
        self._standing = Standing(self._nodes, roles, self._holds, self._triggers)
        self._inquiries: list[Inquiry] = []
        self._returning: dict[str, list[tuple[Occurrence, Stage]]] = defaultdict(list)
        self._closing = False
        self._occurrences = {
            entry.id: Occurrence(entry, faults[entry.fault], wake=round(entry.instant * SECOND))
            for entry in plan.faults
        }
        self.settled = True
        """Whether nothing is under way: no fault on, none healing, no action open."""
        self._wake = NEVER
        self._refresh()

    # What the loop and the live line ask.

    @property
    def active(self) -> list[str]:
        """The names of the faults that are on."""
        return [each.entry.fault for each in self._occurrences.values() if each.phase in BITING]

    @property
    def records(self) -> list[FaultRecord]:
        """What became of each planned fault, in the order of the plan."""
        return [each.record() for each in self._occurrences.values()]

    def next_wake(self) -> int | None:
        """Return when `advance` has something to do; None if only an event can give it something."""
        return None if self._wake == NEVER else self._wake

    def _refresh(self) -> None:
        """Work out `next_wake` and `settled` after a change."""
        wakes = [each.next_wake() for each in self._occurrences.values()]
        wakes += [self._performer.next_wake(), *(each.wake for each in self._inquiries)]
        self._wake = min((wake for wake in wakes if wake is not None), default=NEVER)
        self.settled = self._performer.idle and all(each.phase in IDLE for each in self._occurrences.values())

    # What the loop tells.

    def advance(self, now: int) -> None:
        """Do whatever is due: begin, arm, end, look, ask."""
        if now < self._wake:
            return
        self._performer.advance(now)
        for inquiry in tuple(self._inquiries):
            inquiry.advance(now)
        for each in self._occurrences.values():
            if each.phase is Phase.WAITING and each.wake <= now:
                if each.entry.when is None:
                    self._begin(each, now)
                else:
                    self._arm(each, each.entry.when, now)
            elif each.phase is Phase.ON and each.watch is not None and each.due is not None:
                each.watch.advance(now)
                if now >= each.due:
                    self._end(each, now)
            elif each.phase is Phase.HEALING and each.watch is not None:
                each.watch.advance(now)
                if each.watch.decided:
                    self._conclude(each, each.watch.verdict is True, now)
        self._inquiries = [inquiry for inquiry in self._inquiries if not inquiry.over]
        self._refresh()

    def deliver(self, event: BackendEvent, now: int) -> None:
        """Take in what the backend reported; events of clients mean nothing here."""
        if isinstance(event, NodeNoted):
            self._standing.note(event)
            return
        if isinstance(event, ActionDone):
            self._performer.deliver(event, now)
        elif isinstance(event, Triggered):
            self._fired(event, now)
        elif isinstance(event, NodeUp):
            self._holds.came_up(event.node)
            for each in self._occurrences.values():
                if each.phase is Phase.ARMED and each.entry.when is not None:
                    self._triggers.arm_again(each.entry.id, each.entry.when, event.node, now)
        elif isinstance(event, NodeExited):
            self._holds.failed(event.node)
            self._standing.forget(event.node)
        self._refresh()

    def heal_all(self, now: int) -> None:
        """End every fault and begin no more. Idempotent; healed once `settled`."""
        if not self._closing:
            for inquiry in self._inquiries:
                # What a fault still asked for in order to begin is wanted no more.
                inquiry.until = now if inquiry.until is not None else now + ANSWER
        self._closing = True
        for each in self._occurrences.values():
            if each.phase is Phase.WAITING:
                self._abandon(each, "The run ended before it could begin.", now)
            elif each.phase is Phase.ARMED and each.entry.when is not None:
                self._triggers.disarm(each.entry.id, each.entry.when, now)
                self._abandon(each, f"No note {each.entry.when.note!r} that fits its trigger appeared.", now)
            elif each.phase is Phase.ON:
                self._end(each, now)
        self._refresh()

    # Triggers.

    def _arm(self, each: Occurrence, when: Trigger, now: int) -> None:
        each.phase = Phase.ARMED
        self._say(each, "armed", now, note=when.note, where=dict(when.where), node=when.node)
        self._triggers.arm(each.entry.id, when, now)

    def _fired(self, event: Triggered, now: int) -> None:
        """Let the first node that fits set its fault off; any other one goes on at once."""
        self._standing.note(event)
        self._triggers.stop(event.node)
        each = self._occurrences.get(event.trigger)
        if each is None or each.phase is not Phase.ARMED or each.entry.when is None:
            self._triggers.release(event.node, now)
            return
        when = each.entry.when
        if when.node not in ("any", *self._nodes) and self._standing.players().get(when.node) != event.node:
            self._triggers.pass_over(each.entry.id, when, event.node, now)
            return
        each.noter = event.node
        each.triggered_by = {"node": event.node, "kind": event.kind, "fields": dict(event.fields)}
        self._say(each, "fired", now, **each.triggered_by)
        self._triggers.disarm(each.entry.id, when, now, but=event.node)
        self._begin(each, now)

    # Beginning.

    def _begin(self, each: Occurrence, now: int) -> None:
        entry = each.entry
        view = ClusterView(
            nodes=self._nodes,
            roles=self._standing.players(),
            down=self._holds.down,
            paused=self._holds.paused,
            noter=each.noter,
            hit=frozenset(node for other in self._biting(each) for node in other.nodes),
            clock_bound=self._clock_bound,
        )
        try:
            injection = each.fault.begin(entry, view, random.Random(f"{self._plan.seed}/{entry.id}"))
            actions = [action_to_json(action) for action in injection.begin]
        except UnresolvedTargetError as error:
            if entry.at is not None and now < each.ends(now):
                each.wake = now + RETRY
                return
            self._abandon(each, f"It could not begin: {error}.", now)
            return
        except Exception as error:  # noqa: BLE001  anyone's fault: a mistake in it must not take the run along
            self._abandon(each, f"It could not begin: {type(error).__name__}: {error}.", now)
            return
        each.injection, each.phase = injection, Phase.BEGINNING
        self._say(each, "begin", now, nodes=list(injection.nodes), actions=actions)
        self._record(entry.fault, {"id": entry.id, "phase": "begin", "nodes": list(injection.nodes)}, now)
        self._carry_out(each, "begin", injection.begin, now)

    def _bite(self, each: Occurrence, now: int) -> None:
        """It is wholly on: let a noter go on into it, and look for evidence."""
        assert each.injection is not None
        each.phase, each.began = Phase.ON, now
        each.due = now if self._closing else max(now, each.ends(now))
        self._say(each, "on", now)
        if each.noter is not None:
            self._triggers.release(each.noter, now)
        evidence, left = each.injection.bites, (each.due - now) / SECOND
        evidence = replace(evidence, within=min(evidence.within, 0.8 * left))
        sight = self._sight(each)
        each.watch = Watch("bite", evidence, each.observations, sight, self._performer, patience=None)
        if self._closing:
            self._end(each, now)
        else:
            each.watch.advance(now)

    # Ending.

    def _end(self, each: Occurrence, now: int) -> None:
        assert each.injection is not None
        assert each.watch is not None
        each.watch.stop()
        each.bit, each.ended, each.phase = each.watch.verdict, now, Phase.ENDING
        actions = each.injection.end
        self._say(each, "end", now, actions=[action_to_json(action) for action in actions])
        self._carry_out(each, "end", actions, now)

    def _clear(self, each: Occurrence, now: int) -> None:
        assert each.injection is not None
        each.cleared, each.phase = now, Phase.HEALING
        value = {"id": each.entry.id, "phase": "end", "nodes": list(each.injection.nodes)}
        self._record(each.entry.fault, value, now)
        self._say(each, "off", now)
        heals, sight = each.injection.heals, self._sight(each, healing=True)
        each.watch = Watch("heal", heals, each.observations, sight, self._performer, patience=PATIENCE)
        each.watch.advance(now)

    def _conclude(self, each: Occurrence, healed: bool, now: int) -> None:  # noqa: FBT001  a verdict, not a mode
        assert each.injection is not None
        final = each.injection.bites.judge(each.observations)
        each.bit = each.bit if final is None else final
        each.healed, each.phase = healed, Phase.OVER
        record = each.record()
        self._say(each, "observed", now, bit=record.bit, healed=healed, evidence=list(record.evidence))

    def _abandon(self, each: Occurrence, error: str, now: int) -> None:
        """Give up a fault that never began."""
        each.error, each.bit, each.phase = error, False, Phase.OVER
        if each.noter is not None:
            self._triggers.release(each.noter, now)
        self._say(each, "abandoned", now, error=error)

    # Acting.

    def _carry_out(self, each: Occurrence, stage: Stage, actions: Sequence[Action | Ask], now: int) -> None:
        """Do what a fault wants done; `_acted` hears of each action once."""
        each.pending = len(actions)
        for action in actions:
            self._act(each, stage, action, now)
        if not actions:
            self._next(each, stage, now)

    def _act(self, each: Occurrence, stage: Stage, action: Action | Ask, now: int) -> None:
        def done(outcome: Mapping[str, Any], error: str | None, now: int) -> None:
            self._acted(each, Observation(stage, action, outcome, error), now)

        name = each.entry.id
        if isinstance(action, Ask):
            # What ends a fault has to be done: only the final heal gives it up, some time after.
            until = each.ends(now) if stage == "begin" else (now + ANSWER if self._closing else None)
            inquiry = Inquiry(action, self._performer, self._standing.askable, done, now=now, until=until)
            self._inquiries.append(inquiry)
            inquiry.advance(now)
        elif isinstance(action, Restart | Resume):
            # Another fault may hold the node still: then this one is over when that one is.
            self._returning[action.node].append((each, stage))
            back = self._holds.release(action.node, name)
            if back is not None:
                self._performer.submit(back, partial(self._returned, back), now)
        elif isinstance(action, Kill | PowerCut | Pause) and not self._take(name, action):
            done({"already": "down"}, None, now)
        else:
            if isinstance(action, SetClock | SetDisk):
                action = self._dials.turn(name, action)
            self._performer.submit(action, done, now)

    def _take(self, fault: str, action: Kill | PowerCut | Pause) -> bool:
        """Take hold of a node; tell whether there is a process left to act on."""
        acts = self._holds.hold(action.node, fault, action)
        if acts and not isinstance(action, Pause):
            self._standing.forget(action.node)
        return acts

    def _returned(
        self, action: Restart | Resume, outcome: Mapping[str, Any], error: str | None, now: int
    ) -> None:
        if error is None:
            self._holds.returned(action.node)
        else:
            self._holds.failed(action.node)
        for each, stage in self._returning.pop(action.node, []):
            self._acted(each, Observation(stage, action, outcome, error), now)

    def _acted(self, each: Occurrence, seen: Observation, now: int) -> None:
        """Take in what became of an action, and go on to the next phase after the last one."""
        if isinstance(seen.action, Kill | PowerCut):
            # Notes may have come between the order and the death.
            self._standing.forget(seen.action.node)
        each.observations.append(seen)
        each.error = each.error or seen.error
        each.pending -= 1
        if each.pending == 0:
            self._next(each, seen.stage, now)

    def _next(self, each: Occurrence, stage: Stage, now: int) -> None:
        (self._bite if stage == "begin" else self._clear)(each, now)

    def _submit(self, action: Action, now: int) -> None:
        """Perform what needs no outcome: a node that dies meanwhile is none the worse."""
        self._performer.submit(action, lambda _outcome, _error, _now: None, now)

    # Helpers.

    def _sight(self, each: Occurrence, *, healing: bool = False) -> Sight:
        return sight_over(self._holds, self._triggers, lambda: self._biting(each), healing=healing)

    def _biting(self, but: Occurrence) -> list[Occurrence]:
        return [each for each in self._occurrences.values() if each is not but and each.phase in BITING]

    def _say(self, each: Occurrence, phase: str, now: int, **fields: Any) -> None:
        self._journal({"time": now, "id": each.entry.id, "fault": each.entry.fault, "phase": phase, **fields})
