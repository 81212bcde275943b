"""What a failing simulated test leaves: a replay file, its story and diagram, and one text that says so."""

from __future__ import annotations

import re
from itertools import zip_longest
from typing import TYPE_CHECKING

from splitbrain.exploration.determinism import Divergence
from splitbrain.exploration.repeat import record, repeat
from splitbrain.exploration.replay_file import write_replay
from splitbrain.exploration.simulate import simulate
from splitbrain.render.lamport import render_lamport
from splitbrain.render.narrative import render_narrative
from splitbrain.testing.failures import ViolationFound

if TYPE_CHECKING:
    from pathlib import Path

    from splitbrain.exploration.case import Case
    from splitbrain.exploration.simulate import Resolved

ENDED = "(the trace ended)"


def found(case: Case, *, seed: int, kind: str, directory: Path) -> ViolationFound:
    """Write a case down in a directory, and return the failure that tells of it.

    Raises:
        UsageError: the directory can't be written.
    """
    replayed = record(case)
    name = re.sub(r"[^\w-]+", "-", f"{case.system.rpartition(':')[2]}-{kind}-{seed}")
    path = directory / f"{name}.json"
    write_replay(path, replayed)
    again = repeat(replayed)
    narrative = render_narrative(again.case, again.outcome, again.assessment)
    path.with_suffix(".txt").write_text(narrative, encoding="utf-8")
    diagram = path.with_suffix(".svg")
    diagram.write_text(render_lamport(again.case, again.outcome, again.assessment), encoding="utf-8")
    text = (
        f"{', '.join(again.assessment.kinds)} with seed {seed}\n\n{narrative}\n"
        f"replay file: {path}\ndiagram:     {diagram}\n"
        "To keep it as a test: commit the replay file, and call splitbrain.testing.replay with its path."
    )
    return ViolationFound(text, kinds=again.assessment.kinds, seed=seed, narrative=narrative, path=path)


def same_twice(case: Case, resolved: Resolved) -> Divergence | None:
    """Run a case twice in this process and return the first step that differs, None if none does.

    That finds clocks and unseeded dice, and what one run leaves behind for the next; not what follows the
    hash seed, which is the same for both.
    """
    stories = [simulate(case, resolved, story=True).story for _ in range(2)]
    assert stories[0] is not None
    assert stories[1] is not None
    if stories[0].digest() == stories[1].digest():
        return None
    here, there = ([each.line() for each in story.happenings] for story in stories if story is not None)
    for step, (one, other) in enumerate(zip_longest(here, there, fillvalue=ENDED)):
        if one != other:
            longer = max((story.happenings for story in stories if story is not None), key=len)
            where = longer[step]
            hint = "Both ran in one process: the node reads a clock, unseeded dice, or what outlives a run."
            return Divergence(step, where.time, where.node, one, other, hint)
    return None
