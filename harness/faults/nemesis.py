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
from collections import Counter, defaultdict
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from splitbrain.backend import (
    ActionDone,
    Arm,
    Disarm,
    Kill,
    NodeExited,
    NodeNoted,
    NodeUp,
    Pause,
    PowerCut,
    Release,
    Restart,
    Resume,
    Triggered,
)
from splitbrain.faults.base import ClusterView, UnresolvedTargetError
from splitbrain.faults.evidence import Observation, action_to_json
from splitbrain.faults.holds import Holds
from splitbrain.faults.occurrence import BITING, SECOND, Occurrence, Phase
from splitbrain.faults.performer import Performer
from splitbrain.faults.roles import RoleTracker
from splitbrain.faults.watch import Sight, Watch

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from splitbrain.backend import Action, Backend, BackendEvent
    from splitbrain.faults.base import Fault
    from splitbrain.faults.evidence import Link, Stage
    from splitbrain.faults.record import FaultRecord
    from splitbrain.plan import Plan, Trigger
    from splitbrain.systems.description import Role

RETRY = SECOND // 50
"""How soon a target that could not be resolved (no leader at the moment) is tried again."""

PATIENCE = 10 * SECOND
"""How long a heal may take to show."""


class Nemesis:
    """Runs one plan.

    `faults` maps the names that the plan uses to faults. `journal` appends a line to `faults.jsonl`,
    `record(f, value, now)` one to the history. Times are nanoseconds since the run began.
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
    ) -> None:
        self._plan = plan
        self._nodes = tuple(backend.nodes)
        self._journal = journal
        self._record = record
        self._performer = Performer(backend)
        self._holds = Holds(self._nodes)
        self._roles = RoleTracker(roles)
        self._blocked: Counter[str] = Counter()
        self._returning: dict[str, list[Occurrence]] = defaultdict(list)
        self._closing = False
        self._occurrences = {
            entry.id: Occurrence(entry, faults[entry.fault], wake=round(entry.instant * SECOND))
            for entry in plan.faults
        }

    # What the loop and the live line ask.

    @property
    def active(self) -> list[str]:
        """The names of the faults that are on."""
        return [each.entry.fault for each in self._occurrences.values() if each.phase in BITING]

    @property
    def settled(self) -> bool:
        """Whether nothing is under way: no fault on, none healing, no action open."""
        idle = (Phase.WAITING, Phase.ARMED, Phase.OVER)
        return self._performer.idle and all(each.phase in idle for each in self._occurrences.values())

    @property
    def records(self) -> list[FaultRecord]:
        """What became of each planned fault, in the order of the plan."""
        return [each.record() for each in self._occurrences.values()]

    def next_wake(self) -> int | None:
        """Return when `advance` has something to do; None if only an event can give it something."""
        times = [each.next_wake() for each in self._occurrences.values()]
        return min((t for t in [*times, self._performer.next_wake()] if t is not None), default=None)

    # What the loop tells.

    def advance(self, now: int) -> None:
        """Do whatever is due: begin, arm, end, look."""
        self._performer.advance(now)
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

    def deliver(self, event: BackendEvent, now: int) -> None:
        """Take in what the backend reported; events of clients mean nothing here."""
        if isinstance(event, ActionDone):
            self._performer.deliver(event, now)
        elif isinstance(event, NodeNoted):
            self._roles.note(event.node, event.kind, event.fields)
        elif isinstance(event, Triggered):
            self._fired(event, now)
        elif isinstance(event, NodeUp):
            # A process forgets its triggers when it dies.
            for each in self._occurrences.values():
                when = each.entry.when
                if each.phase is Phase.ARMED and when is not None and event.node in self._watched(when):
                    self._arm_nodes(each, when, (event.node,), now)
        elif isinstance(event, NodeExited):
            self._holds.failed(event.node)
            self._forget(event.node)

    def heal_all(self, now: int) -> None:
        """End every fault and begin no more. Idempotent; healed once `settled`."""
        self._closing = True
        for each in self._occurrences.values():
            if each.phase is Phase.WAITING:
                self._abandon(each, "The run ended before it could begin.", now)
            elif each.phase is Phase.ARMED and each.entry.when is not None:
                self._disarm(each, self._watched(each.entry.when), now)
                self._abandon(each, f"No note {each.entry.when.note!r} that fits its trigger appeared.", now)
            elif each.phase is Phase.ON:
                self._end(each, now)

    # Triggers.

    def _arm(self, each: Occurrence, when: Trigger, now: int) -> None:
        each.phase = Phase.ARMED
        self._say(each, "armed", now, note=when.note, where=dict(when.where), node=when.node)
        alive = [node for node in self._watched(when) if node not in self._holds.down]
        self._arm_nodes(each, when, alive, now)

    def _arm_nodes(self, each: Occurrence, when: Trigger, nodes: Sequence[str], now: int) -> None:
        for node in nodes:
            self._submit(Arm(node, each.entry.id, when.note, when.where, when.skip), now)

    def _watched(self, when: Trigger) -> tuple[str, ...]:
        """Return the nodes on which a trigger is armed: for a role all, since it may move any time."""
        return (when.node,) if when.node in self._nodes else self._nodes

    def _disarm(self, each: Occurrence, nodes: Sequence[str], now: int) -> None:
        for node in nodes:
            if node not in self._holds.down:
                self._submit(Disarm(node, each.entry.id), now)

    def _fired(self, event: Triggered, now: int) -> None:
        """Let the first node that fits set its fault off; any other one goes on at once."""
        self._roles.note(event.node, event.kind, event.fields)
        self._blocked[event.node] += 1
        each = self._occurrences.get(event.trigger)
        if each is None or each.phase is not Phase.ARMED or each.entry.when is None:
            self._release(event.node, now)
            return
        when = each.entry.when
        if when.node not in ("any", *self._nodes) and self._players().get(when.node) != event.node:
            # Armed again before it goes on: no note in between is missed.
            self._submit(Arm(event.node, each.entry.id, when.note, when.where), now)
            self._release(event.node, now)
            return
        each.noter = event.node
        each.triggered_by = {"node": event.node, "kind": event.kind, "fields": dict(event.fields)}
        self._say(each, "fired", now, **each.triggered_by)
        self._disarm(each, [node for node in self._watched(when) if node != event.node], now)
        self._begin(each, now)

    def _release(self, node: str, now: int) -> None:
        """Let a node that a trigger stopped go on; one that was killed meanwhile needs nothing."""
        if self._blocked[node] > 0:
            self._blocked[node] -= 1
            self._submit(Release(node), now)

    # Beginning.

    def _begin(self, each: Occurrence, now: int) -> None:
        entry = each.entry
        view = ClusterView(
            nodes=self._nodes,
            roles=self._players(),
            down=self._holds.down,
            paused=self._holds.paused,
            noter=each.noter,
            hit=frozenset(node for other in self._biting(each) for node in other.nodes),
        )
        try:
            injection = each.fault.begin(entry, view, random.Random(f"{self._plan.seed}/{entry.id}"))
            actions = [action_to_json(action) for action in injection.begin]
        except UnresolvedTargetError as error:
            if entry.at is not None and now < round(entry.at * SECOND) + each.lasts:
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
        each.pending = len(injection.begin)
        for action in injection.begin:
            if isinstance(action, Kill | PowerCut | Pause) and not self._take(each, action):
                self._begun(each, action, {"already": "down"}, None, now)
            else:
                self._performer.submit(action, partial(self._begun, each, action), now)
        if not injection.begin:
            self._bite(each, now)

    def _take(self, each: Occurrence, action: Kill | PowerCut | Pause) -> bool:
        """Take hold of a node; tell whether there is a process left to act on."""
        acts = self._holds.hold(action.node, each.entry.id, action)
        if not isinstance(action, Pause):
            self._forget(action.node)
        return acts

    def _begun(
        self, each: Occurrence, action: Action, outcome: Mapping[str, Any], error: str | None, now: int
    ) -> None:
        if isinstance(action, Kill | PowerCut):
            # Notes may have come between the order and the death.
            self._forget(action.node)
        self._observe(each, "begin", action, outcome, error)
        if each.pending == 0:
            self._bite(each, now)

    def _bite(self, each: Occurrence, now: int) -> None:
        """It is wholly on: let a noter go on into it, and look for evidence."""
        assert each.injection is not None
        each.phase, each.began = Phase.ON, now
        starts = now if each.entry.at is None else round(each.entry.at * SECOND)
        each.due = now if self._closing else max(now, starts + each.lasts)
        self._say(each, "on", now)
        if each.noter is not None:
            self._release(each.noter, now)
        evidence = each.injection.bites
        left = (each.due - now) / SECOND
        evidence = replace(evidence, within=min(evidence.within, 0.8 * left))
        each.watch = Watch(
            "bite", evidence, each.observations, self._sight(each), self._performer, patience=None
        )
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
        each.pending = len(actions)
        for action in actions:
            if not isinstance(action, Restart | Resume):
                self._performer.submit(action, partial(self._undone, each, action), now)
                continue
            # Another fault may hold the node still: then this one is over when that one is.
            self._returning[action.node].append(each)
            back = self._holds.release(action.node, each.entry.id)
            if back is not None:
                self._performer.submit(back, partial(self._returned, back), now)
        if not actions:
            self._clear(each, now)

    def _returned(
        self, action: Restart | Resume, outcome: Mapping[str, Any], error: str | None, now: int
    ) -> None:
        if error is None:
            self._holds.returned(action.node)
        else:
            self._holds.failed(action.node)
        for each in self._returning.pop(action.node, []):
            self._undone(each, action, outcome, error, now)

    def _undone(
        self, each: Occurrence, action: Action, outcome: Mapping[str, Any], error: str | None, now: int
    ) -> None:
        self._observe(each, "end", action, outcome, error)
        if each.pending == 0:
            self._clear(each, now)

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
            self._release(each.noter, now)
        self._say(each, "abandoned", now, error=error)

    # Helpers.

    def _observe(
        self, each: Occurrence, stage: Stage, action: Action, outcome: Mapping[str, Any], error: str | None
    ) -> None:
        each.observations.append(Observation(stage, action, outcome, error))
        each.error = each.error or error
        each.pending -= 1

    def _sight(self, each: Occurrence, *, healing: bool = False) -> Sight:
        """Return what one fault may probe; once healed, a link that others disturb says nothing of it."""

        def disturbed(link: Link) -> bool:
            return any(link in other.links for other in self._biting(each))

        def usable(links: Sequence[Link]) -> Sequence[Link]:
            silent = self._holds.down | self._holds.paused | {node for node, n in self._blocked.items() if n}
            live = [link for link in links if not silent.intersection(link)]
            clean = [link for link in live if not disturbed(link)]
            return clean if healing else [*clean, *(link for link in live if link not in clean)]

        def state(link: Link) -> object:
            ends = [(self._holds.changes(node), self._blocked[node]) for node in link]
            return (*ends, disturbed(link))

        return Sight(usable, state, lambda: any(self._biting(each)))

    def _biting(self, but: Occurrence) -> list[Occurrence]:
        return [each for each in self._occurrences.values() if each is not but and each.phase in BITING]

    def _players(self) -> dict[str, str | None]:
        return self._roles.players(self._holds.down | self._holds.paused)

    def _forget(self, node: str) -> None:
        self._roles.forget(node)
        del self._blocked[node]

    def _submit(self, action: Action, now: int) -> None:
        """Perform what needs no outcome: a node that dies meanwhile is none the worse."""
        self._performer.submit(action, lambda _outcome, _error, _now: None, now)

    def _say(self, each: Occurrence, phase: str, now: int, **fields: Any) -> None:
        self._journal({"time": now, "id": each.entry.id, "fault": each.entry.fault, "phase": phase, **fields})
