from dataclasses import replace
from typing import ClassVar

import pytest

from splitbrain.checkers.verdict import NodeNote
from splitbrain.faults.record import FaultRecord
from splitbrain.histories.builder import build_history
from splitbrain.runner.gates import evaluate_gates
from splitbrain.runner.timeline import FOREVER, Attempts, claims, stretches, unseen
from splitbrain.systems.description import NotePattern, System

SECOND = 1_000_000_000
NODES = ("n1", "n2", "n3", "n4", "n5")


class Available(System):
    name: ClassVar[str] = "available"
    availability: ClassVar[str] = "majority"
    recovery: ClassVar[float] = 2.0
    progress: ClassVar[tuple[NotePattern, ...]] = (
        NotePattern("elected"),
        NotePattern("role", {"role": "leader"}),
    )


class Registers:
    functions = ("read", "write", "cas")


NOTES = {
    "n1": [NodeNote("n1", 0, 5, "elected", {"term": 1})],
    "n2": [NodeNote("n2", 0, 9, "role", {"role": "leader"})],
}


def record(name="k", began=4.0, ended=8.0, lost=("n1",), **more):
    fields = {"fault": "kill", "cleared": (ended or 0.0) + 0.3, "bit": True, "healed": True} | more
    cleared = fields.pop("cleared")
    times = {
        key: None if value is None else round(value * SECOND)
        for key, value in (("began", began), ("ended", ended), ("cleared", cleared))
    }
    return FaultRecord(id=name, nodes=lost, lost=lost, **times, **fields)


def operations(until=16.0, step=0.1, kinds=Registers.functions, outcome=lambda _f, _at: "ok", lasts=0.15):
    """Return the lines of operations by turns, one each `step` seconds; `outcome` None leaves them open."""
    lines = []
    for number in range(round(until / step)):
        f, at = kinds[number % len(kinds)], number * step
        value = [0, 1] if f == "cas" else number
        line = {"process": number, "f": f, "value": None if f == "read" else value}
        lines.append((at, line | {"type": "invoke", "time": round(at * SECOND)}))
        kind = outcome(f, at)
        if kind is not None:
            done = round((at + lasts) * SECOND)
            lines.append((at + lasts, line | {"type": kind, "value": value, "time": done}))
    return build_history([line for _, line in sorted(lines, key=lambda each: each[0])])


def gates(history=None, records=None, notes=NOTES, system=Available, remarks=()):
    history = operations() if history is None else history
    records = [record()] if records is None else records
    found = evaluate_gates(history, records, notes, system, Registers, nodes=NODES, remarks=remarks)
    return {gate.gate: gate for gate in found}


def failed(**arguments):
    return {name for name, gate in gates(**arguments).items() if not gate.held}


def silent_between(start, end, kinds=Registers.functions):
    return lambda f, at: "info" if f in kinds and start <= at < end else "ok"


def test_a_run_that_tested_something_passes_every_gate_and_says_how_much():
    found = gates()
    assert not [name for name, gate in found.items() if not gate.held]
    assert list(found) == [
        "operations-completed",
        "operations-overlapped",
        "protocol-moved",
        "faults-bit",
        "faults-healed",
        "triggers-fired",
        "attempted-during-faults",
        "served-during-faults",
        "served-after-heals",
        "served-when-calm",
        "harness-sound",
    ]
    assert found["operations-completed"].observed == {"ok": 160, "fail": 0, "info": 0}
    assert found["faults-bit"].observed == {"bit": 1, "of": 1}
    assert found["served-during-faults"].observed == {"claimed": 1}
    assert found["served-after-heals"].observed == {"claimed": 1}
    assert found["protocol-moved"].observed == {"elected": 1, "role role='leader'": 1}


def test_a_run_without_faults_holds_the_gates_of_faults():
    assert failed(records=()) == set()


def test_a_run_without_an_ok_operation_fails():
    history = operations(outcome=lambda _f, _at: "fail")
    assert failed(history=history, records=()) == {"operations-completed", "served-when-calm"}


