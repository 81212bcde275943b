"""Random fault plans from a seed, shaped so that they can show something.

A plan is a row of slots with quiet gaps between them. A slot holds one fault, or two that overlap:

    quiet | AAAAAA | gap | BBBBBBBB     | gap | DDDDD | ... recovery
                             CCCCCCCC

A system claims to serve again within `recovery` seconds of each change. So a window or gap is *long*
when it leaves room for that claim and some more: only then can the claim be tested. Each fault is
placed at least twice, in rounds, so that its two occurrences lie apart. If not everything can be long,
the first window of each fault is made long first, then the gaps, then the other windows, and what time is
left is spread at random. While availability is to be claimed, the faults of a slot together take no more
nodes than the system can spare; a later occurrence may be wild and take a majority.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from splitbrain.errors import UsageError
from splitbrain.faults.base import Draw, Room
from splitbrain.faults.targets import check_target, minority
from splitbrain.plan import Plan, PlannedFault

if TYPE_CHECKING:
    from collections.abc import Collection

    from splitbrain.faults.base import Fault

QUIET_START = 1.0
"""Seconds before the first fault: long enough for a leader and some operations."""

SHORT_WINDOW, SHORT_GAP = 1.0, 0.6
"""The shortest window and gap that are drawn, in seconds."""

SLACK_WINDOW, SLACK_GAP = 0.5, 1.0
"""What a long window and gap have beyond the recovery claim; a node takes a while to start."""

STAGGER = 0.6
"""How much later the second fault of a slot begins and ends: the first has been seen to bite by then."""

WILD = 0.3
"""How often an occurrence after the first may take more nodes than the system can spare."""

MOST = 400
"""More occurrences than this are not drawn, however long the run."""


class _Planned(NamedTuple):
    """A fault to place: its name in the plan, and which occurrence of it this is."""

    name: str
    fault: Fault
    turn: int


@dataclass
class _Slot:
    """One or two faults. `window` is for how long all of them are on."""

    members: tuple[_Planned, ...]
    window: float = SHORT_WINDOW
    gap: float = SHORT_GAP

    @property
    def length(self) -> float:
        return self.window + 2 * STAGGER * (len(self.members) - 1)


def draw_plan(
    faults: Sequence[Fault] | Mapping[str, Fault],
    nodes: Sequence[str],
    *,
    duration: float,
    recovery: float,
    seed: int,
    availability: str = "majority",
    roles: Collection[str] = (),
    clock_bound: float = 0.0,
) -> Plan:
    """Draw a fault plan of `duration` seconds for a system that claims to recover in `recovery`.

    `faults` are the kinds to use, under their own names or those of the mapping. `clock_bound` is the
    drift that the system says it bears, as a share.

    Raises:
        UsageError: the cluster is too small for a fault, or the time too short for two of each.
    """
    named = dict(faults) if isinstance(faults, Mapping) else {fault.name: fault for fault in faults}
    for name, fault in named.items():
        if len(nodes) < fault.minimum_nodes:
            raise UsageError(
                f"The fault {name} needs at least {fault.minimum_nodes} nodes, and there are {len(nodes)}."
            )
    dice = random.Random(f"plan/{seed}")
    # After the last heal there must be time for the whole claim to be tested, and for a slow restart.
    rest = recovery + SLACK_GAP
    if not named:
        return Plan(seed, duration, rest)
    spare = len(nodes) - 1 if availability == "any" else minority(len(nodes))
    slots = _arrange(named, dice, duration, recovery, may_pair=spare >= 2)
    entries: list[PlannedFault] = []
    start = QUIET_START + _spread(slots, duration - _total(slots) - 0.001, dice)
    for slot in slots:
        entries += _fill(slot, start, dice, Room(tuple(nodes), tuple(roles), spare, 0, clock_bound))
        start += slot.length + slot.gap
    numbers: Counter[str] = Counter()
    named_entries = []
    for entry in sorted(entries, key=lambda entry: entry.instant):
        kind = named[entry.fault].name
        numbers[kind] += 1
        named_entries.append(_renamed(entry, f"{kind}-{numbers[kind]}"))
    return Plan(seed, duration, rest, tuple(named_entries))


def validate_plan(
    plan: Plan,
    faults: Mapping[str, Fault],
    nodes: Sequence[str],
    roles: Sequence[str],
    kinds: Collection[str] | None = None,
) -> None:
    """Check that a plan can be carried out on this cluster; `kinds` are the notes that may be waited for.

    Raises:
        UsageError: an entry asks for what there is not; the sentence names it.
    """
    for entry in plan.faults:
        fault = faults.get(entry.fault)
        if fault is None:
            raise UsageError(
                f"{entry.id}: there is no fault {entry.fault!r}; known are {', '.join(sorted(faults))}."
            )
        if len(nodes) < fault.minimum_nodes:
            raise UsageError(
                f"{entry.id}: {entry.fault} needs at least {fault.minimum_nodes} nodes, "
                f"and there are {len(nodes)}."
            )
        if entry.lasts <= 0:
            raise UsageError(f"{entry.id}: `for` must be more than 0 seconds.")
        if entry.instant >= plan.duration:
            raise UsageError(
                f"{entry.id}: it would begin {entry.instant:g} s into a run of {plan.duration:g} s; "
                "move it, or let the run last longer (--time-limit, or `duration` in the plan)."
            )
        check_target(entry, nodes, roles)
        fault.check(entry, nodes, roles)
        if entry.when is not None:
            if entry.when.node not in ("any", *roles, *nodes):
                raise UsageError(
                    f'{entry.id}: the trigger\'s node {entry.when.node!r} is no node, role or "any".'
                )
            if kinds is not None and entry.when.note not in kinds:
                known = ", ".join(sorted(kinds))
                raise UsageError(
                    f"{entry.id}: no node emits the note {entry.when.note!r}; known are {known}."
                )


def _arrange(
    named: Mapping[str, Fault], dice: random.Random, duration: float, recovery: float, *, may_pair: bool
) -> list[_Slot]:
    """Choose how many faults there are, which share a slot, and which windows and gaps are long."""
    window = max(SHORT_WINDOW, recovery + SLACK_WINDOW)
    gap = max(SHORT_GAP, recovery + SLACK_GAP)
    rounds = int((duration - QUIET_START) / (window + gap) / len(named))
    rounds = min(max(2, rounds), max(2, MOST // len(named)))
    order = _rounds(named, dice, rounds)
    most = len(_pair(order, len(order))) if may_pair else len(order)
    least = [_Slot(members) for members in _pair(order, len(order) - most)]
    if _total(least) > duration:
        raise UsageError(
            f"{duration:g} s are too short for two of each fault ({', '.join(named)}): "
            f"the least --time-limit is {-(-_total(least) // 0.1) / 10:.1f}."
        )
    # At least one overlap where there may be one; more of them only where time is short.
    for pairs in range(min(1, len(order) - most), len(order) - most + 1):
        slots = [_Slot(members) for members in _pair(order, pairs)]
        if _lengthen(slots, duration, window, gap):
            break
    return slots


def _rounds(named: Mapping[str, Fault], dice: random.Random, rounds: int) -> list[_Planned]:
    """Shuffle each round so that it doesn't begin with the kind that the last one ended with."""
    order: list[_Planned] = []
    for turn in range(rounds):
        names = dice.sample(sorted(named), len(named))
        if order and names[0] == order[-1].name:
            names.append(names.pop(0))
        order += [_Planned(name, named[name], turn) for name in names]
    return order


