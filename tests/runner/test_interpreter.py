from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from splitbrain import generators as gen
from splitbrain.backend import ClientDisconnected, ClientMessage, ClientUnreachable
from splitbrain.errors import HarnessError, UsageError
from splitbrain.histories import Journal, read_history
from splitbrain.runner.interpreter import Interpreter, Retire, SendRequest
from splitbrain.systems.contract import (
    Client,
    Complete,
    Disconnected,
    Invoke,
    Received,
    Send,
    SetTimer,
    TimerFired,
    Unreachable,
)
from splitbrain.workloads.register import RegisterWorkload

READ = {"f": "read", "key": "x"}
SECOND = 1_000_000_000
NODES = ("n1", "n2", "n3")


class Lines(list):
    """A journal in memory."""

    def append(self, line):
        super().append(dict(line))
        return len(self) - 1


class Asking(Client):
    """Sends a request to its preferred node, takes the outcome from the answer, retries each 0.4 s."""

    RETRY = 4 * SECOND // 10

    def step(self, event, now):
        del now
        if isinstance(event, Invoke):
            return [Send(self.preferred, {"type": event.f}), SetTimer("retry", self.RETRY)]
        if isinstance(event, TimerFired):
            return [Send(self.preferred, {"type": "retry"}), SetTimer("retry", self.RETRY)]
        if isinstance(event, Unreachable):
            return [Complete("fail", error="unreachable")]
        if isinstance(event, Disconnected):
            return [Complete("info", error="disconnected")]
        assert isinstance(event, Received)
        return [Complete(**event.body)]


def interpret(generator, *, client=Asking, journal=None, concurrency=2, timeout=SECOND):
    lines = Lines() if journal is None else journal
    made = []

    def make(name, preferred):
        made.append((name, preferred))
        return client(name, NODES, preferred, {})

    interpreter = Interpreter(
        generator, concurrency=concurrency, nodes=NODES, client=make, journal=lines, timeout=timeout
    )
    return interpreter, lines, made


def answer(action, **body):
    return ClientMessage(action.client, action.dest, {"type": "ok", **body})


def test_the_invocation_is_journaled_before_its_request_is_handed_out():
    seen = []

    class Watching(Asking):
        def step(self, event, now):
            seen.append((type(event).__name__, [line["type"] for line in lines]))
            return super().step(event, now)

    interpreter, lines, _ = interpret(gen.once(READ), client=Watching)
    (request,) = interpreter.advance(5)
    assert seen == [("Invoke", ["invoke"])]
    interpreter.deliver(answer(request, value=7), 9)
    assert seen[1] == ("Received", ["invoke"])
    process = lines[0]["process"]
    assert lines == [
        {"index": 0, "time": 5, "process": process, "type": "invoke", "f": "read", "key": "x", "value": None},
        {"index": 1, "time": 9, "process": process, "type": "ok", "f": "read", "key": "x", "value": 7},
    ]


def test_thread_i_begins_as_process_i_and_prefers_node_i_modulo_n():
    _, _, made = interpret(None, concurrency=5)
    assert made == [("c0", "n1"), ("c1", "n2"), ("c2", "n3"), ("c3", "n1"), ("c4", "n2")]


def test_after_an_info_the_thread_goes_on_as_another_process_with_another_session():
    interpreter, lines, made = interpret(gen.limit(2, gen.repeat(READ)), concurrency=1)
    (request,) = interpreter.advance(0)
    actions = interpreter.deliver(answer(request, type="info", error="who knows"), 1)
    assert actions == [Retire("c0")]
    (request,) = interpreter.advance(2)
    assert (request.client, request.dest) == ("c1", "n1")
    assert made == [("c0", "n1"), ("c1", "n1")]
    assert [line["process"] for line in lines] == [0, 0, 1]
    assert lines[1]["error"] == "who knows"


def test_after_ok_and_fail_the_session_and_the_process_stay():
    interpreter, lines, made = interpret(gen.limit(3, gen.repeat(READ)), concurrency=1)
    for outcome in ("ok", "fail", "ok"):
        (request,) = interpreter.advance(0)
        assert interpreter.deliver(answer(request, type=outcome), 1) == []
    assert len(made) == 1
    assert {line["process"] for line in lines} == {0}
    assert interpreter.counts == {"read": {"ok": 2, "fail": 1, "info": 0}}
    assert (interpreter.ok, interpreter.fail, interpreter.info) == (2, 1, 0)


