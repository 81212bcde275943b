"""Holds of a lock may be dropped from a refutation, each as a whole, where processes alternate."""

import json

import pytest

from splitbrain.checkers.budget import Budget
from splitbrain.checkers.evidence.reduction import Reduction
from splitbrain.checkers.models import Mutex
from splitbrain.checkers.normalise import normalise
from splitbrain.checkers.outcome import HELD_BY_TWO, Refutation
from splitbrain.checkers.verification import verify

ONE = [(0, "invoke", "acquire", None), (0, "ok", "acquire", None)]
RELEASED = [(0, "invoke", "release", None), (0, "ok", "release", None)]
TWO = [(1, "invoke", "acquire", None), (1, "ok", "acquire", None)]


@pytest.mark.parametrize("model", ["mutex", "owned-mutex"])
def test_two_holds_at_one_time_refute_a_lock_whatever_came_before(written, refuted_by, model):
    history = written(*ONE, *RELEASED, *ONE, *TWO)
    verification = verify(refuted_by([4, 6], model=model, initial="free"), history)
    assert verification.holds is True, verification.reason


@pytest.mark.parametrize(
    ("lines", "kept", "changes"),
    [
        # Half a hold: the acquires are kept, the release between them isn't.
        ([*ONE, *RELEASED, *TWO], [0, 4], {}),
        # The release that makes room is another process's: nobody alternates.
        ([*ONE, (2, "invoke", "release", None), (2, "ok", "release", None), *TWO], [0, 4], {}),
        # The process goes on after it lost an answer, and so released what it held.
        ([*ONE, (0, "invoke", "release", None), (0, "info", "release", None), *ONE], [0, 4], {}),
        # The lock was held at first, so a release came first.
        ([*RELEASED, *ONE], [2], {"initial": "held"}),
        ([*ONE, *RELEASED, *ONE, *TWO], [4, 6], {"crashed": [0]}),
        ([*ONE, *RELEASED, *ONE, *TWO], [4, 6], {"past": 0}),
        ([*ONE, *RELEASED, *ONE, *TWO], [4, 6], {"model": "reentrant-lock"}),
    ],
)
def test_other_operations_of_a_lock_are_not_dropped(written, refuted_by, lines, kept, changes):
    claim = refuted_by(kept, **({"model": "mutex", "initial": "free", "crashed": []} | changes))
    assert verify(claim, written(*lines)).holds is False


def test_the_witness_of_two_holds_is_those(written, refuted_by):
    busy = [line for _ in range(10) for line in (*ONE, *RELEASED)]
    history = written(*busy, *ONE, *TWO)
    columns = normalise(history, Mutex(), "free", keyed=False)
    (calls,) = columns.keys
    reduction = Reduction(calls, columns.kinds, Mutex(), "free", Budget())
    witness = reduction.reduce(Refutation(HELD_BY_TWO, (20, 21)), "mutexes")
    assert list(witness.members) == [20, 21]
    claim = refuted_by([calls.invokes[call] for call in witness.members], model="mutex", initial="free")
    assert verify(json.loads(json.dumps(claim)), history).holds is True


def test_processes_need_to_alternate_only_up_to_the_end_of_the_window(written, refuted_by):
    """The second process acquires again and again, after a release that failed."""
    history = written(*ONE, *RELEASED, *ONE, *TWO, *TWO, (1, "invoke", "acquire", None))
    assert verify(refuted_by([4, 6], model="mutex", initial="free"), history).holds is False
    assert verify(refuted_by([4, 6], model="mutex", initial="free", future=7), history).holds is True