def test_a_run_in_which_one_kind_of_operation_was_never_ok_fails_and_names_it():
    history = operations(outcome=lambda f, _at: "fail" if f == "write" else "ok")
    found = gates(history=history, records=())
    assert [name for name, gate in found.items() if not gate.held] == ["operations-completed"]
    assert found["operations-completed"].observed["never"] == ["write"]


def every(nth):
    """Let one operation in `nth` of each kind succeed."""
    seen = dict.fromkeys(Registers.functions, 0)

    def outcome(f, _at):
        seen[f] += 1
        return "ok" if seen[f] % nth == 0 else "info"

    return outcome


@pytest.mark.parametrize("records", [(), None], ids=["no faults", "between faults"])
def test_a_system_that_hardly_serves_while_all_is_calm_was_hardly_tested(records):
    assert "served-when-calm" in failed(history=operations(outcome=every(3)), records=records)
    assert "served-when-calm" not in failed(history=operations(), records=records)


def test_what_happens_under_a_fault_or_within_the_claim_to_recover_is_not_called_calm():
    history = operations(outcome=silent_between(4.0, 10.0))
    assert "served-when-calm" not in failed(history=history)
    assert gates(history=history)["served-when-calm"].observed["of"] < len(history)


def test_a_kind_that_was_attempted_too_rarely_to_judge_by_is_excused_from_completing():
    history = operations(until=1.0, outcome=lambda f, at: "fail" if f == "write" and at < 0.2 else "ok")
    few = operations(until=0.6, outcome=lambda f, _at: "fail" if f == "write" else "ok")
    assert failed(history=history, records=()) == set()
    assert failed(history=few, records=()) == set()


def test_an_empty_run_fails():
    assert failed(history=build_history([]), records=()) == {"operations-completed", "operations-overlapped"}


def test_a_run_of_one_operation_at_a_time_fails():
    assert failed(history=operations(lasts=0.05)) == {"operations-overlapped"}


def test_an_operation_that_never_completed_does_not_count_as_overlap():
    history = operations(until=1.0, lasts=0.05, outcome=lambda _f, at: None if at < 0.05 else "ok")
    assert failed(history=history, records=()) == {"operations-overlapped"}


def test_a_protocol_that_never_moved_fails_and_the_note_is_named():
    found = gates(notes={"n1": NOTES["n1"], "n2": [NodeNote("n2", 0, 9, "role", {"role": "follower"})]})
    assert not found["protocol-moved"].held
    assert found["protocol-moved"].observed == {"elected": 1, "role role='leader'": 0}


@pytest.mark.parametrize("bit", [False, None])
def test_a_fault_that_was_not_seen_to_bite_fails(bit):
    assert failed(records=[record(bit=bit)]) == {"faults-bit"}


def test_a_planned_fault_that_never_began_did_not_bite():
    never = record(began=None, ended=None, cleared=None, bit=False, healed=None, error="no leader")
    found = gates(records=[never])
    assert [name for name, gate in found.items() if not gate.held] == ["faults-bit"]
    assert found["faults-bit"].observed["missing"] == {"k": "no leader"}


@pytest.mark.parametrize("healed", [False, None])
def test_a_fault_that_was_not_seen_to_heal_fails(healed):
    assert failed(records=[record(healed=healed)]) == {"faults-healed"}


def test_a_trigger_that_never_fired_fails_its_own_gate_alone():
    never = record(
        began=None, ended=None, cleared=None, bit=False, healed=None, triggered=True, error="no note"
    )
    assert failed(records=[never]) == {"triggers-fired"}
    fired = record(triggered=True, triggered_by={"node": "n1", "kind": "voted", "fields": {}})
    assert failed(records=[fired]) == set()


