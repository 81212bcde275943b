"""Replaying a file that was kept, as a regression test in one line."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from splitbrain import registry
from splitbrain.exploration.repeat import repeat
from splitbrain.exploration.replay_file import read_replay
from splitbrain.render.narrative import render_narrative
from splitbrain.testing.failures import ViolationFound
from splitbrain.testing.subjects import subject_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from splitbrain.systems.contract import Client, Node
    from splitbrain.systems.description import System


@dataclass(frozen=True)
class Replayed:
    """A replay that broke nothing. `same` tells whether it went step by step as when it was recorded.

    It does not after the code was mended, which `remarks` say in sentences.
    """

    same: bool | None
    remarks: Sequence[str]


def replay(
    path: Path | str,
    tested: type[System | Node] | str | None = None,
    *,
    client: type[Client] | None = None,
    bugs: Sequence[str] | None = None,
) -> Replayed:
    """Run a replay file again, and fail if a promise is still broken.

    The file names its system; `tested` is run in its place, if it is given, and `bugs` in place of the
    file's seeded bugs: `replay("forget-vote.json", bugs=())` asks whether the system without it passes.

    Raises:
        ViolationFound: a promise is broken; the text tells the run.
        UsageError: the file can't be read, or does not fit the code any more.
    """
    __tracebackhide__ = True
    path = Path(path)
    replayed = read_replay(path)
    lent = {}
    if tested is not None:
        subject = subject_of(tested, client)
        replayed = replace(replayed, case=replace(replayed.case, system=subject.name))
        lent = dict(subject.lent)
    with registry.lending(lent):
        again = repeat(replayed, bugs=bugs)
    assessment = again.assessment
    if assessment.kinds:
        narrative = render_narrative(again.case, again.outcome, assessment)
        remarks = "".join(f"\n{remark}" for remark in again.remarks)
        raise ViolationFound(
            f"{', '.join(assessment.kinds)} in the replay of {path}\n\n{narrative}{remarks}",
            kinds=assessment.kinds,
            seed=None,
            narrative=narrative,
            path=path,
        )
    return Replayed(again.same, tuple(again.remarks))