def test_replies_to_retired_and_idle_and_unknown_sessions_are_discarded():
    interpreter, lines, _ = interpret(gen.limit(2, gen.repeat(READ)), concurrency=1)
    (request,) = interpreter.advance(0)
    interpreter.deliver(answer(request, type="info"), 1)
    (following,) = interpreter.advance(2)
    assert interpreter.deliver(answer(request, value="late"), 3) == []
    assert len(lines) == 3
    interpreter.deliver(answer(following, value="in time"), 4)
    assert interpreter.deliver(answer(following, value="twice"), 5) == []
    assert interpreter.deliver(ClientDisconnected("c99", "n1"), 5) == []
    assert [line["value"] for line in lines] == [None, None, None, "in time"]
    assert interpreter.discarded == 3
    assert interpreter.remarks == []


def test_a_client_that_raises_leaves_its_operation_in_doubt_and_a_remark():
    class Raising(Asking):
        def step(self, event, now):
            if isinstance(event, Received):
                raise ZeroDivisionError("one over none")
            return super().step(event, now)

    interpreter, lines, _ = interpret(gen.once(READ), client=Raising)
    (request,) = interpreter.advance(0)
    assert interpreter.deliver(answer(request), 1) == [Retire(request.client)]
    assert lines[1]["type"] == "info"
    assert lines[1]["error"] == "the client raised ZeroDivisionError: one over none"
    assert interpreter.remarks == [
        f"Session {request.client}: the client raised ZeroDivisionError: one over none."
    ]


def test_an_outcome_that_is_none_is_info_and_never_fail():
    interpreter, lines, _ = interpret(gen.once(READ))
    (request,) = interpreter.advance(0)
    interpreter.deliver(answer(request, type="rejected"), 1)
    assert (lines[1]["type"], lines[1]["error"]) == ("info", "unknown outcome 'rejected'")
    assert "taken as info" in interpreter.remarks[0]


def test_a_result_that_is_not_json_is_info_and_the_history_stays_readable(tmp_path):
    with Journal(tmp_path / "history.jsonl") as journal:
        interpreter, _, _ = interpret(gen.limit(2, gen.repeat(READ)), journal=journal, concurrency=1)
        (request,) = interpreter.advance(0)
        interpreter.deliver(answer(request, value=object()), 1)
        (request,) = interpreter.advance(2)
        interpreter.deliver(answer(request, value=3), 3)
    history = read_history(tmp_path / "history.jsonl")
    assert [operation.status for operation in history] == ["info", "ok"]
    assert "not JSON" in history[0].error


def test_unreachable_and_disconnected_reach_the_client():
    interpreter, lines, _ = interpret(gen.limit(2, gen.repeat(READ)), concurrency=1)
    interpreter.advance(0)
    interpreter.deliver(ClientUnreachable("c0", "n1"), 1)
    interpreter.advance(2)
    interpreter.deliver(ClientDisconnected("c0", "n1"), 3)
    assert [line["type"] for line in lines] == ["invoke", "fail", "invoke", "info"]


def test_fields_of_a_completion_are_in_the_line_and_can_not_replace_its_own():
    interpreter, lines, _ = interpret([{"f": "cas", "key": "x", "value": [1, 2]}])
    (request,) = interpreter.advance(0)
    interpreter.deliver(answer(request, value=[1, 2], fields={"applied": False, "type": "fail"}), 1)
    assert lines[1]["applied"] is False
    assert lines[1]["type"] == "ok"


def test_a_failed_operation_keeps_the_value_that_it_was_invoked_with():
    interpreter, lines, _ = interpret([{"f": "write", "key": "x", "value": 3}])
    (request,) = interpreter.advance(0)
    interpreter.deliver(answer(request, type="fail", value="nonsense"), 1)
    assert lines[1]["value"] == 3


def test_client_timers_fire_when_they_are_due_and_end_with_the_operation():
    heard = []

    class Hearing(Asking):
        def step(self, event, now):
            heard.append((type(event).__name__, now))
            return super().step(event, now)

    interpreter, _, _ = interpret(gen.limit(1, gen.repeat(READ)), client=Hearing, concurrency=1)
    (request,) = interpreter.advance(0)
    assert interpreter.next_wake(1) == Asking.RETRY
    assert interpreter.advance(Asking.RETRY - 1) == []
    assert interpreter.advance(Asking.RETRY) == [SendRequest("c0", "n1", {"type": "retry"})]
    assert interpreter.next_wake(Asking.RETRY) == 2 * Asking.RETRY
    interpreter.deliver(answer(request), 2 * Asking.RETRY)
    assert interpreter.advance(3 * Asking.RETRY) == []
    assert interpreter.next_wake(3 * Asking.RETRY) is None
    assert heard == [("Invoke", 0), ("TimerFired", Asking.RETRY), ("Received", 2 * Asking.RETRY)]


