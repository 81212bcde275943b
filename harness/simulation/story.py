"""Everything that happened in a simulated run, step by step: the trace.

The trace is what determinism is judged by (two runs of one seed have one trace), what narratives are
told from, and what the digest of a replay file covers. It costs about as much as the run itself,
so bulk exploration goes without and repeats what it finds.

    kind       node, peer, message, fields
    start      node, -, -, {"life", "records", "torn"}     a life begins
    send       node, destination, message, body           reply: a send to a client
    lost       source, destination, message, why          cut, lost, down, refused
    copy       source, destination, message, {"of"}       a second copy of a message
    receive    node, source, message, body
    timer      node, -, -, name
    synced     node, -, -, id
    persist    node, -, -, record                         replace: records
    set-timer, cancel-timer
    note       node, -, -, {"kind", **fields}
    kill, power-cut, restart, pause, resume, raised, clock, disk, links, stop, release
    request    client, destination, message, body         a client sends; answer: it receives

Message numbers are unique in a run. Bodies are checked here to be JSON-native and unchanged on arrival.
"""

from __future__ import annotations

import json
from hashlib import blake2b
from typing import Any, NamedTuple

DIGEST_BYTES = 16


class Happening(NamedTuple):
    """One entry of the trace; `time` is true time in nanoseconds since the run began."""

    time: int
    kind: str
    node: str
    peer: str = ""
    message: int = 0
    fields: Any = None

    def line(self) -> str:
        """Return the entry as a line of text; equal happenings have equal lines, and only they."""
        return f"{self.time} {self.kind} {self.node} {self.peer} {self.message} {self.fields!r}"


class BodyError(Exception):
    """A message body is not JSON-native, or was changed after it was sent; the text says which."""


class Story:
    """The trace as it grows."""

    def __init__(self) -> None:
        self.happenings: list[Happening] = []
        self._sent: dict[int, str] = {}
        self._digest = blake2b(digest_size=DIGEST_BYTES)

    def add(
        self, time: int, kind: str, node: str, peer: str = "", message: int = 0, *, fields: Any = None
    ) -> None:
        """Add an entry."""
        happening = Happening(time, kind, node, peer, message, fields)
        self.happenings.append(happening)
        self._digest.update(happening.line().encode("utf-8", "surrogatepass") + b"\n")

    def sent(self, message: int, body: Any) -> None:
        """Keep what a body is when it is sent.

        Raises:
            BodyError: it is not JSON-native.
        """
        try:
            text = json.dumps(body, allow_nan=False)
        except (TypeError, ValueError) as error:
            raise BodyError(f"it sent a body that is not JSON ({error}): {body!r}") from error
        if json.loads(text) != body:
            raise BodyError(f"it sent a body that JSON does not give back as it is: {body!r}")
        self._sent[message] = text

    def check(self, message: int, body: Any) -> None:
        """Check that a body is what it was when it was sent.

        Raises:
            BodyError: it was changed meanwhile.
        """
        text = self._sent.get(message)
        if text is not None and json.dumps(body) != text:
            raise BodyError(f"the body {text} was changed to {json.dumps(body)} after it was sent")

    def digest(self) -> str:
        """Return the digest of all entries so far, in hexadecimal digits."""
        return self._digest.hexdigest()
