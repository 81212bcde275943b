"""Keys: fields, tagged tuples, and plain pairs that only the whole history can tell from values."""

from __future__ import annotations

import pytest

from splitbrain.histories import HistoryError, build_history, read_history


def pair(process, f, invoked, returned):
    return [
        {"process": process, "type": "invoke", "f": f, "value": invoked},
        {"process": process, "type": "ok", "f": f, "value": returned},
    ]


WRAPPED = [
    *pair(0, "write", [3, 1], [3, 1]),
    *pair(1, "read", [3, None], [3, 1]),
    *pair(0, "cas", [4, [1, 2]], [4, [1, 2]]),
]


def test_plain_tuples_are_recognised_when_every_operation_carries_one():
    history = build_history(WRAPPED)
    assert [operation.key for operation in history] == [3, 3, 4]
    assert [operation.value for operation in history] == [1, None, [1, 2]]
    assert [operation.result for operation in history] == [1, 1, [1, 2]]
    assert any("read as keyed" in note for note in history.notes)


def test_a_compare_and_set_of_old_and_new_is_not_taken_for_a_tuple():
    history = build_history([*pair(0, "cas", [1, 2], [1, 2]), *pair(1, "cas", [2, None], [2, None])])
    assert history.keyed is False
    assert history[0].value == [1, 2]


def test_a_compare_and_set_to_null_is_not_taken_for_a_read():
    history = build_history([*pair(0, "cas", [1, None], [1, None]), *pair(1, "cas", [2, None], [2, None])])
    assert history.keyed is False


def test_reads_without_a_key_show_that_pairs_are_values():
    history = build_history([*pair(0, "cas", [1, 2], [1, 2]), *pair(1, "read", None, 2)])
    assert history.keyed is False
    assert history[0].value == [1, 2]


def test_an_ok_with_another_first_element_shows_that_pairs_are_values():
    history = build_history([*pair(0, "add", [0, 1], [0, 1]), *pair(1, "read", [0, None], [1, 2])])
    assert history.keyed is False


def test_a_transaction_of_two_reads_is_not_taken_for_a_tuple():
    reads = [["r", 1, None], ["r", 2, None]]
    assert build_history(pair(0, "txn", reads, reads)).keyed is False


def test_no_leaves_pairs_alone():
    history = build_history(WRAPPED, keyed="no")
    assert history.keyed is False
    assert history[0].value == [3, 1]


def test_yes_splits_pairs_that_auto_would_leave():
    history = build_history(pair(0, "write", [3, 1], [3, 1]), keyed="yes")
    assert (history[0].key, history[0].value, history[0].result) == (3, 1, 1)


def test_yes_refuses_an_operation_without_pair_and_names_its_line():
    with pytest.raises(HistoryError, match=r"line 3.*value of read is null, expected a pair") as caught:
        build_history([*pair(0, "write", [3, 1], [3, 1]), *pair(1, "read", None, 2)], keyed="yes")
    assert caught.value.line == 3


def test_an_ok_on_another_key_than_invoked_is_refused():
    with pytest.raises(HistoryError, match=r"line 2.*expected a pair with key 3"):
        build_history(pair(0, "read", [3, None], [4, 1]), keyed="yes")


def test_the_value_of_an_info_need_not_be_a_pair():
    lines = [*WRAPPED, {"process": 2, "type": "invoke", "f": "write", "value": [3, 9]}]
    lines.append({"process": 2, "type": "info", "f": "write", "value": "timed-out"})
    assert build_history(lines)[3].key == 3


@pytest.mark.parametrize("keyed", ["auto", "yes", "no"])
def test_a_key_field_wins_over_pairs(keyed):
    lines = [{**line, "key": "x"} for line in pair(0, "cas", [1, 2], [1, 2])]
    history = build_history(lines, keyed=keyed)
    assert (history[0].key, history[0].value) == ("x", [1, 2])


@pytest.mark.parametrize("tag", ["#jepsen.independent.Tuple", "#jepsen.independent/tuple "])
def test_a_tagged_tuple_is_a_tuple_even_in_a_history_of_compare_and_sets(write, tag):
    text = f"{{:process 0 :type :invoke :f :cas :value {tag}[7 [1 2]]}}\n"
    text += f"{{:process 0 :type :ok :f :cas :value {tag}[7 [1 2]]}}\n"
    history = read_history(write(text))
    assert (history[0].key, history[0].value, history[0].result) == (7, [1, 2], [1, 2])
    unsplit = read_history(write(text), keyed="no")
    assert type(unsplit[0].value) is list
    assert unsplit[0].value == [7, [1, 2]]
