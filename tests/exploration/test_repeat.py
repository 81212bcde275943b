"""A replay is repeated to the step; where the code went on, that is said and the verdict is the new one's."""

from dataclasses import replace
from pathlib import Path

import pytest

from splitbrain.errors import UsageError
from splitbrain.exploration.repeat import check_case, record, repeat, verdict_of
from splitbrain.exploration.simulate import resolve
from splitbrain.plan import PlannedFault, Trigger
from splitbrain.simulation.deviations import Address, CrashPoint, Deviation

from .stories import LOST_WRITE, STALE_READ

UNFAITHFUL = f"{Path(__file__).with_name('unfaithful.py')}:UnfaithfulSystem"


@pytest.fixture(scope="module")
def stale():
    return record(STALE_READ)


@pytest.fixture(scope="module")
def lost():
    return record(LOST_WRITE)


def test_a_recording_says_what_the_run_showed(stale):
    assert stale.expect.kinds == ("LIN",)
    assert "not linearizable" in stale.expect.summary
    assert {"append_entries", "vote", "write_ok"} <= set(stale.messages)
    assert {"elected", "role"} <= set(stale.notes)
    assert stale.title.startswith("raft with unconfirmed-read: Key")


def test_a_repetition_has_the_recorded_trace_and_verdict(stale):
    repetition = repeat(stale)
    verdict = verdict_of(repetition)
    assert repetition.same
    assert verdict["valid"] is False
    assert verdict["violations"][0]["summary"] == stale.expect.summary
    assert verdict["trace"] == {"digest": stale.expect.trace, "recorded": True}
    assert verdict["remarks"] == []


def test_the_mended_code_is_judged_anew(stale):
    repetition = repeat(stale, bugs=())
    verdict = verdict_of(repetition)
    assert not repetition.same
    assert verdict["valid"] is True
    assert verdict["trace"]["recorded"] is False
    assert "recorded with other seeded bugs" in verdict["remarks"][0]


def test_another_trace_of_the_same_code_names_the_version_that_recorded_it(stale):
    changed = replace(stale, splitbrain="0.0.7", expect=replace(stale.expect, trace="0" * 32))
    repetition = repeat(changed)
    assert not repetition.same
    assert "The trace is another one" in repetition.remarks[0]
    assert "changed since splitbrain 0.0.7" in repetition.remarks[0]
    assert repetition.assessment.kinds == ("LIN",)


def test_messages_that_came_or_went_since_are_told(stale):
    changed = replace(
        stale,
        expect=replace(stale.expect, trace="0" * 32),
        messages=("gossip", *(each for each in stale.messages if each != "vote")),
    )
    remarks = " ".join(repeat(changed).remarks)
    assert "had and this one has not: gossip" in remarks
    assert "recorded one had not: vote" in remarks


def test_a_deviation_from_a_message_that_the_code_does_not_have_is_refused(lost):
    deviation = Deviation(Address("c0", "n1", "scribble", 0), None)
    stranger = replace(lost, case=replace(LOST_WRITE, deviations=(deviation,)))
    with pytest.raises(UsageError, match="deviation on c0 to n1 names the message 'scribble', which kv"):
        repeat(stranger)


def test_a_deviation_from_a_message_that_just_did_not_occur_is_a_remark(lost):
    deviation = Deviation(Address("c0", "n1", "append", 0), None)
    repetition = repeat(replace(lost, case=replace(LOST_WRITE, deviations=(deviation,))))
    assert any("no message 'append' occurred" in remark for remark in repetition.remarks)
    assert repetition.assessment.kinds == ("LIN",)


def test_a_deviation_of_a_disk_needs_no_word_of_the_code(lost):
    deviation = Deviation(Address("n1", "disk", "sync", 0), 300_000_000)
    assert repeat(replace(lost, case=replace(LOST_WRITE, deviations=(deviation,)))).assessment is not None


@pytest.mark.parametrize(
    ("label", "word"), [("note promised", "note 'promised'"), ("send prepare", "message 'prepare'")]
)
def test_a_crash_point_at_an_effect_that_the_code_does_not_have_is_refused(lost, label, word):
    point = CrashPoint("n1", label, 0, True, 1)
    with pytest.raises(UsageError, match=f"the crash point on n1 names the {word}"):
        repeat(replace(lost, case=replace(LOST_WRITE, crash_points=(point,))))


def test_a_trigger_on_a_note_that_the_code_does_not_have_is_refused(lost):
    trigger = PlannedFault("cut-1", "power-cut", 0.1, when=Trigger("promised"), target="noter")
    case = replace(LOST_WRITE, plan=replace(LOST_WRITE.plan, faults=(trigger,)))
    with pytest.raises(UsageError, match="the trigger of cut-1 names the note 'promised'"):
        repeat(replace(lost, case=case))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"system": "chubby"}, "no system 'chubby'"),
        ({"bugs": ("forget-everything",)}, "no seeded bug 'forget-everything'"),
        ({"workload": "queue"}, "no workload 'queue'"),
        ({"crash_points": (CrashPoint("n4", "sync", 0, True, 1),)}, "is on 'n4'.*has the nodes n1, n2, n3"),
        ({"deviations": (Deviation(Address("n8", "n9", "vote", 0), None),)}, "is on a link of no node"),
        ({"nodes": 1}, "partition needs at least 2 nodes"),
    ],
)
def test_what_there_is_not_is_refused_by_name(stale, change, sentence):
    with pytest.raises(UsageError, match=sentence):
        repeat(replace(stale, case=replace(STALE_READ, **change)))


def test_a_fault_that_does_not_exist_is_refused_by_name(stale):
    plan = replace(STALE_READ.plan, faults=(PlannedFault("flood-1", "flood", 1.0, at=0.1),))
    with pytest.raises(UsageError, match="no fault 'flood'"):
        repeat(replace(stale, case=replace(STALE_READ, plan=plan)))


def test_a_case_that_fits_passes_the_check():
    check_case(STALE_READ, resolve(STALE_READ))