def test_a_fault_whose_trigger_fired_but_which_could_not_begin_did_not_bite():
    reason = "It could not begin: no running node plays the role 'leader'."
    fired = {"node": "n1", "kind": "voted", "fields": {}}
    never = record(
        began=None,
        ended=None,
        cleared=None,
        bit=False,
        healed=None,
        triggered=True,
        triggered_by=fired,
        error=reason,
    )
    found = gates(records=[never])
    assert [name for name, gate in found.items() if not gate.held] == ["faults-bit"]
    assert found["faults-bit"].observed == {"bit": 0, "of": 1, "missing": {"k": reason}}


def test_an_error_of_the_harness_or_of_an_action_fails():
    assert failed(remarks=["The final heal had not settled."]) == {"harness-sound"}
    assert failed(records=[record(error="n1 did not become ready")]) == {"harness-sound"}


# Attempted


def test_a_kind_of_operation_that_no_long_window_saw_fails():
    history = operations(kinds=("read", "write"))
    found = gates(history=history)
    assert not found["attempted-during-faults"].held
    assert found["attempted-during-faults"].observed["missing"] == {"k": ["cas"], "kill": ["cas"]}


def test_an_operation_that_was_open_all_through_a_window_was_attempted_in_it():
    history = operations(until=6.0, outcome=lambda _f, _at: "info", lasts=20.0)
    assert gates(history=history, records=[record(began=8.0, ended=12.0)])["attempted-during-faults"].held


def test_a_short_window_needs_some_operation_and_many_short_ones_every_kind():
    short = [record(f"k{number}", 4.0 + number, 4.3 + number, cleared=4.35 + number) for number in range(4)]
    assert failed(records=short) == set()
    reads_only = operations(kinds=("read",))
    assert gates(history=reads_only, records=short[:1])["attempted-during-faults"].held
    observed = gates(history=reads_only, records=short)["attempted-during-faults"].observed
    assert observed["missing"] == {"kill": ["write", "cas"]}
    nothing = operations(until=3.0)
    assert "attempted-during-faults" in failed(history=nothing, records=short[:1])


def test_a_kind_is_excused_only_where_it_may_be_missing_by_chance():
    kinds = {"read": Attempts([(0, 1, True)] * 95), "delete": Attempts([(0, 1, True)] * 5)}
    assert unseen(kinds, {"read": 14, "delete": 0}) == []
    assert unseen(kinds, {"read": 100, "delete": 0}) == ["delete"]
    assert unseen(kinds, {"read": 0, "delete": 0}) == ["read", "delete"]
    assert unseen({**kinds, "cas": Attempts([])}, {"read": 3, "delete": 0, "cas": 0}) == ["cas"]


# Served


def test_a_system_that_does_not_serve_under_a_fault_it_claims_to_bear_fails():
    history = operations(outcome=silent_between(3.9, 8.2))
    assert failed(history=history) == {"served-during-faults"}


def test_one_kind_of_operation_that_is_never_served_under_a_fault_fails_by_name():
    history = operations(outcome=silent_between(3.9, 8.2, ("write",)))
    found = gates(history=history)
    assert found["served-during-faults"].observed["missing"] == {"k": ["write"]}


def test_a_definite_failure_is_no_service():
    history = operations(outcome=lambda _f, at: "fail" if 3.9 <= at < 8.2 else "ok")
    assert failed(history=history) == {"served-during-faults"}


def test_an_unequal_cas_is_service():
    lines = []
    for number in range(160):
        time = number * SECOND // 10
        f = Registers.functions[number % 3]
        line = {"process": number % 2, "f": f, "value": [0, 1] if f == "cas" else 1}
        lines.append(line | {"type": "invoke", "time": time})
        applied = {"applied": False} if f == "cas" else {}
        lines.append(line | {"type": "ok", "time": time + 1} | applied)
    assert failed(history=build_history(lines)) == {"operations-overlapped"}


