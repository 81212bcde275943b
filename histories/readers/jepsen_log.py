r"""Jepsen's log: operations among whatever else was logged.

    INFO  jepsen.util - 4	:invoke	:cas	[2 4]
    2016-01-01 10:00:00,000{GMT}	INFO	[jepsen worker 3] jepsen.util: 3	:info	:write	4	:timed-out

What follows the process is EDN: type, function, value and perhaps an error, separated by tabs or spaces.
Lines without a process and a type are other log messages: skipped, counted and mentioned. A line that has
both and can't be read is an error, since leaving it out would change the history. In a fail or an info a
keyword stands in the place of the value to give the reason (`:timed-out`); it is read as the error.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from splitbrain.histories.errors import HistoryError, TornHistoryError
from splitbrain.histories.readers.edn import parse_forms
from splitbrain.histories.readers.source import Entry, Source

if TYPE_CHECKING:
    from collections.abc import Iterator

OPERATION = re.compile(
    r"(?:^|\s)(?P<process>-?[0-9]{1,18}|:nemesis)\s+:(?P<type>invoke|ok|fail|info)(?:\s+(?P<rest>.*))?$"
)
FUNCTION = re.compile(r":(?P<f>\S+)(?:\s+(?P<rest>.*))?$")
KEYWORD = re.compile(r":\S+")


def read_jepsen_log(source: Source) -> Iterator[Entry]:
    """Yield the operations of a Jepsen log; its other lines become a remark in `source.notes`."""
    skipped = 0
    for block in source.blocks():
        for number, line in enumerate(block.lines, block.first):
            try:
                fields = parse_line(line)
            except ValueError as error:
                kind = TornHistoryError if block.torn else HistoryError
                raise kind(source.name, number, str(error)) from error
            if fields is not None:
                yield Entry(number, fields)
            elif line and not line.isspace():
                if block.torn:
                    raise TornHistoryError(
                        source.name, number, "torn last line, expected a newline at its end"
                    )
                skipped += 1
    if skipped:
        source.notes.append(f"{skipped} lines of the log are no operations and were skipped")


def parse_line(line: bytes) -> dict[str, Any] | None:
    """Return the operation that a line holds, None if it holds none; raises `ValueError` with the reason."""
    try:
        text = line.decode().rstrip()
    except UnicodeDecodeError as error:
        raise ValueError("not UTF-8") from error
    match = OPERATION.search(text)
    if match is None:
        return None
    kind, rest = match["type"], match["rest"] or ""
    function = FUNCTION.match(rest)
    if function is None:
        raise ValueError(f"found {rest[:40]!r} after :{kind}, expected a function such as :read")
    process: int | str = "nemesis" if match["process"] == ":nemesis" else int(match["process"])
    fields: dict[str, Any] = {"process": process, "type": kind, "f": function["f"]}
    fields.update(_value_and_error(kind, function["rest"] or "", operation=process != "nemesis"))
    return fields


def _value_and_error(kind: str, text: str, *, operation: bool) -> dict[str, Any]:
    """Split what follows the function. The nemesis may say anything there."""
    try:
        forms = parse_forms(text)
    except ValueError as error:
        if not operation:
            return {"value": text}
        if kind in {"fail", "info"}:
            return {"error": text}
        raise ValueError(f"the value is not EDN: {error}") from error
    if kind in {"fail", "info"} and operation and len(forms) == 1 and KEYWORD.match(text):
        return {"error": forms[0]}
    fields: dict[str, Any] = {"value": forms[0] if forms else None}
    if len(forms) > 1:
        fields["error"] = forms[1] if len(forms) == 2 else forms[1:]
    return fields
