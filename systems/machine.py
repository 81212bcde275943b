"""The key-value state machine that the reference systems replicate or persist.

A machine is a deterministic function of the operations applied to it, so replicas that apply one
sequence hold one state, and a log of operations replays to the state it was written from.

Operations and answers are message bodies. A key is any JSON value; null is the absence of a
value, so writing null and deleting are one thing, and so are a missing key and one that holds null:

    {"type": "read", "key"}                  read_ok {"value"}, or error 20 for a missing key
    {"type": "write", "key", "value"}        write_ok
    {"type": "cas", "key", "from", "to"}     cas_ok; error 22 if the value differs, 20 if the key is
                                             missing. `from` null expects a missing key and creates it
    {"type": "append", "key", "value"}       append_ok; a missing key counts as ""; `value` must be a
                                             string (12), and so must the value it finds (22)
    {"type": "delete", "key"}                delete_ok, also for a missing key

An error changes nothing. Values are equal if their JSON texts are: 1, 1.0, true and "1" are four
values, and the order of an object's members does not matter.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .contract import Body, Json

TIMEOUT = 0
NOT_SUPPORTED = 10
TEMPORARILY_UNAVAILABLE = 11
MALFORMED_REQUEST = 12
CRASH = 13
ABORT = 14
KEY_DOES_NOT_EXIST = 20
PRECONDITION_FAILED = 22

OPERANDS: Mapping[str, tuple[str, ...]] = {
    "read": ("key",),
    "write": ("key", "value"),
    "cas": ("key", "from", "to"),
    "append": ("key", "value"),
    "delete": ("key",),
}
"""The operations and the members that each must have."""


_encode = json.JSONEncoder(separators=(",", ":"), sort_keys=True).encode


def canonical(value: Json) -> str:
    """Return the one text of a JSON value: equal texts are equal values.

    Strings, the commonest keys, are marked rather than encoded; no other JSON text begins so.
    """
    if type(value) is str:
        return '"' + value
    return _encode(value)


def error_body(code: int, text: str, **fields: Json) -> dict[str, Json]:
    """Return the body of an error answer, with Maelstrom's `code`."""
    return {"type": "error", "code": code, "text": text, **fields}


class KeyValueMachine:
    """A map from JSON keys to JSON values under read, write, cas, append and delete."""

    def __init__(self) -> None:
        self._values: dict[str, Json] = {}

    def apply(self, operation: Body) -> dict[str, Json]:
        """Apply one operation and return the body of its answer. Never raises for a bad operation."""
        kind = operation.get("type")
        operands = OPERANDS.get(kind) if isinstance(kind, str) else None
        if operands is None:
            return error_body(NOT_SUPPORTED, f"there is no operation {kind!r}")
        for name in operands:
            if name not in operation:
                return error_body(MALFORMED_REQUEST, f"{kind} needs {name!r}")
        key = canonical(operation["key"])
        if kind == "read":
            answer = self._read(key)
        elif kind == "write":
            answer = self._write(key, operation["value"])
        elif kind == "cas":
            answer = self._cas(key, operation["from"], operation["to"])
        elif kind == "append":
            answer = self._append(key, operation["value"])
        else:
            answer = self._delete(key)
        return answer

    def snapshot(self) -> dict[str, Json]:
        """Return the state as a JSON object, equal for equal states whatever led to them."""
        return {key: self._values[key] for key in sorted(self._values)}

    def restore(self, snapshot: Mapping[str, Json]) -> None:
        """Take over the state that `snapshot` returned."""
        self._values = dict(snapshot)

    def _read(self, key: str) -> dict[str, Json]:
        value = self._values.get(key)
        if value is None:
            return _missing()
        return {"type": "read_ok", "value": value}

    def _write(self, key: str, value: Json) -> dict[str, Json]:
        self._set(key, value)
        return {"type": "write_ok"}

    def _cas(self, key: str, expected: Json, value: Json) -> dict[str, Json]:
        found = self._values.get(key)
        if canonical(found) != canonical(expected):
            return _missing() if found is None else error_body(PRECONDITION_FAILED, "the value differs")
        self._set(key, value)
        return {"type": "cas_ok"}

    def _append(self, key: str, suffix: Json) -> dict[str, Json]:
        found = self._values.get(key, "")
        if not isinstance(suffix, str):
            return error_body(MALFORMED_REQUEST, "append needs a string")
        if not isinstance(found, str):
            return error_body(PRECONDITION_FAILED, "append found a value that is not a string")
        self._values[key] = found + suffix
        return {"type": "append_ok"}

    def _delete(self, key: str) -> dict[str, Json]:
        self._set(key, None)
        return {"type": "delete_ok"}

    def _set(self, key: str, value: Json) -> None:
        if value is None:
            self._values.pop(key, None)
        else:
            self._values[key] = value


def _missing() -> dict[str, Json]:
    return error_body(KEY_DOES_NOT_EXIST, "the key does not exist")
