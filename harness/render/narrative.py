"""The story of a simulated run for someone who has never seen the system.

First what was run and which promise it broke; then what happened, in virtual time; at last why that is
a violation, by the numbers of the operations. A long run is cut to what is near the operations
and notes that the violation rests on; what is left out is counted where it was.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from typing import TYPE_CHECKING

from splitbrain.render.beats import (
    CITED,
    MESSAGE,
    OPERATION,
    RELATED,
    SECOND,
    Beat,
    fused,
    message_beats,
    seconds,
)
from splitbrain.render.incidents import incident_beats, note_beats
from splitbrain.render.operation_beats import operation_beats, whole
from splitbrain.render.text import DEFAULT_WIDTH, plural, printable, shorten, wrap
from splitbrain.render.trace import read_trace
from splitbrain.render.verdict import KINDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from splitbrain.checkers.verdict import Violation
    from splitbrain.exploration.assess import Assessment
    from splitbrain.exploration.case import Case
    from splitbrain.exploration.simulate import Outcome
    from splitbrain.render.trace import Trace

TIMELINE = 140
"""Lines that the timeline may have."""
MOST_OTHERS = 50
"""Lines of a longer run's timeline about operations that the violation does not rest on."""
MOST_VIOLATIONS = 4
"""Violations told in full; the rest are counted."""
MANY = 8
"""So many operations left out in one place have a line there; fewer are counted at the line before."""
STORY = 12
"""Sentences of a violation's own story."""
QUIET = SECOND // 2
"""A stretch without a line that is at least this long gets a mark."""
REACH = 1.0
"""So many seconds away from everything cited, a line counts for as little as one a rank lower."""
LOG_LINES = 8
MARGIN = 11
SLACK = 30
"""Columns by which a line of the timeline may exceed the width before its middle is cut."""


def render_narrative(
    case: Case, outcome: Outcome, assessment: Assessment, *, width: int = DEFAULT_WIDTH
) -> str:
    """Return the story of a run that was made with `story=True`, at most `width` columns wide.

    Raises:
        ValueError: the run was made without a story.
    """
    trace = read_trace(case, outcome, assessment)
    paragraphs = [
        _opening(case, trace, assessment, width),
        ["What happened (virtual time; >> marks what the violation rests on):"],
        _timeline(case, trace, width),
        _why(assessment.violations, trace, width),
    ]
    return "\n\n".join("\n".join(lines) for lines in paragraphs if lines) + "\n"


def _opening(case: Case, trace: Trace, assessment: Assessment, width: int) -> list[str]:
    bugs = f" with the seeded bug {', '.join(case.bugs)}" if case.bugs else ""
    faults = Counter(each.fault for each in trace.spans)
    hurt = ", ".join(f"{fault} ({count} times)" if count > 1 else fault for fault, count in faults.items())
    points = plural(len(case.crash_points), "crash") if case.crash_points else ""
    broken = ", ".join(f"{kind} ({KINDS[kind]})" if kind in KINDS else kind for kind in assessment.kinds)
    text = (
        f"{_short(case.system)}{bugs} on {plural(len(trace.nodes), 'node')} ({', '.join(trace.nodes)}), "
        f"simulated with seed {case.seed}: {plural(len(trace.operations), 'operation')} "
        f"of the workload {_short(case.workload)}, {plural(len(trace.messages), 'message')}, "
        f"{trace.end / SECOND:.1f} s of virtual time; "
        f"faults: {', '.join(part for part in (hurt, points) if part) or 'none'}."
    )
    verdict = f"It broke a promise: {broken}." if broken else "No promise was broken."
    first = [violation.summary for violation in assessment.violations[:1]]
    return wrap(" ".join([text, verdict, *first]), width)


def _short(reference: str) -> str:
    """Return a reference to anyone's file without its folders."""
    return reference.rpartition("/")[2]


def _timeline(case: Case, trace: Trace, width: int) -> list[str]:
    beats = _beats(case, trace)
    cited = trace.cited_times
    # What came after the promise was broken explains nothing.
    kept = {at for at, beat in enumerate(beats) if not cited or beat.time <= cited[-1]}
    if len(kept) > TIMELINE:
        order = sorted(kept, key=lambda at: (_distance(beats[at], cited), at))
        others = [at for at in order if beats[at].rank in (RELATED, OPERATION)]
        crowd = set(others[MOST_OTHERS:])
        order = [at for at in order if at not in crowd]
        low, high = 0, min(TIMELINE, len(order))
        while low < high:  # the most lines that fit together with the marks of what is left out
            middle = (low + high + 1) // 2
            low, high = (
                (middle, high)
                if len(_laid_out(beats, set(order[:middle]), width)) <= TIMELINE
                else (low, middle - 1)
            )
        kept = set(order[:low])
    return _laid_out(beats, kept, width)


