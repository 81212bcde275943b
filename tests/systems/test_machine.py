"""The key-value state machine: what each operation answers, and when values are equal."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from splitbrain.systems.machine import KeyValueMachine


@pytest.fixture
def machine():
    return KeyValueMachine()


def write(machine, value, key="x"):
    return machine.apply({"type": "write", "key": key, "value": value})


def read(machine, key="x"):
    return machine.apply({"type": "read", "key": key})


def cas(machine, old, new, key="x"):
    return machine.apply({"type": "cas", "key": key, "from": old, "to": new})


def append(machine, value, key="x"):
    return machine.apply({"type": "append", "key": key, "value": value})


def test_a_read_returns_the_last_write(machine):
    assert write(machine, 1) == {"type": "write_ok"}
    write(machine, {"a": [2]})
    assert read(machine) == {"type": "read_ok", "value": {"a": [2]}}


def test_a_missing_key_is_error_20_for_a_read(machine):
    assert read(machine)["code"] == 20


def test_writing_null_and_deleting_both_make_the_key_missing(machine):
    write(machine, 1)
    write(machine, None)
    assert read(machine)["code"] == 20
    write(machine, 1)
    assert machine.apply({"type": "delete", "key": "x"}) == {"type": "delete_ok"}
    assert read(machine)["code"] == 20
    assert machine.snapshot() == {}


def test_deleting_a_missing_key_is_ok(machine):
    assert machine.apply({"type": "delete", "key": "x"}) == {"type": "delete_ok"}


def test_cas_from_null_creates_a_missing_key_and_refuses_a_present_one(machine):
    assert cas(machine, None, 5) == {"type": "cas_ok"}
    assert cas(machine, None, 6)["code"] == 22
    assert read(machine)["value"] == 5


def test_cas_on_a_missing_key_is_error_20_and_creates_nothing(machine):
    assert cas(machine, 1, 2)["code"] == 20
    assert read(machine)["code"] == 20


def test_an_unequal_cas_is_error_22_and_changes_nothing(machine):
    write(machine, 1)
    assert cas(machine, 2, 3)["code"] == 22
    assert read(machine)["value"] == 1


@pytest.mark.parametrize(
    ("held", "expected"), [(1, True), (1, 1.0), (1, "1"), (0, False), ("", None), ([], None)]
)
def test_cas_compares_as_json_does_and_not_as_python_does(machine, held, expected):
    write(machine, held)
    assert cas(machine, expected, "new")["type"] == "error"


def test_cas_ignores_the_order_of_an_objects_members(machine):
    write(machine, {"a": 1, "b": 2})
    assert cas(machine, {"b": 2, "a": 1}, 3) == {"type": "cas_ok"}


def test_append_concatenates_and_a_missing_key_counts_as_the_empty_string(machine):
    assert append(machine, "a,") == {"type": "append_ok"}
    append(machine, "b,")
    assert read(machine)["value"] == "a,b,"


def test_append_to_a_value_that_is_no_string_is_a_definite_error_22(machine):
    write(machine, 7)
    assert append(machine, "a")["code"] == 22
    assert append(machine, 1, key="y")["code"] == 12
    assert read(machine)["value"] == 7


@pytest.mark.parametrize("pair", [("1", 1), (True, 1), (None, "null"), ([1], "[1]"), (1, 1.0), ('"a', "a")])
def test_keys_that_differ_as_json_are_different_keys(machine, pair):
    first, second = pair
    write(machine, "first", key=first)
    assert read(machine, key=second)["code"] == 20


@pytest.mark.parametrize(
    ("operation", "code"),
    [
        ({}, 10),
        ({"type": None}, 10),
        ({"type": ["read"]}, 10),
        ({"type": "increment", "key": "x"}, 10),
        ({"type": "read"}, 12),
        ({"type": "cas", "key": "x", "from": 1}, 12),
    ],
)
def test_a_bad_operation_is_answered_and_never_raises(machine, operation, code):
    assert machine.apply(operation)["code"] == code


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 2) | st.sampled_from(["", "a", "1"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("ab"), inner, max_size=2),
    max_leaves=4,
)
OPERATIONS = st.lists(
    st.fixed_dictionaries(
        {"type": st.sampled_from(["read", "write", "cas", "append", "delete"]), "key": JSON},
        optional={"value": JSON, "from": JSON, "to": JSON},
    ),
    max_size=20,
)


@settings(max_examples=100, deadline=None)
@given(OPERATIONS, OPERATIONS)
def test_a_restored_snapshot_answers_as_the_original_does(before, after):
    original = KeyValueMachine()
    for operation in before:
        original.apply(operation)
    copy = KeyValueMachine()
    copy.restore(json.loads(json.dumps(original.snapshot())))
    assert [copy.apply(operation) for operation in after] == [
        original.apply(operation) for operation in after
    ]
    assert copy.snapshot() == original.snapshot()


@settings(max_examples=100, deadline=None)
@given(OPERATIONS)
def test_an_error_changes_nothing(operations):
    machine = KeyValueMachine()
    for operation in operations:
        before = machine.snapshot()
        if machine.apply(operation)["type"] == "error":
            assert machine.snapshot() == before
