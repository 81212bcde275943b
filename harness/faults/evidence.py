"""What shows that a fault bites, and that it healed: judged from observations, never from intent.

A fault names links to probe and counters to read; the nemesis gathers the observations, and a
judge, a pure function over all observations of one occurrence, says True (seen), False (refuted)
or None (not decided yet: go on looking). Nothing here knows a clock or a backend.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, NamedTuple, TypeAlias

from splitbrain.backend import (
    Action,
    Kill,
    LinkCounters,
    Pause,
    PowerCut,
    Probe,
    Restart,
    Resume,
    SetClock,
    SetDisk,
    SetLinks,
    SpoilDisk,
)
from splitbrain.faults.inquiry import Ask

Link: TypeAlias = tuple[str, str]
"""A directed link: (source, destination)."""

LEAST_WITHIN = 0.04
"""Seconds that a probe must be given for its silence to mean anything: on a busy machine a sound link may
need a good part of them."""

Stage: TypeAlias = Literal["begin", "bite", "end", "heal"]
"""Actions that begin a fault, looks at it while it is on, actions that end it, looks afterwards."""


class Observation(NamedTuple):
    """The outcome of one action, as the backend reported it.

    `outcome` is {"already": "down"} for an action that was left out because the node was down.
    """

    stage: Stage
    action: Action | Ask
    outcome: Mapping[str, Any]
    error: str | None = None


Judge: TypeAlias = Callable[[Sequence[Observation]], bool | None]


@dataclass(frozen=True)
class Evidence:
    """How to see one thing. `links` are candidates for probes, in order of preference.

    Each probe is given `within` seconds. With `counters` the link counters are read as well.
    """

    judge: Judge
    links: tuple[Link, ...] = ()
    within: float = 0.3
    counters: bool = False


def actions_succeeded(stage: Stage) -> Judge:
    """Return a judge that is content when every action of `stage` was reported without an error."""

    def judge(observations: Sequence[Observation]) -> bool | None:
        errors = [observation.error for observation in observations if observation.stage == stage]
        return not any(errors) if errors else None

    return judge


def processes_died(observations: Sequence[Observation]) -> bool | None:
    """Judge a kill or power cut: each process was reported dead, and never came back under its old pid."""
    hit = _node_actions(observations, "begin", Kill | PowerCut)
    came_back = _node_actions(observations, "end", Restart)
    if any(observation.error for observation in hit.values()):
        return False
    for node, observation in came_back.items():
        old = hit[node].outcome.get("pid") if node in hit else None
        if old is not None and observation.outcome.get("pid") == old:
            return False
    # A power cut of a node that was down already lost nothing: it isn't evidence of one.
    seen = [
        observation
        for observation in hit.values()
        if isinstance(observation.action, Kill) or "already" not in observation.outcome
    ]
    return True if seen else None


def processes_stopped(observations: Sequence[Observation]) -> bool | None:
    """Judge a pause: each process that was alive was seen stopped."""
    hit = _node_actions(observations, "begin", Pause)
    alive = [observation for observation in hit.values() if "already" not in observation.outcome]
    if not alive:
        return None
    return all(
        observation.error is None and observation.outcome.get("stopped") is True for observation in alive
    )


def processes_run(observations: Sequence[Observation]) -> bool | None:
    """Judge the end of a kill, power cut or pause: each node runs, a killed one under a new pid."""
    hit = {
        **_node_actions(observations, "begin", Kill | PowerCut | Pause),
        **_node_actions(observations, "end", Kill | PowerCut),
    }
    back = _node_actions(observations, "end", Restart | Resume)
    for node, began in hit.items():
        if node not in back:
            return None
        ended = back[node]
        if ended.error is not None or ended.outcome.get("stopped") is True:
            return False
        killed = began.outcome.get("pid") if isinstance(began.action, Kill | PowerCut) else None
        if killed is not None and ended.outcome.get("pid") in (None, killed):
            return False
    return bool(hit)


def links_silent(observations: Sequence[Observation]) -> bool | None:
    """Judge a cut: no probe over a cut link arrived while it was on, though it had the time to."""
    probes = _probes(observations, "bite")
    if any(probe.outcome["arrived"] for probe in probes):
        return False
    telling = [probe for probe in probes if getattr(probe.action, "within", 0.0) >= LEAST_WITHIN]
    return True if telling else None


def links_alive(observations: Sequence[Observation]) -> bool | None:
    """Judge a heal: every link that was probed since carried a probe. Never refuted, only awaited."""
    probes = _probes(observations, "heal")
    links = {probe.action for probe in probes}
    carried = {probe.action for probe in probes if probe.outcome["arrived"]}
    return True if links and links == carried else None


def slower_than(seconds: float) -> Judge:
    """Return a judge of a delay: what arrived took at least `seconds`."""

    def judge(observations: Sequence[Observation]) -> bool | None:
        took = _travel_times(observations, "bite")
        return min(took) >= seconds if took else None

    return judge


def fast_again(seconds: float) -> Judge:
    """Return a judge of a lifted delay: a probe took less than `seconds`."""

    def judge(observations: Sequence[Observation]) -> bool | None:
        took = _travel_times(observations, "heal")
        return True if took and min(took) < seconds else None

    return judge


def counter_rose(name: str) -> Judge:
    """Return a judge of a lossy or duplicating link: that counter rose since the fault began."""

    def judge(observations: Sequence[Observation]) -> bool | None:
        readings = [
            observation.outcome[name]
            for observation in observations
            if isinstance(observation.action, LinkCounters)
            and observation.error is None
            and observation.stage in ("begin", "bite")
        ]
        return True if len(readings) > 1 and readings[-1] > readings[0] else None

    return judge


def every(*judges: Judge) -> Judge:
    """Return a judge that asks several: refuted by any, and content when all are."""

    def judge(observations: Sequence[Observation]) -> bool | None:
        verdicts = [each(observations) for each in judges]
        if False in verdicts:
            return False
        return None if None in verdicts else True

    return judge


def settings_took(stage: Stage) -> Judge:
    """Return a judge of clocks and disks: each is reported to be as it was set."""

    def judge(observations: Sequence[Observation]) -> bool | None:
        seen = [
            observation
            for observation in observations
            if observation.stage == stage and isinstance(observation.action, SetClock | SetDisk)
        ]
        return all(_as_set(observation) for observation in seen) if seen else None

    return judge


def _as_set(observation: Observation) -> bool:
    asked = {name: value for name, value in vars(observation.action).items() if name != "node"}
    return observation.error is None and observation.outcome == asked


def syncs_lost(observations: Sequence[Observation]) -> bool | None:
    """Judge a disk that loses syncs: the power cut at its end found writes that were not durable."""
    cuts = _node_actions(observations, "end", PowerCut)
    if any(cut.error for cut in cuts.values()):
        return False
    return True if any(cut.outcome.get("unsynced", 0) > 0 for cut in cuts.values()) else None


def records_spoiled(observations: Sequence[Observation]) -> bool | None:
    """Judge bit rot or a wiped disk: records are unreadable or gone. An empty disk had none to spoil."""
    spoiled = _node_actions(observations, "begin", SpoilDisk)
    if any(each.error for each in spoiled.values()):
        return False
    return True if any(each.outcome.get("spoiled", 0) > 0 for each in spoiled.values()) else None


def answered(stage: Stage) -> Judge:
    """Return a judge of requests to the cluster: each was answered with what was asked for."""

    def judge(observations: Sequence[Observation]) -> bool | None:
        seen = [each for each in observations if each.stage == stage and isinstance(each.action, Ask)]
        return all(each.error is None for each in seen) if seen else None

    return judge


def action_to_json(action: Action | Ask) -> dict[str, Any]:
    """Return an action as it stands in `faults.jsonl`, with the fields that say something."""
    name = type(action).__name__
    if isinstance(action, SetLinks):
        policies = set(action.links.values())
        return {
            "action": name,
            "links": sorted(list(link) for link in action.links),
            "policies": [{k: v for k, v in asdict(policy).items() if v} for policy in policies],
        }
    return {"action": name} | {k: v for k, v in vars(action).items() if v not in (None, {}, 0)}


def observation_to_json(observation: Observation) -> dict[str, Any]:
    """Return an observation as it stands in `faults.jsonl`."""
    line: dict[str, Any] = {"stage": observation.stage, **action_to_json(observation.action)}
    line["outcome"] = dict(observation.outcome)
    if observation.error is not None:
        line["error"] = observation.error
    return line


def _node_actions(observations: Sequence[Observation], stage: Stage, kinds: Any) -> dict[str, Observation]:
    """Return the last observation of such an action for each node."""
    return {
        observation.action.node: observation
        for observation in observations
        if observation.stage == stage and isinstance(observation.action, kinds)
    }


def _probes(observations: Sequence[Observation], stage: Stage) -> list[Observation]:
    return [
        observation
        for observation in observations
        if observation.stage == stage and isinstance(observation.action, Probe) and observation.error is None
    ]


def _travel_times(observations: Sequence[Observation], stage: Stage) -> list[float]:
    return [probe.outcome["seconds"] for probe in _probes(observations, stage) if probe.outcome["arrived"]]