def test_an_operation_still_open_at_its_deadline_is_info():
    interpreter, lines, _ = interpret(gen.once(READ), concurrency=1)
    interpreter.advance(10)
    for now in (10 + Asking.RETRY, 10 + 2 * Asking.RETRY):
        assert [type(action) for action in interpreter.advance(now)] == [SendRequest]
    assert interpreter.next_wake(SECOND) == SECOND + 10
    assert interpreter.advance(SECOND + 10) == [Retire("c0")]
    assert (lines[1]["type"], lines[1]["error"], lines[1]["time"]) == ("info", "timeout", SECOND + 10)
    assert interpreter.done


def test_a_client_ends_its_operation_at_the_deadline_before_the_interpreter_does():
    class Deciding(Client):
        def step(self, event, now):
            if isinstance(event, Invoke):
                return [SetTimer("deadline", event.deadline - now)]
            return [Complete("fail", error="every attempt was refused")]

    interpreter, lines, _ = interpret(gen.once(READ), client=Deciding)
    interpreter.advance(0)
    interpreter.advance(SECOND + 5)
    assert lines[1]["type"] == "fail"


def test_stop_begins_nothing_new_and_lets_open_operations_end():
    interpreter, lines, _ = interpret(gen.repeat(READ))
    one, other = interpreter.advance(0)
    interpreter.stop()
    interpreter.deliver(answer(one), 1)
    assert interpreter.advance(2) == []
    assert not interpreter.done
    assert len(interpreter.open_operations) == 1
    interpreter.deliver(answer(other), 3)
    assert interpreter.done
    assert len(lines) == 4


def test_it_goes_on_with_another_generator_after_it_was_stopped():
    interpreter, lines, made = interpret(gen.repeat(READ), concurrency=1)
    (request,) = interpreter.advance(0)
    interpreter.stop()
    interpreter.deliver(answer(request, type="info"), 1)
    assert interpreter.done
    interpreter.go_on(gen.once({"f": "final"}))
    assert not interpreter.done
    assert interpreter.next_wake(2) == 2
    (request,) = interpreter.advance(2)
    interpreter.deliver(answer(request), 3)
    interpreter.advance(4)
    assert interpreter.done
    assert [(line["f"], line["process"]) for line in lines] == [
        ("read", 0),
        ("read", 0),
        ("final", 1),
        ("final", 1),
    ]
    assert len(made) == 2


def test_abandon_ends_what_is_open_as_info():
    interpreter, lines, _ = interpret(gen.repeat(READ), concurrency=3)
    interpreter.advance(0)
    assert len(interpreter.abandon(1)) == 3
    assert [line["type"] for line in lines[3:]] == ["info"] * 3
    assert interpreter.done
    assert interpreter.advance(2) == []


def test_it_sleeps_until_the_generator_has_something():
    interpreter, _, _ = interpret(gen.limit(2, gen.delay(1, gen.repeat(READ))), concurrency=2)
    (request,) = interpreter.advance(0)
    interpreter.deliver(answer(request), 1)
    assert interpreter.advance(2) == []
    # The timer of the operation that has ended may still wake it, once and for nothing.
    assert interpreter.advance(Asking.RETRY) == []
    assert interpreter.next_wake(Asking.RETRY) == SECOND
    assert len(interpreter.advance(SECOND)) == 1


def test_it_sleeps_until_a_completion_while_no_thread_is_free():
    interpreter, _, _ = interpret(gen.repeat(READ), concurrency=1)
    (request,) = interpreter.advance(0)
    assert interpreter.next_wake(0) == Asking.RETRY
    interpreter.deliver(answer(request), 1)
    assert interpreter.next_wake(1) == 1


def test_clients_that_answer_at_once_do_not_keep_it_from_returning():
    class Immediate(Client):
        def step(self, event, now):
            return [Complete("ok", None)]

    interpreter, lines, _ = interpret(gen.repeat(READ), client=Immediate, concurrency=4)
    interpreter.advance(0)
    assert len(lines) == 8
    assert interpreter.next_wake(0) == 0


