"""Telling the formats apart by their first characters.

{"process": ...}            a string and a colon after the brace: JSON lines
{:process ...}              any other map: EDN, a map a line
[{"process": ...}, ...]     JSON array; so is []
[{:process ...} ...] (...)  EDN, one vector or list
; comment, #tag             EDN
INFO  jepsen.util - 3 :ok   a line somewhere with a process and a type: a Jepsen log, whatever surrounds it
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from splitbrain.histories.errors import HistoryError

if TYPE_CHECKING:
    from splitbrain.histories.readers.source import Source

BLANK = rb"[\s,]*"
JSON_OBJECT = re.compile(rb'\{\s*(?:"[^"\\]*(?:\\.[^"\\]*)*"\s*:|\}|\Z|"[^"]*\Z)', re.DOTALL)
JSON_ARRAY = re.compile(rb"\[\s*(?:\]|\Z)")
EDN = re.compile(rb"[{(;#]|\[" + BLANK + rb"(?:[{(;#\]]|\Z)")
LOG = re.compile(rb"(?m)(?:^|\s)(?:-?[0-9]{1,18}|:nemesis)[ \t]+:(?:invoke|ok|fail|info)(?:\s|$)")


def detect(source: Source) -> str:
    """Return the format that the first characters of a file show; an empty file is JSON lines.

    Raises `HistoryError` for a file that is none of them.
    """
    head = source.head.lstrip()
    if not head or JSON_OBJECT.match(head):
        return "jsonl"
    if JSON_ARRAY.match(head) or (head.startswith(b"[") and JSON_OBJECT.match(head[1:].lstrip())):
        return "json"
    if EDN.match(head):
        return "edn"
    if LOG.search(head):
        return "jepsen-log"
    raise HistoryError(
        source.name,
        1,
        "the format is not recognised, expected JSON lines, a JSON array, EDN or a Jepsen log; "
        "--format names it outright",
    )