def _pair(order: Sequence[_Planned], pairs: int) -> list[tuple[_Planned, ...]]:
    """Put neighbours of different kinds together, from the front, until there are `pairs` pairs."""
    groups: list[tuple[_Planned, ...]] = []
    rest = list(order)
    while rest:
        paired = (
            pairs > 0
            and len(rest) > 1
            and rest[0].name != rest[1].name
            and all(member.fault.overlaps for member in rest[:2])
        )
        size = 2 if paired else 1
        pairs -= paired
        groups.append(tuple(rest[:size]))
        rest = rest[size:]
    return groups


def _total(slots: Sequence[_Slot]) -> float:
    """Return the seconds that the slots take; the recovery phase is the last one's gap."""
    return QUIET_START + sum(slot.length + slot.gap for slot in slots) - slots[-1].gap


def _lengthen(slots: list[_Slot], duration: float, window: float, gap: float) -> bool:
    """Make windows and gaps long while they fit, in order of importance; tell whether all did."""
    first = [slot for slot in slots if any(member.turn == 0 for member in slot.members)]
    wishes = [
        *((slot, "window", window) for slot in first),
        *((slot, "gap", gap) for slot in slots[:-1]),
        *((slot, "window", window) for slot in slots if slot not in first),
    ]
    everything = True
    for slot, what, length in wishes:
        before = getattr(slot, what)
        setattr(slot, what, length)
        if _total(slots) > duration:
            setattr(slot, what, before)
            everything = False
    return everything


def _spread(slots: Sequence[_Slot], seconds: float, dice: random.Random) -> float:
    """Give the time that is left to windows and gaps at random; return what comes before the first."""
    shares = [dice.random() for _ in range(2 * len(slots) + 1)]
    unit = max(0.0, seconds) / sum(shares)
    for number, slot in enumerate(slots):
        slot.window += shares[2 * number] * unit
        slot.gap += shares[2 * number + 1] * unit
    # The last slot's gap lies beyond the end: its share stays unused, and the run ends a bit more quietly.
    return min(shares[-1] * unit, QUIET_START)


def _fill(slot: _Slot, start: float, dice: random.Random, room: Room) -> list[PlannedFault]:
    """Draw targets and parameters for a slot's faults, within what the system can spare."""
    shares = [room.spare]
    if len(slot.members) == 2:
        one = dice.randint(1, room.spare - 1)
        shares = [one, room.spare - one]
    # A fault that stops nodes goes wild only alone: under it, its neighbour could not be observed.
    tame = len(slot.members) > 1
    wild = [
        member.turn > 0 and dice.random() < WILD and not (tame and member.fault.stops_nodes)
        for member in slot.members
    ]
    entries = []
    for number, member in enumerate(slot.members):
        # A later wild neighbour would leave the first without its claim; one a slot is enough.
        share = len(room.nodes) if wild[number] and not any(wild[:number]) else max(1, shares[number])
        drawn = member.fault.draw(dice, room._replace(spare=share, turn=member.turn))
        if not isinstance(drawn, Draw):
            raise UsageError(f"The fault {member.name} drew {drawn!r}; it must be a Draw.")
        offset = STAGGER if len(slot.members) > 1 else 0.0
        entries.append(
            PlannedFault(
                id="",
                fault=member.name,
                at=round(start + number * offset, 3),
                lasts=int((slot.window + offset) * 1000) / 1000,
                target=drawn.target,
                parameters=drawn.parameters,
            )
        )
    return entries


def _renamed(entry: PlannedFault, name: str) -> PlannedFault:
    return PlannedFault(name, entry.fault, entry.lasts, entry.at, entry.when, entry.target, entry.parameters)