@pytest.mark.parametrize(
    ("lost", "availability", "claimed"),
    [
        (("n1", "n2"), "majority", 1),
        (("n1", "n2", "n3"), "majority", 0),
        (("n1",), "all", 0),
        ((), "all", 1),
        (("n1", "n2", "n3", "n4"), "any", 1),
        (NODES, "any", 0),
    ],
)
def test_availability_is_claimed_by_how_many_nodes_are_lost(lost, availability, claimed):
    system = type("Claiming", (Available,), {"availability": availability})
    found = gates(records=[record(lost=lost)], system=system)["served-during-faults"]
    assert found.observed["claimed"] == claimed
    silent = operations(outcome=silent_between(3.9, 8.2))
    assert gates(history=silent, records=[record(lost=lost)], system=system)["served-during-faults"].held is (
        claimed == 0
    )


def test_a_window_shorter_than_the_recovery_claim_claims_nothing():
    history = operations(outcome=silent_between(3.9, 6.0))
    found = gates(history=history, records=[record(ended=5.9)])
    assert found["served-during-faults"].observed == {"claimed": 0}
    assert found["served-during-faults"].held


def test_overlapping_faults_are_judged_by_what_they_take_together():
    records = [record("a", 2.0, 9.0, ("n1", "n2")), record("b", 4.5, 7.0, ("n3",))]
    both = operations(outcome=silent_between(4.4, 7.4))
    assert failed(history=both, records=records) == set()
    before = operations(outcome=silent_between(1.8, 4.6))
    assert failed(history=before, records=records) == {"served-during-faults"}
    same_nodes = [record("a", 2.0, 9.0, ("n1", "n2")), record("b", 4.5, 7.0, ("n2",))]
    assert failed(history=both, records=same_nodes) == {"served-during-faults"}


def test_a_system_that_does_not_serve_again_within_its_claim_after_a_heal_fails():
    history = operations(outcome=silent_between(8.1, 11.0))
    assert failed(history=history) == {"served-after-heals"}
    assert failed(history=operations(outcome=silent_between(8.1, 10.0))) == set()


def test_after_a_heal_every_kind_has_to_be_served_in_the_end():
    history = operations(outcome=silent_between(8.0, 99.0, ("cas",)))
    assert gates(history=history)["served-after-heals"].observed["missing"] == {"k": ["cas"]}


def test_a_heal_into_a_gap_too_short_for_the_claim_is_judged_by_the_next_one_that_is_not():
    records = [record("a", 2.0, 5.0, NODES), record("b", 6.0, 9.0, NODES)]
    history = operations(outcome=silent_between(1.9, 9.2))
    found = gates(history=history, records=records)
    assert found["served-after-heals"].observed == {"claimed": 2}
    assert found["served-after-heals"].held


# The time axis


def test_nodes_count_as_lost_until_the_fault_is_cleared():
    pieces = stretches([record(began=1.0, ended=2.0, cleared=3.0)], 5 * SECOND)
    assert [(piece.start // SECOND, piece.end // SECOND, sorted(piece.lost)) for piece in pieces] == [
        (0, 1, []),
        (1, 2, ["n1"]),
        (2, 3, ["n1"]),
        (3, 5, []),
    ]


def test_a_fault_that_was_never_cleared_lasts_to_the_end():
    never = replace(record(), ended=None, cleared=None)
    assert stretches([never], 9 * SECOND)[-1].lost == {"n1"}


@pytest.mark.parametrize("nodes", range(1, 8))
def test_a_majority_claim_ends_at_half_of_the_nodes(nodes):
    assert [lost for lost in range(nodes + 1) if claims("majority", lost, nodes)] == list(
        range((nodes + 1) // 2)
    )


def test_success_counts_only_from_invocation_to_completion_within_the_span():
    attempts = Attempts([(0, 10, True), (12, FOREVER, False), (20, 40, True), (25, 28, True)])
    assert attempts.succeeded_during(0, 10)
    assert not attempts.succeeded_during(1, 24)
    assert attempts.succeeded_during(18, 30)
    assert not attempts.succeeded_during(26, 99)
    assert attempts.open_during(1, 5)
    assert not Attempts([(0, 10, True)]).open_during(11, 20)
    assert attempts.open_during(50, 60)
