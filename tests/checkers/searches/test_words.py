"""What is said of a violation of each data type: one sentence that a stranger understands, and why."""

import pytest

from splitbrain.checkers.models import (
    Bank,
    CasRegister,
    Counter,
    FencedLock,
    FifoQueue,
    GrowSet,
    Kv,
    ListAppend,
    Mutex,
    OwnedMutex,
    PriorityQueue,
    ReentrantLock,
    Set,
    Stack,
)
from splitbrain.checkers.portfolio import check_linearizable
from splitbrain.histories import build_history


def done(process, f, value=None, result=None, **more):
    """Return the lines of an operation that returned before the next one began."""
    asked = {key: each for key, each in more.items() if key != "applied"}
    answer = value if result is None else result
    return [
        {"process": process, "type": "invoke", "f": f, "value": value, **asked},
        {"process": process, "type": "ok", "f": f, "value": answer, **more},
    ]


def read(process, result, f="read", **more):
    return [
        {"process": process, "type": "invoke", "f": f, "value": None, **more},
        {"process": process, "type": "ok", "f": f, "value": result, **more},
    ]


def told(model, *operations, **options):
    lines = [line for operation in operations for line in operation]
    result = check_linearizable(build_history(lines), model, **options)
    assert result.valid is False
    return result.violations[0].summary, result.violations[0].evidence["story"]


TYPES = {
    "a key that was deleted": (
        Kv,
        [done(0, "put", 7, key="x"), done(1, "delete", key="x"), read(3, 7, "get", key="x")],
        (
            "x=7 was overwritten by delete (process 1, position 2) before process 3 began to get it"
            " (position 4), yet it got 7."
        ),
    ),
    "a cas that compared unequal": (
        CasRegister,
        [done(0, "write", 7), done(1, "cas", [7, 8], applied=False)],
        (
            "cas [7, 8], unequal (process 1, position 2) came after write 7 (process 0, position 0),"
            " which left 7, and nothing in between explains it."
        ),
    ),
    "a set that lost an element": (
        Set,
        [done(0, "add", 5, [5, True]), done(1, "contains", 5, [5, False])],
        (
            "contains 5 -> false (process 1, position 2) came after add 5 -> true (process 0, position"
            " 0), which left a set with 5, and nothing in between explains it."
        ),
    ),
    "an element that was never added": (
        Set,
        [done(1, "contains", 6, [6, True])],
        (
            "nothing before contains 6 -> true (process 1, position 0) explains it: the initial value"
            " is a set without 6."
        ),
    ),
    "a set that grows, and doesn't": (
        GrowSet,
        [done(0, "add", 5), done(1, "add", 6), read(2, [5])],
        (
            "process 1's add of 6 (position 2) had returned before process 2 began to read (position 4), yet"
            " its read of 1 element is without 6: lost."
        ),
    ),
    "a queue out of order": (
        FifoQueue,
        [done(0, "enqueue", 1), done(0, "enqueue", 2), read(1, 2, "dequeue"), read(1, 1, "dequeue")],
        "dequeue -> 2 (process 1, position 4) got 2 while 1, which had been put in earlier, was still in.",
    ),
    "a queue that delivers twice": (
        FifoQueue,
        [done(0, "enqueue", 1), read(1, 1, "dequeue"), read(2, 1, "dequeue")],
        (
            "dequeue -> 1 (process 1, position 2) and dequeue -> 1 (process 2, position 4) both took"
            " what was put in once."
        ),
    ),
    "a queue that shows what is gone": (
        FifoQueue,
        [done(0, "enqueue", 1), read(0, 1, "dequeue"), read(1, 1, "peek")],
        "peek -> 1 (process 1, position 4) saw what dequeue -> 1 (process 0, position 2) had taken before.",
    ),
    "a stack from below": (
        Stack,
        [done(0, "push", 1), done(0, "push", 2), read(1, 1, "pop")],
        "pop -> 1 (process 1, position 4) got 1 while 2 lay on it.",
    ),
    "the smaller one first": (
        PriorityQueue,
        [done(0, "insert", 1), done(0, "insert", 2), read(1, 1, "poll")],
        "poll -> 1 (process 1, position 4) got 1 while 2, which goes before it, was in.",
    ),
    "a lock that two hold": (
        Mutex,
        [done(0, "acquire"), done(1, "acquire"), done(0, "release"), done(1, "release")],
        (
            "acquire (process 1, position 2) is possible in no order of the operations before it, which"
            " leave a held lock."
        ),
    ),
    "a lock that a stranger releases": (
        OwnedMutex,
        [done(0, "acquire"), done(1, "release")],
        (
            "release (process 1, position 2) came after acquire (process 0, position 0), which left a"
            " lock held by process 0, and nothing in between explains it."
        ),
    ),
    "a lock that is still held once": (
        ReentrantLock,
        [done(0, "acquire"), done(0, "acquire"), done(0, "release"), done(1, "acquire")],
        (
            "acquire (process 1, position 6) is possible in no order of the operations before it, which"
            " leave a lock held by process 0."
        ),
    ),
    "a token twice": (
        FencedLock,
        [read(0, 5, "acquire"), done(0, "release"), read(1, 5, "acquire")],
        (
            "acquire -> 5 (process 1, position 4) is possible in no order of the operations before it,"
            " which leave a free lock, last token 5."
        ),
    ),
    "a counter that lost": (
        Counter,
        [done(0, "add", 1), done(0, "add", 2), read(1, 1)],
        "read 1 (process 1, position 4) is possible in no order of the operations before it, which leave 3.",
    ),
    "a bank that made money": (
        Bank,
        [
            read(0, {"a": 9, "b": 1}),
            done(0, "transfer", {"from": "a", "to": "b", "amount": 3}),
            read(1, {"a": 9, "b": 4}),
        ],
        (
            'read {"a": 9, "b": 4} (process 1, position 4) is possible in no order of the operations'
            ' before it, which leave {"a": 6, "b": 4}.'
        ),
    ),
    "a list in the other order": (
        ListAppend,
        [
            done(0, "txn", [["append", "x", 1]]),
            done(1, "txn", [["append", "x", 2]]),
            done(2, "txn", [["r", "x", None]], [["r", "x", [2, 1]]]),
        ],
        (
            "txn r x [2, 1] (process 2, position 4) is possible in no order of the operations before"
            ' it, which leave {"x": [1, 2]}.'
        ),
    ),
}


