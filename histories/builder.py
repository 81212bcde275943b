"""From lines to a history, and the rules that make lines a history.

A process does one thing at a time. So each process's lines alternate: an invocation, then at most one
completion (ok, fail or info) of the same function and key. An info line retires nothing here: in foreign
files the same process may invoke again afterwards, and the earlier operation stays indeterminate for good.
Whatever breaks the alternation leaves the real-time order of operations undefined, and no verdict about it
could be trusted: it is refused, naming both lines.

Positions count the entries of the history: nemesis lines are counted, blank lines and comments are not. An
"index" in the file is ignored. Processes are integers, or "nemesis".
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from splitbrain.histories.bulk import STATUS_OF_TYPE, take_plain
from splitbrain.histories.draft import INTEGER_RANGE, Draft
from splitbrain.histories.errors import HistoryError
from splitbrain.histories.history import NEVER, NO_TIME, OK, History
from splitbrain.histories.keys import KEYED, Keyed, KeyedTuple, all_wrapped, identity, same_key

NEMESIS = "nemesis"
TRANSACTION = "txn"
TYPES = '"invoke", "ok", "fail" or "info"'


class HistoryBuilder:
    """Takes the entries of one history in order; `finish` returns the history.

    Every method raises `HistoryError` naming the line at fault.
    """

    def __init__(self, source: str) -> None:
        self._source = source
        self._draft = Draft()
        self._has_tuples = False

    def add(self, line: int, entry: Mapping[str, Any]) -> None:
        """Take the next entry, which stands on this 1-based line of the file."""
        lines = self._draft.lines
        position = lines.count
        lines.add(line)
        process = entry.get("process")
        if type(process) is not int:
            if process == NEMESIS:
                self._draft.nemesis.append({**entry, "position": position})
                return
            raise self._error(
                position, f'"process" is {_field(entry, "process")}, expected an integer or "nemesis"'
            )
        kind = entry.get("type")
        if kind == "invoke":
            self._add_invocation(position, process, entry)
        elif isinstance(kind, str) and kind in STATUS_OF_TYPE:
            self._add_completion(position, process, STATUS_OF_TYPE[kind], entry)
        else:
            raise self._error(position, f'"type" is {_field(entry, "type")}, expected {TYPES}')

    def add_all(self, first: int, entries: Sequence[dict[str, Any]]) -> None:
        """Take entries that stand on consecutive lines from `first` on, in a third of the time of `add`."""
        done = 0
        while done < len(entries):
            stopped = take_plain(self._draft, entries, done)
            if stopped > done:
                self._draft.lines.add(first + done, stopped - done)
            if stopped < len(entries):
                self.add(first + stopped, entries[stopped])
            done = stopped + 1

    def _add_invocation(self, position: int, process: int, entry: Mapping[str, Any]) -> None:
        draft = self._draft
        value = entry.get("value")
        function = entry.get("f")
        if type(function) is not str:
            function = self._implied_function(position, entry)
        earlier = draft.latest.get(process)
        if earlier is not None and draft.complete[earlier] == NEVER:
            raise self._error(
                position,
                f"process {process} invokes {function} at position {position} while its "
                f"{self._describe(earlier)} is still open; a process does one operation at a time",
            )
        if earlier is None and process not in INTEGER_RANGE:
            raise self._error(
                position, f"process {process} does not fit 64 bits; number the processes from 0"
            )
        if type(value) is KeyedTuple:
            self._has_tuples = True
        draft.begin(process, function, entry.get("key"), value, _nanoseconds(entry.get("time")))

    def _add_completion(self, position: int, process: int, status: int, entry: Mapping[str, Any]) -> None:
        draft = self._draft
        index = draft.latest.get(process)
        if index is None or draft.complete[index] != NEVER:
            raise self._refusal(position, process, index, entry)
        function = entry.get("f", self._function(index))
        if function != self._function(index):
            raise self._error(
                position,
                f"process {process} completes {show(function)} at position {position}, but what it has open "
                f"is its {self._describe(index)}",
            )
        key, invoked = entry.get("key"), draft.keys.table[draft.key[index]]
        if key is not None and identity(key) != identity(invoked):
            raise self._error(
                position,
                f"process {process} completes key {show(key)} at position {position}, but what it has open "
                f"is its {self._describe(index)} on key {show(invoked)}",
            )
        draft.status[index] = status
        draft.complete[index] = position
        draft.end_time[index] = _nanoseconds(entry.get("time"))
        if status == OK:
            draft.results[index] = entry.get("value")
            applied = entry.get("applied", True)
            if applied is False:
                draft.unapplied.add(index)
            elif applied is not True:
                raise self._error(position, f'"applied" is {show(applied)}, expected true or false')
        error = entry.get("error")
        if error is not None:
            draft.errors[index] = error

    def _implied_function(self, position: int, entry: Mapping[str, Any]) -> str:
        """A line without a function whose value is a list of lists is a transaction, as Elle has it."""
        value = entry.get("value")
        if "f" not in entry and isinstance(value, list) and all(isinstance(part, list) for part in value):
            return TRANSACTION
        raise self._error(position, f'"f" is {_field(entry, "f")}, expected the name of a function')

    def _refusal(
        self, position: int, process: int, index: int | None, entry: Mapping[str, Any]
    ) -> HistoryError:
        what = f"process {process} completes {show(entry.get('f', 'an operation'))} at position {position}"
        if index is None:
            return self._error(position, f"{what}, but never invoked anything: completed without invocation")
        completed = self._draft.complete[index]
        return self._error(
            position,
            f"{what}, but its {self._describe(index)} was completed already at position "
            f"{completed} (line {self._draft.lines[completed]}): completed twice, or "
            "without invocation",
        )

    def _function(self, index: int) -> str:
        return self._draft.functions[self._draft.f[index]]

    def _describe(self, index: int) -> str:
        position = self._draft.invoke[index]
        line = self._draft.lines[position]
        return f"{self._function(index)} invoked at position {position} (line {line})"

    def _error(self, position: int, message: str) -> HistoryError:
        return HistoryError(self._source, self._draft.lines[position], message)

    def finish(self, keyed: Keyed = "auto", notes: Iterable[str] = ()) -> History:
        """Return the history. `keyed` says whether values are tuples of key and value (see `keys`)."""
        if keyed not in KEYED:
            raise ValueError(f"keyed is {keyed!r}, expected one of {', '.join(KEYED)}")
        remarks = list(notes)
        draft = self._draft
        if self._unwraps(keyed):
            self._unwrap()
            if keyed == "auto" and not self._has_tuples:
                remarks.append("every value is a pair of key and value, so the history was read as keyed")
        elif self._has_tuples:
            draft.values = [list(value) if type(value) is KeyedTuple else value for value in draft.values]
            draft.results = [list(value) if type(value) is KeyedTuple else value for value in draft.results]
        return History(
            source=self._source,
            process=draft.process,
            f=draft.f,
            key=draft.key,
            status=draft.status,
            invoke=draft.invoke,
            complete=draft.complete,
            time=draft.time,
            end_time=draft.end_time,
            values=draft.values,
            results=draft.results,
            unapplied=frozenset(draft.unapplied),
            errors=draft.errors,
            functions=draft.functions,
            keys=draft.keys.table,
            nemesis=tuple(draft.nemesis),
            notes=tuple(remarks),
        )

    def _unwraps(self, keyed: Keyed) -> bool:
        draft = self._draft
        if keyed == "no" or any(key is not None for key in draft.keys.table):
            return False
        if keyed == "yes" or self._has_tuples:
            return True
        results = ((index, draft.results[index]) for index, status in enumerate(draft.status) if status == OK)
        return all_wrapped(map(draft.functions.__getitem__, draft.f), draft.values, results)

    def _unwrap(self) -> None:
        """Split each pair into key and value; an operation that is no pair is an error."""
        draft = self._draft
        keys = []
        for index, value in enumerate(draft.values):
            if not isinstance(value, list) or len(value) != 2:
                raise self._error(
                    draft.invoke[index],
                    f"the value of {self._function(index)} is {show(value)}, expected a pair of key "
                    "and value",
                )
            keys.append(value[0])
            draft.values[index] = value[1]
            if draft.status[index] == OK:
                result = draft.results[index]
                if not isinstance(result, list) or len(result) != 2 or not same_key(value, result):
                    raise self._error(
                        draft.complete[index],
                        f"the ok of {self._function(index)} is {show(result)}, expected a pair with "
                        f"key {show(value[0])}",
                    )
                draft.results[index] = result[1]
        draft.rekey(keys)


def build_history(
    lines: Iterable[Mapping[str, Any]], source: str = "<memory>", keyed: Keyed = "auto"
) -> History:
    """Build a history from its lines, already parsed; line n is taken to stand on line n + 1 of `source`.

    Raises `HistoryError` for anything that is not a history (see the module's rules).
    """
    builder = HistoryBuilder(source)
    for number, line in enumerate(lines, 1):
        if not isinstance(line, Mapping):
            raise HistoryError(source, number, f"found {show(line)}, expected an object")
        builder.add(number, line)
    return builder.finish(keyed)


def show(value: Any) -> str:
    """Return a value as an error message shows it: its JSON, cut short."""
    token = identity(value)
    text = json.dumps(token, ensure_ascii=False) if token is None or type(token) is str else token.decode()
    return text if len(text) <= 60 else f"{text[:57]}..."


def _field(entry: Mapping[str, Any], name: str) -> str:
    return show(entry[name]) if name in entry else "missing"


def _nanoseconds(time: Any) -> int:
    """Times are for display: one that is not a number of 64 bits is left out, not refused."""
    if type(time) is float and abs(time) < 2**62:
        return int(time)
    return time if type(time) is int and time in INTEGER_RANGE else NO_TIME
