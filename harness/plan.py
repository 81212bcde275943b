"""A fault plan: what breaks, whom it hits, when and for how long. Plain data, one JSON file.

    {"version": 1, "seed": 7, "duration": 20.0, "recovery": 3.0,
     "faults": [
       {"id": "partition-1", "fault": "partition", "at": 2.0, "for": 2.5, "target": null,
        "parameters": {"shape": "leader-alone"}},
       {"id": "power-cut-1", "fault": "power-cut", "when": {"note": "voted", "where": {"granted": true},
        "node": "any", "skip": 0, "after": 1.0}, "for": 0.5, "target": "noter", "parameters": {}}]}

A fault begins `at` seconds into the run, or `when` a note appears (watched for from `after` seconds
on), and lasts `for` seconds. `target` is resolved when it begins:

    null                  the fault's own choice, drawn from the plan's seed and the fault's id
    "leader" (any role)   the node that plays that role, by its notes
    "others"              every node but the noter (triggered faults) or but the leader
    "noter"               the node whose note fired the trigger
    "one"                 a seeded choice of one node
    "all"                 every node
    "minority"            a seeded choice of the largest minority
    "majority"            a seeded choice of the smallest majority
    ["n1", "n3"]          these nodes

The same plan runs on every backend. Real backends replay the plan, not the schedule.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from splitbrain.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

VERSION = 1

Target: TypeAlias = "str | tuple[str, ...] | None"


@dataclass(frozen=True)
class Trigger:
    """The note that a triggered fault waits for.

    `node` is "any", a node's name or a role; `skip` matching notes (counted on each node) pass first;
    it is armed `after` seconds into the run.
    """

    note: str
    where: Mapping[str, Any] = field(default_factory=dict)
    node: str = "any"
    skip: int = 0
    after: float = 0.0


@dataclass(frozen=True)
class PlannedFault:
    """One entry of a plan. Exactly one of `at` (seconds) and `when` is set; `lasts` is in seconds."""

    id: str
    fault: str
    lasts: float
    at: float | None = None
    when: Trigger | None = None
    target: Target = None
    parameters: Mapping[str, Any] = field(default_factory=dict)

    @property
    def instant(self) -> float:
        """Seconds into the run at which it begins or is armed."""
        if self.at is not None:
            return self.at
        return self.when.after if self.when else 0.0


@dataclass(frozen=True)
class Plan:
    """All faults of a run, in the order of their instants; `duration` and `recovery` are in seconds.

    The main phase lasts `duration`; then everything is healed, and operations go on for `recovery`.
    """

    seed: int
    duration: float
    recovery: float
    faults: tuple[PlannedFault, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the plan as it stands in `plan.json`."""
        return {
            "version": VERSION,
            "seed": self.seed,
            "duration": self.duration,
            "recovery": self.recovery,
            "faults": [_fault_to_json(fault) for fault in self.faults],
        }


def read_plan(path: Path) -> Plan:
    """Read a plan file.

    Raises:
        UsageError: the file can't be read, is not JSON, or breaks the format; the sentence names
            the file and the entry.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"The fault plan {path} can't be read: {error.strerror}.") from error
    except ValueError as error:
        raise UsageError(f"The fault plan {path} is not JSON: {error}.") from error
    try:
        return plan_from_json(document)
    except UsageError as error:
        raise UsageError(f"{path}: {error}") from error


def plan_from_json(document: Any) -> Plan:
    """Build a plan from its JSON form.

    Raises:
        UsageError: the document breaks the format.
    """
    if not isinstance(document, dict):
        raise UsageError("a fault plan is one JSON object.")
    if document.get("version") != VERSION:
        raise UsageError(f"a fault plan of version {VERSION} was expected, not {document.get('version')!r}.")
    entries = document.get("faults", [])
    if not isinstance(entries, list):
        raise UsageError("`faults` must be a list.")
    faults = tuple(_fault_from_json(entry, number) for number, entry in enumerate(entries))
    names = [fault.id for fault in faults]
    doubled = sorted({name for name in names if names.count(name) > 1})
    if doubled:
        raise UsageError(f"the fault id {doubled[0]!r} is used twice.")
    return Plan(
        seed=_number(document, "seed", "the plan", integer=True, default=0),
        duration=_number(document, "duration", "the plan"),
        recovery=_number(document, "recovery", "the plan", default=3.0),
        faults=tuple(sorted(faults, key=lambda fault: fault.instant)),
    )


def _fault_from_json(entry: Any, number: int) -> PlannedFault:
    where = f"fault {number}"
    if not isinstance(entry, dict):
        raise UsageError(f"{where} must be an object.")
    known = {"id", "fault", "at", "when", "for", "target", "parameters"}
    unknown = sorted(set(entry) - known)
    if unknown:
        fields = ", ".join(sorted(known))
        raise UsageError(f"{where} has an unknown field {unknown[0]!r}; known are {fields}.")
    kind = entry.get("fault")
    if not isinstance(kind, str):
        raise UsageError(f"{where} needs `fault`, the name of a fault.")
    if ("at" in entry) == ("when" in entry):
        raise UsageError(f"{where} needs exactly one of `at` and `when`.")
    target = entry.get("target")
    if isinstance(target, list):
        target = tuple(str(node) for node in target)
    elif target is not None and not isinstance(target, str):
        raise UsageError(f"{where}: `target` is a word, a list of nodes or null.")
    parameters = entry.get("parameters", {})
    if not isinstance(parameters, dict):
        raise UsageError(f"{where}: `parameters` must be an object.")
    return PlannedFault(
        id=str(entry.get("id", f"{kind}-{number + 1}")),
        fault=kind,
        lasts=_number(entry, "for", where),
        at=_number(entry, "at", where) if "at" in entry else None,
        when=_trigger_from_json(entry["when"], where) if "when" in entry else None,
        target=target,
        parameters=parameters,
    )


def _trigger_from_json(entry: Any, where: str) -> Trigger:
    if not isinstance(entry, dict) or not isinstance(entry.get("note"), str):
        raise UsageError(f"{where}: `when` must be an object that names a `note`.")
    match = entry.get("where", {})
    if not isinstance(match, dict):
        raise UsageError(f"{where}: `where` must be an object of note fields.")
    return Trigger(
        note=entry["note"],
        where=match,
        node=str(entry.get("node", "any")),
        skip=_number(entry, "skip", where, integer=True, default=0),
        after=_number(entry, "after", where, default=0.0),
    )


def _number(
    entry: Mapping[str, Any], name: str, where: str, *, integer: bool = False, default: Any = None
) -> Any:
    value = entry.get(name, default)
    wanted = int if integer else (int, float)
    if not isinstance(value, wanted) or isinstance(value, bool) or value < 0:
        raise UsageError(f"{where}: `{name}` must be a number of at least 0, not {value!r}.")
    return value if integer else float(value)


def _fault_to_json(fault: PlannedFault) -> dict[str, Any]:
    entry: dict[str, Any] = {"id": fault.id, "fault": fault.fault}
    if fault.when is None:
        entry["at"] = fault.at
    else:
        entry["when"] = {
            "note": fault.when.note,
            "where": dict(fault.when.where),
            "node": fault.when.node,
            "skip": fault.when.skip,
            "after": fault.when.after,
        }
    entry["for"] = fault.lasts
    entry["target"] = list(fault.target) if isinstance(fault.target, tuple) else fault.target
    entry["parameters"] = dict(fault.parameters)
    return entry
