"""The rules that make lines a history, and the columns that come out."""

from __future__ import annotations

import pytest

from splitbrain.histories import HistoryError, build_history


def line(process, kind, f, value=None, **more):
    return {"process": process, "type": kind, "f": f, "value": value, **more}


def refused(*lines):
    with pytest.raises(HistoryError) as caught:
        build_history(lines)
    return caught.value


def test_an_operation_joins_its_invocation_with_its_completion():
    (operation,) = build_history(
        [line(3, "invoke", "read", key="x", time=5), line(3, "ok", "read", 7, key="x", time=9)]
    )
    assert (operation.process, operation.f, operation.key) == (3, "read", "x")
    assert (operation.value, operation.result, operation.status) == (None, 7, "ok")
    assert (operation.invoke, operation.complete) == (0, 1)
    assert (operation.time, operation.end_time) == (5, 9)
    assert operation.applied is True


def test_operations_stand_in_the_order_of_their_invocations():
    history = build_history(
        [
            line(0, "invoke", "write", 1),
            line(1, "invoke", "read"),
            line(1, "ok", "read", 1),
            line(0, "ok", "write", 1),
        ]
    )
    assert [operation.process for operation in history] == [0, 1]
    assert list(history.invoke) == [0, 1]
    assert list(history.complete) == [3, 2]


def test_an_operation_without_completion_is_indeterminate():
    (operation,) = build_history([line(0, "invoke", "write", 1)])
    assert (operation.status, operation.complete, operation.end_time) == ("info", None, None)


def test_a_process_may_be_reused_after_an_info_and_its_earlier_operation_stays_indeterminate():
    history = build_history(
        [
            line(0, "invoke", "write", 1),
            line(0, "info", "write", 1, error="timeout"),
            line(0, "invoke", "read"),
            line(0, "ok", "read", 1),
        ]
    )
    assert [operation.status for operation in history] == ["info", "ok"]
    assert history[0].error == "timeout"
    assert history[0].complete == 1


def test_only_an_ok_has_a_result():
    history = build_history(
        [
            line(0, "invoke", "read"),
            line(0, "info", "read", 5),
            line(1, "invoke", "read"),
            line(1, "fail", "read", 6),
        ]
    )
    assert [operation.result for operation in history] == [None, None]


def test_an_ok_that_compared_unequal_is_not_applied():
    history = build_history([line(0, "invoke", "cas", [1, 2]), line(0, "ok", "cas", [1, 2], applied=False)])
    assert history[0].applied is False
    assert history.unapplied == {0}


def test_nemesis_lines_are_kept_and_counted_as_positions():
    history = build_history(
        [
            line("nemesis", "info", "kill", ["n1"]),
            line(0, "invoke", "read"),
            line("nemesis", "info", "kill"),
            line(0, "ok", "read", 1),
        ]
    )
    assert len(history) == 1
    assert (history[0].invoke, history[0].complete) == (1, 3)
    assert [entry["position"] for entry in history.nemesis] == [0, 2]
    assert history.nemesis[0]["value"] == ["n1"]


def test_the_index_of_the_file_is_ignored_because_line_order_is_the_order():
    history = build_history([line(0, "invoke", "read", index=90), line(0, "ok", "read", index=4)])
    assert (history[0].invoke, history[0].complete) == (0, 1)


def test_an_invocation_while_one_is_open_names_both():
    error = refused(line(1, "invoke", "write", 1), line(0, "invoke", "read"), line(1, "invoke", "read"))
    assert error.line == 3
    assert "process 1 invokes read at position 2" in error.message
    assert "write invoked at position 0 (line 1)" in error.message


def test_a_completion_without_invocation_names_its_position():
    error = refused(line(0, "invoke", "read"), line(1, "ok", "read", 1))
    assert error.line == 2
    assert "at position 1" in error.message
    assert "without invocation" in error.message


def test_an_info_without_invocation_is_refused_for_a_client():
    assert "without invocation" in refused(line(0, "info", "read")).message


@pytest.mark.parametrize("second", ["ok", "fail", "info"])
def test_an_operation_completed_twice_names_all_three_lines(second):
    error = refused(line(0, "invoke", "write", 1), line(0, "ok", "write", 1), line(0, second, "write", 1))
    assert error.line == 3
    assert "completed twice" in error.message
    assert "position 2" in error.message
    assert "position 0 (line 1)" in error.message
    assert "position 1 (line 2)" in error.message


def test_a_completion_of_another_function_is_refused():
    error = refused(line(0, "invoke", "write", 1), line(0, "ok", "read", 1))
    assert 'completes "read"' in error.message
    assert "write invoked at position 0" in error.message


def test_a_completion_of_another_key_is_refused():
    error = refused(line(0, "invoke", "read", key=1), line(0, "ok", "read", key="1"))
    assert 'key "1"' in error.message