def _beats(case: Case, trace: Trace) -> list[Beat]:
    incidents = incident_beats(trace)
    hard = sorted({beat.time for beat in incidents})
    beats = [
        *incidents,
        *note_beats(trace, case.system),
        *message_beats(trace, case.system, hard),
        *operation_beats(trace),
    ]
    by_position = {each.position: each for each in trace.operations}
    ordered = sorted(beats, key=lambda beat: (beat.time, beat.order))
    return fused(ordered, lambda beat: whole(by_position[beat.operation]))


def _distance(beat: Beat, cited: Sequence[int]) -> float:
    """Return how little a line matters: its rank, and how far it is from what the violation rests on."""
    if beat.rank == CITED:
        return 0.0
    at = bisect_left(cited, beat.time)
    near = min((abs(beat.time - time) for time in cited[max(0, at - 1) : at + 1]), default=0)
    return beat.rank + near / SECOND / REACH


def _laid_out(beats: Sequence[Beat], kept: set[int], width: int) -> list[str]:
    lines: list[str] = []
    left_out: list[Beat] = []
    before: int | None = None
    shown: str | None = None
    for at, beat in enumerate(beats):
        if at not in kept:
            left_out.append(beat)
            continue
        counted = _counted(left_out)
        if counted and (not lines or _worth_a_line(left_out)):
            lines.append(f"{'⋮':>{MARGIN - 3}}      left out: {counted}")
        elif counted:
            lines[-1] += f" … {counted}"
        elif before is not None and beat.time - before >= QUIET:
            lines.append(f"{'…':>{MARGIN - 3}}")
        left_out = []
        time = seconds(beat.time)
        mark = ">>" if beat.rank == CITED else "  "
        head = f"{'' if time == shown else time:>{MARGIN - 1}} {mark} "
        lines.append(shorten(head + printable(beat.text), width + SLACK).rstrip())
        before, shown = beat.time, time
    counted = _counted(left_out)
    if counted:
        lines.append(f"{'⋮':>{MARGIN - 3}}      after that: {counted}")
    return lines


def _worth_a_line(left_out: Iterable[Beat]) -> bool:
    """Tell whether more was left out than messages and a few operations."""
    ranks = Counter(each.rank for each in left_out)
    operations = ranks.pop(OPERATION, 0) + ranks.pop(RELATED, 0)
    return operations >= MANY or any(rank != MESSAGE for rank in ranks)


def _counted(beats: Iterable[Beat]) -> str:
    counts: Counter[str] = Counter()
    for beat in beats:
        counts.update(beat.counts)
    return ", ".join(plural(count, noun) for noun, count in counts.items() if count)


def _why(violations: Sequence[Violation], trace: Trace, width: int) -> list[str]:
    if not violations:
        return []
    lines = ["Why this is a violation:"]
    for violation in violations[:MOST_VIOLATIONS]:
        lines += wrap(f"{violation.kind}: {violation.summary}", width, "  ")
        story = list(violation.evidence.get("story", ()))
        for number, sentence in enumerate(story[:STORY], start=1):
            lines += wrap(str(sentence), width, f"  {number:>3}. ")
        if len(story) > STORY:
            lines.append(f"       and {plural(len(story) - STORY, 'more sentence')}")
        lines += [
            *(line for note in violation.evidence.get("notes", ()) for line in _noted(note, width)),
            *_log(violation.evidence, width),
        ]
    if len(violations) > MOST_VIOLATIONS:
        lines.append(f"  and {plural(len(violations) - MOST_VIOLATIONS, 'more violation')}")
    if any(each.cited for each in trace.operations):
        lines += wrap(
            "#N and position N name the operation whose invocation is line N of the history.", width
        )
    return lines


def _noted(note: Mapping[str, object], width: int) -> list[str]:
    says = note.get("says") or note.get("kind")
    return wrap(f"{note.get('node')} noted: {says}", width, "    - ")


def _log(evidence: Mapping[str, object], width: int) -> list[str]:
    log = str(evidence.get("log", "")).rstrip().split("\n")
    return [shorten(f"    | {printable(line)}", width) for line in log[-LOG_LINES:] if line.strip()]
