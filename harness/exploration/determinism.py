"""Is a case's run a function of the case? Run it here and in fresh processes, and compare the traces.

A node that reads the clock, the global dice or an address, iterates over a set when it decides, or keeps
something in a class variable runs differently elsewhere: then nothing that is found can be repeated or
shrunk. The other processes have other hash seeds. Digests are compared first; only where they differ are
the traces themselves, and then the first entry that differs is told, with what is likely behind it.

    python -m splitbrain.exploration.determinism

is the other process: it reads a case, answers with the digest, and then with what it is asked for.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING, Any, TextIO

from splitbrain.errors import HarnessError, UsageError
from splitbrain.exploration.case import Case, case_from_json
from splitbrain.exploration.simulate import resolve, simulate
from splitbrain.exploration.suspects import watched

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from types import TracebackType
    from typing import Self

    from splitbrain.exploration.simulate import Resolved
    from splitbrain.simulation.story import Happening, Story

HASH_SEEDS = ("1", "2")
"""The hash seeds of the other processes: two, since a small set may come in the same order under one."""
CHANGED = "raised BodyError"
"""How the trace tells of a body that was changed after it was sent, or that is not JSON."""
NOTHING = "(the trace ended)"


@dataclass(frozen=True)
class Divergence:
    """Where a run first went another way.

    `step` counts the entries of the trace from 0, `time` is virtual nanoseconds, `here` and `there` are
    the entries (equal for a body that was changed in flight), `hint` says what is likely behind it.
    """

    step: int
    time: int
    node: str
    here: str
    there: str
    hint: str

    def sentence(self) -> str:
        """Return it as text of a few lines."""
        where = f"step {self.step}, at {self.time / 1e9:.6f} s on {self.node or 'no node'}"
        if self.here == self.there:
            return f"The run breaks the node contract at {where}:\n  {self.here}\n{self.hint}"
        return (
            f"The same case ran differently in another process, first at {where}:\n"
            f"  here:  {self.here}\n  there: {self.there}\n{self.hint}"
        )


def compare_traces(
    case: Case,
    resolved: Resolved | None = None,
    *,
    hash_seeds: Sequence[str] = HASH_SEEDS,
    here: Callable[[], Story | None] | None = None,
) -> Divergence | None:
    """Return the first step in which a case runs differently in another process, None if in none.

    `here` runs it in this process, meanwhile, and returns its trace; None from it ends the comparison.

    Raises:
        UsageError: the case names what there is not.
        HarnessError: a node raised before it was first ready, or the other process failed.
    """
    resolved = resolved or resolve(case)
    others = [_Other(case, seed) for seed in hash_seeds]
    try:
        story = simulate(case, resolved, story=True).story if here is None else here()
        if story is None:
            return None
        changed = _changed_body(story.happenings)
        if changed is not None:
            return changed
        digest = story.digest()
        different = [other for other in others if other.digest() != digest]
        if not different:
            return None
        return _diverged(case, story.happenings, different, all_differ=len(different) == len(others))
    finally:
        for other in others:
            other.close()


def _changed_body(happenings: Sequence[Happening]) -> Divergence | None:
    for step, each in enumerate(happenings):
        if each.kind == "raised" and str(each.fields).startswith(CHANGED):
            hint = "A body is JSON-native and never changed once it is sent: send a copy, or build a new one."
            return Divergence(step, each.time, each.node, each.line(), each.line(), hint)
    return None


def _diverged(
    case: Case, here: Sequence[Happening], different: Sequence[_Other], *, all_differ: bool
) -> Divergence:
    other = different[0]
    there = other.ask("lines")
    pairs = zip_longest((each.line() for each in here), there, fillvalue=NOTHING)
    step, (one, two) = next(
        (step, pair) for step, pair in enumerate((*pairs, (NOTHING, NOTHING))) if pair[0] != pair[1]
    )
    happening = here[min(step, len(here) - 1)]
    with _Other(case, other.hash_seed) as again:
        repeats = again.digest() == other.digest()
    same_elsewhere = len({each.digest() for each in different}) == 1
    hint = _hint(other.ask("suspects"), repeats=repeats, only_here=all_differ and same_elsewhere)
    return Divergence(step, happening.time, happening.node, one, two, hint)


def _hint(suspects: Sequence[str], *, repeats: bool, only_here: bool) -> str:
    """Say what is likely behind a difference."""
    if suspects and (not repeats or any("hash" in each for each in suspects)):
        return (
            f"Likely why: {'; '.join(suspects)}. A node takes the time from `now`, and its randomness from "
            "the seed of `Started`."
        )
    if not repeats:
        return (
            "Two fresh processes differ even with the same hash seed: the code reads a clock, the global "
            "random state, addresses (`id`, a default `repr`), files or the environment."
        )
    if only_here and len(suspects) == 0:
        return (
            "Fresh processes agree with each other: something outlives a run in this one (a class or module "
            "variable, a default argument), or a set is iterated over, whose order is the hash seed's."
        )
    return (
        "The difference follows PYTHONHASHSEED: a set (or a dict made from one) is iterated over where "
        "something is decided; use a list or `sorted`."
    )


class _Other:
    """A fresh process that runs a case under a hash seed of its own."""

    def __init__(self, case: Case, hash_seed: str) -> None:
        self.hash_seed = hash_seed
        self._digest: str | None = None
        self._process = subprocess.Popen(
            [sys.executable, "-m", "splitbrain.exploration.determinism"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            errors="surrogatepass",
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
        )
        self._say(json.dumps(case.to_json()))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def digest(self) -> str:
        """Return the digest of its trace, once it ran.

        Raises:
            HarnessError: it could not run the case.
        """
        if self._digest is None:
            self._digest = str(self._hear())
        return self._digest

    def ask(self, what: str) -> list[str]:
        """Return the lines of its trace ("lines"), or suspicious places ("suspects").

        Raises:
            HarnessError: it died.
        """
        self.digest()
        self._say(what)
        return list(self._hear())

    def close(self) -> None:
        """End it."""
        self._process.kill()
        self._process.communicate()

    def _say(self, text: str) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(text + "\n")
            self._process.stdin.flush()
        except BrokenPipeError as error:
            raise HarnessError("The process that was to repeat a run died before it could.") from error

    def _hear(self) -> Any:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise HarnessError("The process that was to repeat a run died of it.")
        answer = json.loads(line)
        if "error" in answer:
            raise HarnessError(f"A run could not be repeated in another process: {answer['error']}")
        return answer["answer"]


def serve(requests: TextIO, answers: TextIO) -> None:
    """Run the case of the first line, answer with its digest, then with what each further line asks for."""
    for answer in _answers(requests):
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


def _answers(requests: TextIO) -> Iterator[dict[str, Any]]:
    try:
        case = case_from_json(json.loads(requests.readline()))
        resolved = resolve(case)
        story = simulate(case, resolved, story=True).story
    except (UsageError, HarnessError) as error:
        yield {"error": str(error)}
        return
    assert story is not None
    yield {"answer": story.digest()}
    for request in requests:
        if request.strip() == "lines":
            yield {"answer": [each.line() for each in story.happenings]}
        else:
            yield {"answer": [str(each) for each in watched(lambda: simulate(case, resolved))]}


if __name__ == "__main__":
    protocol, sys.stdout = sys.stdout, sys.stderr  # what a node prints must not pass for an answer
    serve(sys.stdin, protocol)