@pytest.mark.parametrize("case", TYPES)
def test_a_violation_of_each_type_is_told_in_its_own_words(case):
    model, operations, sentence = TYPES[case]
    summary, story = told(model, *operations)
    assert summary.partition("is not linearizable: ")[2] == sentence
    assert story
    assert len(story) == len(set(story)), "nothing is said twice"
    assert not {sentence.rstrip(".")} & {each.rstrip(".") for each in story}


def test_what_was_deleted_is_not_said_to_have_been_there_once():
    _, story = told(Kv, done(0, "put", 7, key="x"), done(1, "delete", key="x"), read(3, 7, "get", key="x"))
    assert story == [
        "put 7 had returned when delete was invoked.",
        "delete had returned when get 7 was invoked.",
        "No other operation can have written 7 by then.",
    ]


def test_what_others_left_is_not_said_of_a_call_that_ran_beside_them():
    asked, answered = read(0, 2)
    summary, _ = told(Counter, [asked], done(1, "add", 3), done(1, "add", 4), [answered])
    assert summary.endswith("is possible in no order of the operations before it.")


def test_a_long_name_is_told_once():
    much = [["append", "x", number] for number in range(9)]
    summary, story = told(
        ListAppend, done(0, "txn", [*much, ["r", "y", None]], [*much, ["r", "y", [7]]]), done(1, "txn", much)
    )
    assert "append x 8" in summary
    assert "append x 8" not in story[-1]
    assert "that txn (position 0)" in story[-1]


def test_operations_on_one_object_of_many_keys_are_named_with_their_key():
    summary, _ = told(Kv, done(0, "put", 8, key="y"), read(3, 8, "get", key="x"), keyed="no")
    assert "get x: 8 (process 3, position 2) observed 8, which no operation writes to key x" in summary


def test_operations_that_did_the_same_are_told_apart_by_their_positions():
    crashed = [{"process": 5, "type": "invoke", "f": "cas", "value": [1, 2]}]
    again = [read(1, 2), done(0, "write", 1), read(1, 2)]
    _, story = told(CasRegister, done(0, "write", 1), read(1, 1), crashed, *again)
    assert "read 2 (position 5) had returned when write 1 (position 7) was invoked." in story


def test_a_crashed_removal_may_have_taken_what_nobody_saw_later():
    enqueued = [done(0, "enqueue", 1), done(0, "enqueue", 2)]
    lost = [{"process": 7, "type": "invoke", "f": "dequeue", "value": None}]
    summary, _ = told(FifoQueue, *enqueued, lost, read(1, 2, "dequeue"), read(1, 1, "peek"))
    assert "got 2 while 1, which had been put in earlier, was still in" in summary
    taken = [*enqueued, done(0, "enqueue", 3), lost, read(1, 3, "dequeue")]
    summary, _ = told(FifoQueue, *taken)
    assert "still in" not in summary
