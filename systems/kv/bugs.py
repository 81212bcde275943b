"""Seeded bugs of KV: each removes one rule of the node by overriding one method."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from ..description import Bug
from .node import KvNode

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..contract import Json, Started


class AckBeforeSync(KvNode):
    """K1: answers don't wait for the log, so a power cut takes back what clients were told."""

    def answer_waits_for(self) -> int | None:
        """Wait for nothing."""
        return None


class TornTailAsData(KvNode):
    """K2: the torn record at the end of the log is repaired and replayed as if it were whole.

    The repair is what lenient readers do: it keeps the members that can be read, cuts off a number
    or string where the text ends, and takes a member that is missing for null. So a write survives
    with another value than the one that was written, over a value that was acknowledged.
    """

    def records_to_replay(self, started: Started) -> Sequence[Json]:
        """Use the torn record too."""
        repaired = repair(started.torn or "")
        return started.records if repaired is None else [*started.records, repaired]


MEMBER = re.compile(r'"(?P<name>\w+)":(?P<value>"[^"]*"?|[^,{}\[\]"]+)')


def repair(torn: str) -> dict[str, Json] | None:
    """Return the record that a torn text looks like, or None if not even its key can be read."""
    members: dict[str, Json] = {}
    for found in MEMBER.finditer(torn):
        text = found["value"]
        if text.startswith('"') and (len(text) == 1 or not text.endswith('"')):
            text += '"'
        try:
            members[found["name"]] = json.loads(text)
        except ValueError:
            members[found["name"]] = None
    if "type" not in members or "key" not in members:
        return None
    return {"src": "", "msg_id": None, "value": None, "from": None, "to": None, **members}


BUGS = (
    Bug(
        name="ack-before-sync",
        number="K1",
        summary="acknowledges before its log is synced",
        source="the write-ahead rule: Mohan et al., ARIES, 1992, section 1.1",
        verdicts=("LC", "LIN"),
        node=AckBeforeSync,
        plan="ack-before-sync.json",
        options={"time_limit": 10, "workload": "register"},
    ),
    Bug(
        name="torn-tail-as-data",
        number="K2",
        summary="takes a torn last record of its log for data",
        source="Pillai et al., All File Systems Are Not Created Equal, OSDI 2014, section 4",
        verdicts=("LIN", "CRASH", "LC"),
        node=TornTailAsData,
        plan="torn-tail-as-data.json",
        options={"time_limit": 10, "workload": "register"},
    ),
)
