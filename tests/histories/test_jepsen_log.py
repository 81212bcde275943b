"""Jepsen's log lines: operations among other messages."""

from __future__ import annotations

import pytest

from splitbrain.histories import read_history

INVOKE = "INFO  jepsen.util - 3\t:invoke\t:write\t4\n"


def test_other_messages_are_skipped_and_mentioned(write):
    text = f"INFO  jepsen.core - Setting up n1\n{INVOKE}WARN  jepsen.core - n2 is slow\n\n"
    history = read_history(write(text))
    assert len(history) == 1
    assert history[0].invoke == 0
    assert history.notes == ("2 lines of the log are no operations and were skipped",)


@pytest.mark.parametrize("kind", ["fail", "info"])
@pytest.mark.parametrize(
    ("end", "error"),
    [
        ("4\t:timed-out", "timed-out"),
        (":timed-out", "timed-out"),
        ('4\t"indeterminate: no reply"', "indeterminate: no reply"),
        ("4 :a :b", ["a", "b"]),
        ("4", None),
        ("java.io.IOException: [broken", "java.io.IOException: [broken"),
    ],
)
def test_the_reason_of_a_fail_or_an_info_is_its_error(write, kind, end, error):
    (operation,) = read_history(write(f"{INVOKE}INFO  jepsen.util - 3\t:{kind}\t:write\t{end}\n"))
    assert (operation.status, operation.value, operation.error) == (kind, 4, error)


def test_a_keyword_is_a_value_where_the_operation_happened(write):
    text = "INFO  jepsen.util - 3\t:invoke\t:read\tnil\nINFO  jepsen.util - 3\t:ok\t:read\t:red\n"
    assert read_history(write(text))[0].result == "red"


def test_the_nemesis_may_say_anything(write):
    text = 'INFO  jepsen.util - :nemesis\t:info\t:start\t"Cut off {:n4 #{:n3 :n2}}"\n'
    text += "INFO  jepsen.util - :nemesis\t:info\t:stop\t[unbalanced\n"
    start, stop = read_history(write(text)).nemesis
    assert start["value"] == "Cut off {:n4 #{:n3 :n2}}"
    assert stop["value"] == "[unbalanced"


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("3\t:ok", "expected a function"),
        ("3\t:ok\twrite\t4", "expected a function"),
        ("3\t:ok\t:write\t[4", "the value is not EDN"),
    ],
)
def test_a_line_with_process_and_type_that_cannot_be_read_is_never_skipped(refusal, line, reason):
    error = refusal(f"{INVOKE}INFO  jepsen.util - {line}\n")
    assert error.line == 2
    assert reason in error.message


def test_a_missing_value_is_null(write):
    assert read_history(write("INFO  jepsen.util - 3\t:invoke\t:read\n"))[0].value is None
