"""The gates: what must have happened in a run before "valid" may be said of it.

A verdict says that no violation was found; the gates say that there was something to find. Each is
named, held or not, and carries what was observed. A failed gate turns valid into unknown and
never hides invalid.

    operations-completed      at least one operation was ok, and one of each kind that was attempted
    operations-overlapped     at least two were under way at once
    protocol-moved            each note that the system names as its progress appeared
    faults-bit                each fault began, and was observed to bite
    faults-healed             each that began was observed to heal
    triggers-fired            each triggered fault found its note
    attempted-during-faults   each kind of operation was under way during each fault
    served-during-faults      each kind was ok while faults were on that the system claims to bear
    served-after-heals        after each heal the system served again within its claim, and each kind was ok
    served-when-calm          most operations were ok where no fault was on, the claim to recover apart
    harness-sound             the harness had no error
    trace-repeats             a simulated run went the same way in another process (judged beside these)

"During" needs a definition for faults as short as a message, and for outages in which every client
waits. Each window has to see some operation under way, and one of at least a second every kind; so do all
windows of one fault kind together, if together they last a second. "Served" is asked only of stretches
(`splitbrain.runner.timeline`) that are at least as long as the system's recovery claim: invoked and ok
within the stretch, an unequal cas too. A kind is excused only where so few operations were counted that
it may be missing by chance (below one in a hundred), never where none was. `observed` tells how many
stretches and heals were asked.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from splitbrain.runner.timeline import FOREVER, SECOND, attempts, claims, stretches, unseen

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from splitbrain.checkers.verdict import NodeNote
    from splitbrain.faults.record import FaultRecord
    from splitbrain.histories import History
    from splitbrain.runner.timeline import Attempts, Stretch
    from splitbrain.systems.description import System

LONG_WINDOW = SECOND
"""A fault that lasts this long has to see every kind of operation, in nanoseconds."""


class Functions(Protocol):
    """What the gates need of a workload: the kinds of operations that it attempts."""

    @property
    def functions(self) -> tuple[str, ...]:
        """Return the names of the operations."""
        ...


@dataclass(frozen=True)
class Gate:
    """One gate: whether it held, and what was observed (JSON)."""

    gate: str
    held: bool
    observed: Any


def evaluate_gates(
    history: History,
    records: Sequence[FaultRecord],
    notes: Mapping[str, Sequence[NodeNote]],
    system: type[System],
    workload: Functions,
    *,
    nodes: Sequence[str],
    remarks: Sequence[str] = (),
) -> list[Gate]:
    """Return every gate, in the order of the table above.

    `notes` are those of each node, `remarks` the harness's own complaints about this run.
    """
    kinds = attempts(history, workload.functions)
    end = max((operation.time for operation in history if operation.time is not None), default=0)
    claimed = _Claims(stretches(records, end), system, len(nodes), kinds)
    return [
        _completed(history, kinds),
        _overlapped(history),
        _moved(notes, system),
        _bit(records),
        _healed(records),
        _fired(records),
        _attempted(records, kinds),
        claimed.during(records),
        claimed.after(records),
        claimed.calm(),
        _sound(records, remarks),
    ]


def _completed(history: History, kinds: Mapping[str, Attempts]) -> Gate:
    counts = Counter(operation.status for operation in history)
    succeeded = {kind: each.succeeded_during(0, FOREVER) for kind, each in kinds.items()}
    # Without faults no other gate would tell that nothing was ever written, say.
    never = [kind for kind in unseen(kinds, succeeded) if len(kinds[kind])]
    observed: dict[str, Any] = {name: counts[name] for name in ("ok", "fail", "info")}
    if never:
        observed["never"] = never
    return Gate("operations-completed", counts["ok"] > 0 and not never, observed)


def _overlapped(history: History) -> Gate:
    """Count the operations that were invoked before an earlier, completed one had returned."""
    overlapping, latest = 0, -1
    for invoke, complete in zip(history.invoke, history.complete, strict=True):
        overlapping += invoke < latest
        latest = max(latest, complete)
    return Gate("operations-overlapped", overlapping > 0, {"overlapping": overlapping, "of": len(history)})


def _moved(notes: Mapping[str, Sequence[NodeNote]], system: type[System]) -> Gate:
    seen = {
        " ".join([pattern.kind, *(f"{name}={value!r}" for name, value in pattern.where.items())]): sum(
            pattern.matches(note.kind, note.fields) for each in notes.values() for note in each
        )
        for pattern in system.progress
    }
    return Gate("protocol-moved", all(seen.values()), seen)


def _bit(records: Sequence[FaultRecord]) -> Gate:
    # A trigger that never fired has its own gate; one that fired owes a fault.
    expected = [
        record
        for record in records
        if record.began is not None or record.triggered_by is not None or not record.triggered
    ]
    missing = {record.id: _why_not(record) for record in expected if record.bit is not True}
    return Gate("faults-bit", not missing, _counted("bit", len(expected), missing))


def _why_not(record: FaultRecord) -> str:
    if record.error is not None:
        return record.error
    if record.began is None:
        return "it never began"
    return "it was seen not to bite" if record.bit is False else "nothing could be observed"


def _healed(records: Sequence[FaultRecord]) -> Gate:
    began = [record for record in records if record.began is not None]
    missing = {
        record.id: record.error or "it was not seen to heal" for record in began if record.healed is not True
    }
    return Gate("faults-healed", not missing, _counted("healed", len(began), missing))


def _fired(records: Sequence[FaultRecord]) -> Gate:
    triggered = [record for record in records if record.triggered]
    missing = {
        record.id: record.error or "its trigger never fired"
        for record in triggered
        if record.triggered_by is None
    }
    return Gate("triggers-fired", not missing, _counted("fired", len(triggered), missing))


def _counted(word: str, total: int, missing: Mapping[str, Any]) -> dict[str, Any]:
    counts: dict[str, Any] = {word: total - len(missing), "of": total}
    return counts | {"missing": dict(missing)} if missing else counts


def _attempted(records: Sequence[FaultRecord], kinds: Mapping[str, Attempts]) -> Gate:
    missing: dict[str, list[str]] = {}
    windows: dict[str, list[tuple[int, int]]] = defaultdict(list)
    asked = 0
    for record in records:
        if record.began is None or record.ended is None:
            continue
        start, end = record.began, record.ended
        windows[record.fault].append((start, end))
        asked += 1
        counts = {kind: each.open_during(start, end) for kind, each in kinds.items()}
        absent = unseen(kinds, counts)
        if not any(counts.values()):
            missing[record.id] = ["any operation"]
        elif absent and end - start >= LONG_WINDOW:
            missing[record.id] = absent
    for fault, spans in windows.items():
        if sum(end - start for start, end in spans) >= LONG_WINDOW:
            counts = {kind: sum(each.open_during(*span) for span in spans) for kind, each in kinds.items()}
            absent = unseen(kinds, counts)
            if absent:
                missing[fault] = absent
    return Gate("attempted-during-faults", not missing, _counted("windows", asked, {}) | _missing(missing))


def _missing(missing: Mapping[str, Any]) -> dict[str, Any]:
    return {"missing": dict(missing)} if missing else {}


class _Claims:
    """What the system can be held to: stretches that it claims to serve in, long enough to see it."""

    def __init__(
        self,
        every: Sequence[Stretch],
        system: type[System],
        nodes: int,
        kinds: Mapping[str, Attempts],
    ) -> None:
        self._recovery = round(system.recovery * SECOND)
        self._kinds = kinds
        self._every = every
        self._stretches = [
            stretch
            for stretch in every
            if stretch.end - stretch.start >= self._recovery
            and claims(system.availability, len(stretch.lost), nodes)
        ]

    def during(self, records: Sequence[FaultRecord]) -> Gate:
        """Each kind was ok in each such stretch in which a fault was on."""
        missing: dict[str, list[str]] = {}
        asked = 0
        for record in records:
            if record.began is None or record.ended is None:
                continue
            for stretch in self._stretches:
                if record.began <= stretch.start and stretch.end <= record.ended:
                    asked += 1
                    failed = self._unserved(stretch)
                    if failed:
                        missing[record.id] = failed
        return Gate("served-during-faults", not missing, {"claimed": asked, **_missing(missing)})

    def after(self, records: Sequence[FaultRecord]) -> Gate:
        """In the first such stretch after each heal some kind was ok within the claim, and each in all."""
        missing: dict[str, list[str]] = {}
        asked = 0
        for record in records:
            cleared = record.cleared
            if cleared is None:
                continue
            stretch = next((each for each in self._stretches if each.start >= cleared), None)
            if stretch is None:
                continue
            asked += 1
            failed = self._unserved(stretch)
            by = stretch.start + self._recovery
            if not any(each.succeeded_during(stretch.start, by) for each in self._kinds.values()):
                failed = [f"any operation within {self._recovery / SECOND:g} s", *failed]
            if failed:
                missing[record.id] = failed
        return Gate("served-after-heals", not missing, {"claimed": asked, **_missing(missing)})

    def calm(self) -> Gate:
        """Most operations were ok while no fault was on: a system that hardly serves is hardly tested.

        A run too short for the claim to recover (a cluster has to elect a leader first) is asked as a whole.
        """
        calm = [stretch for stretch in self._every if not stretch.active]
        spans = [(each.start + self._recovery, each.end) for each in calm if each in self._stretches]
        if not spans and len(calm) == len(self._every):
            spans = [(0, FOREVER)]
        counts = [each.outcomes(*span) for each in self._kinds.values() for span in spans]
        invoked, ok = sum(each for each, _ in counts), sum(each for _, each in counts)
        return Gate("served-when-calm", 2 * ok > invoked or invoked == 0, {"ok": ok, "of": invoked})

    def _unserved(self, stretch: Stretch) -> list[str]:
        span = stretch.start, stretch.end
        return unseen(self._kinds, {kind: each.succeeded_during(*span) for kind, each in self._kinds.items()})


def _sound(records: Sequence[FaultRecord], remarks: Sequence[str]) -> Gate:
    # What kept a fault from beginning at all (no leader, a trigger) is not the harness's error.
    errors = [
        f"{record.id}: {record.error}" for record in records if record.error and record.began is not None
    ]
    every = [*remarks, *errors]
    return Gate("harness-sound", not every, {"errors": every})