def test_a_completion_may_leave_function_and_key_out():
    history = build_history([line(0, "invoke", "read", key="x"), {"process": 0, "type": "ok", "value": 4}])
    assert (history[0].f, history[0].key, history[0].result) == ("read", "x", 4)


@pytest.mark.parametrize("process", [None, "3", 1.0, True, [1], "nemesis2"])
def test_a_process_is_an_integer_or_the_nemesis(process):
    error = refused(line(process, "invoke", "read"))
    assert 'expected an integer or "nemesis"' in error.message


def test_a_process_beyond_64_bits_is_refused():
    assert "64 bits" in refused(line(2**63, "invoke", "read")).message


@pytest.mark.parametrize("kind", [None, "done", "OK", 3, ["ok"], {}])
def test_an_unknown_type_is_refused_with_the_four_that_exist(kind):
    error = refused(line(0, kind, "read"))
    assert 'expected "invoke", "ok", "fail" or "info"' in error.message


@pytest.mark.parametrize("function", [None, 3, ["read"]])
def test_a_function_is_a_name(function):
    assert "expected the name of a function" in refused(line(0, "invoke", function)).message


def test_a_missing_field_is_said_to_be_missing():
    assert '"process" is missing' in refused({"type": "invoke", "f": "read"}).message
    assert '"process" is null' in refused(line(None, "invoke", "read")).message


def test_an_error_is_one_printable_line_whatever_the_file_holds():
    for text in ("two\nlines", "\x1b[31mred", 'a "quote"', "\u2028", "\x00"):
        error = refused(line(0, "invoke", text), line(0, "ok", "read"))
        assert str(error).isprintable()
        assert refused(line(text, "invoke", "read")).message.isprintable()


def test_a_line_without_function_whose_value_is_a_list_of_lists_is_a_transaction():
    lines = [
        {"process": 0, "type": "invoke", "value": [["r", "x", None]]},
        {"process": 0, "type": "ok", "value": [["r", "x", 1]]},
    ]
    assert build_history(lines)[0].f == "txn"


def test_applied_is_true_or_false():
    error = refused(line(0, "invoke", "cas", [1, 2]), line(0, "ok", "cas", [1, 2], applied="no"))
    assert '"applied" is "no"' in error.message


@pytest.mark.parametrize("time", [None, "noon", True, 1e300, 2**70, float("nan")])
def test_a_time_that_is_no_number_is_left_out(time):
    assert build_history([line(0, "invoke", "read", time=time)])[0].time is None


def test_a_line_that_is_no_object_is_refused():
    with pytest.raises(HistoryError, match="expected an object"):
        build_history([[1]])


def test_no_lines_are_an_empty_history():
    history = build_history([])
    assert len(history) == 0
    assert list(history) == []
    assert history.keyed is False
    assert history.by_key() == {}


def test_the_lines_given_are_not_changed():
    lines = [line("nemesis", "info", "kill"), line(0, "invoke", "read"), line(0, "ok", "read", 1)]
    copies = [dict(one) for one in lines]
    build_history(lines)
    assert lines == copies


def test_columns_tables_and_operations_agree():
    history = build_history(
        [
            line(0, "invoke", "write", 1, key="x"),
            line(1, "invoke", "read", key="y"),
            line(0, "fail", "write", 1, key="x"),
            line(2, "invoke", "read", key="x"),
            line(1, "ok", "read", 5, key="y"),
        ]
    )
    for index, operation in enumerate(history):
        assert operation.index == index
        assert history.functions[history.f[index]] == operation.f
        assert history.keys[history.key[index]] == operation.key
        assert history.process[index] == operation.process
        assert ("ok", "fail", "info")[history.status[index]] == operation.status
    assert history.keyed is True
    assert {history.keys[key]: indices for key, indices in history.by_key().items()} == {
        "x": [0, 2],
        "y": [1],
    }


def test_operations_are_a_lazy_sequence_with_slices_and_negative_indices():
    history = build_history([line(process, "invoke", "write", process) for process in range(5)])
    assert len(history.operations) == 5
    assert history.operations[-1].value == 4
    assert [operation.value for operation in history[1:4:2]] == [1, 3]
    with pytest.raises(IndexError):
        history[5]


def test_keys_are_distinct_exactly_if_their_json_is():
    keys = [1, "1", 1.0, True, [1], {"a": 1, "b": 2}, None]
    history = build_history([line(process, "invoke", "read", key=key) for process, key in enumerate(keys)])
    assert len(history.keys) == len(keys)
    same = build_history(
        [line(0, "invoke", "read", key={"a": 1, "b": 2}), line(1, "invoke", "read", key={"b": 2, "a": 1})]
    )
    assert len(same.keys) == 1
