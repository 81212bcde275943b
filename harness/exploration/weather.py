"""Passes for a case that needs its weather: spell the schedule out, and keep what of it matters."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from splitbrain.exploration.reduction import Steps, thin, thin_groups
from splitbrain.exploration.reshape import with_deviations
from splitbrain.simulation.deviations import DISK
from splitbrain.simulation.environment import CALM, Disk, Environment, Network

if TYPE_CHECKING:
    from splitbrain.exploration.case import Case
    from splitbrain.exploration.passes import Facts
    from splitbrain.simulation.deviations import Deviation

MILLISECOND = 1_000_000


def spell_out(case: Case, facts: Facts) -> Steps:
    """Make deviations from calm weather of all that the schedule did."""
    recorded = facts.outcome.recorded
    if recorded is None or (case.environment.network == Network() and case.environment.disk == Disk()):
        return
    usual = [each for each in recorded if not is_calm(each)]
    environment = Environment(rates=case.environment.rates, boot=case.environment.boot)
    yield [
        with_deviations(replace(case, environment=replace(environment, boot=boot, disk=disk)), usual)
        # A spread of syncs is what makes boots uneven too: without it they may be another length.
        for boot, disk in (
            (CALM.boot, Disk()),
            (environment.boot, Disk()),
            (environment.boot, case.environment.disk),
        )
    ]


def is_calm(deviation: Deviation) -> bool:
    """Tell whether a deviation says what `CALM` does anyway."""
    usual = CALM.disk.sync if deviation.message.destination == DISK else CALM.network.latency
    return deviation.delay == usual and deviation.copy is None


def by_link(case: Case, facts: Facts) -> Steps:
    """Take out all deviations of a link."""
    del facts
    yield from thin_groups(
        case.deviations, lambda kept: with_deviations(case, kept), lambda each: each.message[:2]
    )


def by_type(case: Case, facts: Facts) -> Steps:
    """Take out all deviations of a type of message."""
    del facts
    yield from thin_groups(
        case.deviations, lambda kept: with_deviations(case, kept), lambda each: each.message.type
    )


def one_by_one(case: Case, facts: Facts) -> Steps:
    """Take out deviations in ever smaller stretches of time."""
    del facts
    yield from thin(case.deviations, lambda kept: with_deviations(case, kept))


def round_delays(case: Case, facts: Facts) -> Steps:
    """Lose what is merely late, forget copies, and round delays to whole milliseconds."""
    del facts
    for number in range(len(case.deviations)):
        each = case.deviations[number]
        plainer = []
        if each.copy is not None:
            plainer.append(replace(each, copy=None))
        if each.delay is not None and each.message.destination != DISK:
            plainer.append(replace(each, delay=None, copy=None))
        if each.delay is not None:
            plainer += [
                replace(each, delay=-(-each.delay // unit) * unit)
                for unit in (100 * MILLISECOND, 10 * MILLISECOND, MILLISECOND)
                if each.delay % unit
            ]
        cases = [
            with_deviations(case, [*case.deviations[:number], other, *case.deviations[number + 1 :]])
            for other in plainer
        ]
        found = yield cases
        if found is not None:
            case = cases[found]
