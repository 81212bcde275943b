"""Lines and envelopes: JSON in and out of a node, and what counts as a message.

An envelope is `{"src", "dest", "body"}` on one line; its body is an object whose `type` is a string
and whose `msg_id` and `in_reply_to`, where it has them, are integers. Everything else is garbage,
which closes the connection it came on and never reaches the node, so a node may rely on this much.

What is accepted can be written again: no NaN, no infinity (`1e999` either), no nesting so deep that
an encoder runs out of stack.
"""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, NamedTuple, NoReturn

if TYPE_CHECKING:
    from ..contract import Body, Json

LONGEST_LINE = 1 << 20
"""Bytes in the longest line that a client may send."""

LONGEST_PEER_LINE = 64 << 20
"""Bytes in the longest line that a peer may send: a node may ship its whole log."""

DEEPEST = 100
"""Levels of nesting in the deepest value that a client may send."""


class GarbageError(ValueError):
    """A line that is not a message; the text says why."""


class Envelope(NamedTuple):
    """One message with both its ends."""

    src: str
    dest: str
    body: Body


def _refuse_constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is not JSON")


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError(f"{text} is out of range")
    return number


encode = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode
_decode = json.JSONDecoder(parse_constant=_refuse_constant, parse_float=_finite).decode


def decode(line: bytes) -> Json:
    """Return the JSON value on a line.

    Raises:
        GarbageError: it is not JSON, or too deep to handle.
    """
    try:
        return _decode(line.decode())
    except (ValueError, RecursionError) as error:
        raise GarbageError(f"not JSON: {error}") from error


def as_envelope(value: Json) -> Envelope:
    """Return the message that a decoded line is.

    Raises:
        GarbageError: it is not an envelope.
    """
    if type(value) is not dict:
        raise GarbageError("not an envelope")
    src, dest, body = value.get("src"), value.get("dest"), value.get("body")
    if type(src) is not str or type(dest) is not str or type(body) is not dict:
        raise GarbageError("an envelope needs src, dest and body")
    if type(body.get("type")) is not str:
        raise GarbageError("a body needs a type")
    for name in ("msg_id", "in_reply_to"):
        if name in body and type(body[name]) is not int:
            raise GarbageError(f"{name} must be an integer")
    return Envelope(src, dest, body)


def depth_exceeds(value: Json, limit: int) -> bool:
    """Tell whether lists and objects nest deeper than `limit` levels."""
    level = [value]
    for _ in range(limit + 1):
        inner: list[Json] = []
        for item in level:
            if type(item) is dict:
                inner.extend(item.values())
            elif type(item) is list:
                inner.extend(item)
        if not inner:
            return False
        level = inner
    return True


def client_envelope(line: bytes) -> Envelope:
    """Return the message on a client's line.

    Raises:
        GarbageError: it is not one.
    """
    value = decode(line)
    if line.count(b"[") + line.count(b"{") > DEEPEST and depth_exceeds(value, DEEPEST):
        raise GarbageError(f"nested deeper than {DEEPEST} levels")
    return as_envelope(value)


def envelope_line(src: str, dest: str, body: Body) -> bytes:
    """Return the line that carries a message."""
    return f'{{"src":{encode(src)},"dest":{encode(dest)},"body":{encode(body)}}}\n'.encode()