def test_the_next_phase_waits_for_the_deadline_of_the_last():
    interpreter, lines, _ = interpret(gen.phases(gen.once(READ), {"f": "final"}), concurrency=2)
    interpreter.advance(0)
    assert interpreter.advance(SECOND - 1) != []
    interpreter.advance(SECOND)
    assert [line["f"] for line in lines] == ["read", "read", "final"]


def test_nemesis_lines_stand_among_the_others_and_are_counted():
    interpreter, lines, _ = interpret(gen.once(READ))
    (request,) = interpreter.advance(0)
    assert interpreter.record_nemesis("partition", {"id": "partition-1"}, 3) == 1
    interpreter.deliver(answer(request), 4)
    assert lines[1] == {
        "index": 1, "time": 3, "process": "nemesis", "type": "info", "f": "partition",
        "value": {"id": "partition-1"},
    }  # fmt: skip
    assert lines[2]["index"] == 2


@pytest.mark.parametrize(
    ("generator", "sentence"),
    [
        (lambda _context: 1 / 0, "raised ZeroDivisionError"),
        (lambda _context: 7, "A generator is"),
        (lambda _context: {"f": "write", "value": object()}, "can't be recorded"),
    ],
)
def test_a_generator_that_fails_is_a_harness_error_in_one_sentence(generator, sentence, tmp_path):
    with Journal(tmp_path / "history.jsonl") as journal:
        interpreter, _, _ = interpret(generator, journal=journal)
        with pytest.raises(HarnessError, match=sentence):
            interpreter.advance(0)


def test_a_generator_that_can_never_go_on_is_a_harness_error_and_not_a_hang():
    class Stuck(gen.Generator):
        def op(self, context):
            return gen.PENDING, self

    interpreter, _, _ = interpret(Stuck())
    with pytest.raises(HarnessError, match="wait forever"):
        interpreter.advance(0)


def test_a_generator_may_not_use_a_process_that_is_busy():
    class Greedy(gen.Generator):
        def op(self, context):
            return gen.Invocation("read", "x", None, 0, context.time), self

    interpreter, _, _ = interpret(Greedy())
    with pytest.raises(HarnessError, match="process 0, which is not free"):
        interpreter.advance(0)


def test_no_threads_and_a_client_that_can_not_be_made_are_said():
    with pytest.raises(UsageError, match="at least 1, not 0"):
        interpret(None, concurrency=0)

    def broken(*_arguments):
        raise RuntimeError("no such setting")

    with pytest.raises(HarnessError, match="c0 can't be made: RuntimeError: no such setting"):
        interpret(None, client=broken)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32), concurrency=st.integers(1, 7), operations=st.integers(1, 80))
def test_whatever_the_clients_meet_the_history_is_well_formed(
    tmp_path_factory, seed, concurrency, operations
):
    """Random answers, silence, refusals and repeated replies: the reader accepts the file, and it adds up."""
    random = Random(seed)
    path = tmp_path_factory.mktemp("run") / "history.jsonl"
    workload = RegisterWorkload().generator({"keys": 2, "operations_per_key": 10}, random)
    with Journal(path) as journal:
        interpreter, _, _ = interpret(
            gen.limit(operations, gen.stagger(0.01, workload, random)),
            journal=journal,
            concurrency=concurrency,
        )
        now, requests, retired = 0, [], set()
        while not interpreter.done:
            actions = interpreter.advance(now)
            for _ in range(random.randrange(3)):
                if requests:
                    request = random.choice(requests)
                    news = random.choice([
                        answer(request, type=random.choice(["ok", "ok", "fail", "info", "?"])),
                        ClientUnreachable(request.client, request.dest),
                        ClientDisconnected(request.client, request.dest),
                    ])  # fmt: skip
                    actions += interpreter.deliver(news, now)
            for action in actions:
                if isinstance(action, Retire):
                    assert action.client not in retired
                    retired.add(action.client)
                else:
                    assert action.client not in retired
                    requests.append(action)
            wake = interpreter.next_wake(now)
            now = now + 1 if wake is None else max(now + 1, min(wake, now + SECOND // 20))
    history = read_history(path)
    assert len(history) == operations
    statuses = [operation.status for operation in history]
    assert (statuses.count("ok"), statuses.count("fail"), statuses.count("info")) == (
        interpreter.ok, interpreter.fail, interpreter.info,
    )  # fmt: skip
    crashed = [operation.process for operation in history if operation.status == "info"]
    later = {operation.process: operation.index for operation in history}
    assert all(
        later[operation.process] == operation.index for operation in history if operation.status == "info"
    ), crashed
    assert len(retired) == len(crashed)
