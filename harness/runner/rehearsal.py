"""Tries everything of anyone's own once, before anything is deployed.

A workload, its model, a system's client and its checkers are used late in a run or after it. Building
each of them here costs microseconds, and makes a mistake in them a sentence and exit 64 at once.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from splitbrain import registry
from splitbrain.errors import UsageError
from splitbrain.generators import lift
from splitbrain.systems.contract import Client

if TYPE_CHECKING:
    from collections.abc import Sequence

    from splitbrain.systems.description import System
    from splitbrain.workloads.base import Workload


def rehearse(system: type[System], workload: type[Workload], nodes: Sequence[str], seed: int) -> str:
    """Build all that a run will need; return the reference under which the workload's model is found.

    Raises:
        UsageError: something does not exist, can't be built, or builds what can't be used.
    """
    generated = registry.made(workload)
    with registry.answering_for(workload):
        options = generated.settle({})
        for build in (generated.generator, generated.final_generator):
            try:
                lift(build(options, random.Random(seed)))
            except UsageError as error:
                raise UsageError(f"The workload {workload.name} makes no operations: {error}") from error
    client = registry.made(system.client, "c0", tuple(nodes), nodes[0], dict(system.settings))
    if not isinstance(client, Client):
        raise UsageError(f"The client of {system.name} is {client!r}, which is no Client.")
    for name in system.invariants:
        registry.find("checkers", name, beside=system).make()
    model = registry.find("models", workload.model, beside=workload)
    model.make()
    return model.reference if model.file else workload.model
