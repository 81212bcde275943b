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
from array import array
from collections.abc import Iterable, Mapping
from typing import Any

from splitbrain.histories.errors import HistoryError
from splitbrain.histories.history import FAIL, INFO, NEVER, NO_TIME, OK, History
from splitbrain.histories.keys import KEYED, Keyed, KeyedTuple, all_wrapped, identity, same_key

NEMESIS = "nemesis"
TRANSACTION = "txn"
STATUS_OF_TYPE = {"ok": OK, "fail": FAIL, "info": INFO}
TYPES = '"invoke", "ok", "fail" or "info"'
INTEGER_RANGE = range(-(2**63), 2**63)


class HistoryBuilder:
    """Takes the entries of one history in order; `finish` returns the history.

    Every method raises `HistoryError` naming the line at fault.
    """

    def __init__(self, source: str) -> None:
        self._source = source
        self._lines = array("q")
        self._process, self._status = array("q"), array("q")
        self._invoke, self._complete = array("q"), array("q")
        self._time, self._end_time = array("q"), array("q")
        self._functions: list[str] = []
        self._keys: list[Any] = []
        self._values: list[Any] = []
        self._results: list[Any] = []
        self._unapplied: set[int] = set()
        self._errors: dict[int, Any] = {}
        self._nemesis: list[dict[str, Any]] = []
        self._latest: dict[int, int] = {}
        self._has_keys = False
        self._has_tuples = False

    def add(self, line: int, entry: Mapping[str, Any]) -> None:
        """Take the next entry, which stands on this 1-based line of the file."""
        position = len(self._lines)
        self._lines.append(line)
        process = entry.get("process")
        if type(process) is not int:
            if process == NEMESIS:
                self._nemesis.append({**entry, "position": position})
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

    def _add_invocation(self, position: int, process: int, entry: Mapping[str, Any]) -> None:
        value = entry.get("value")
        function = entry.get("f")
        if type(function) is not str:
            function = self._implied_function(position, entry)
        earlier = self._latest.get(process)
        if earlier is not None and self._complete[earlier] == NEVER:
            raise self._error(
                position,
                f"process {process} invokes {function} at position {position} while its "
                f"{self._describe(earlier)} is still open; a process does one operation at a time",
            )
        if earlier is None and process not in INTEGER_RANGE:
            raise self._error(
                position, f"process {process} does not fit 64 bits; number the processes from 0"
            )
        key = entry.get("key")
        if key is not None:
            self._has_keys = True
        if type(value) is KeyedTuple:
            self._has_tuples = True
        self._latest[process] = len(self._process)
        self._process.append(process)
        self._functions.append(function)
        self._keys.append(key)
        self._values.append(value)
        self._results.append(None)
        self._status.append(INFO)
        self._invoke.append(position)
        self._complete.append(NEVER)
        self._time.append(_nanoseconds(entry.get("time")))
        self._end_time.append(NO_TIME)

    def _add_completion(self, position: int, process: int, status: int, entry: Mapping[str, Any]) -> None:
        index = self._latest.get(process)
        if index is None or self._complete[index] != NEVER:
            raise self._refusal(position, process, index, entry)
        function = entry.get("f", self._functions[index])
        if function != self._functions[index]:
            raise self._error(
                position,
                f"process {process} completes {show(function)} at position {position}, but what it has open "
                f"is its {self._describe(index)}",
            )
        key = entry.get("key")
        if key is not None and identity(key) != identity(self._keys[index]):
            raise self._error(
                position,
                f"process {process} completes key {show(key)} at position {position}, but what it has open "
                f"is its {self._describe(index)} on key {show(self._keys[index])}",
            )
        self._status[index] = status
        self._complete[index] = position
        self._end_time[index] = _nanoseconds(entry.get("time"))
        if status == OK:
            self._results[index] = entry.get("value")
            applied = entry.get("applied", True)
            if applied is False:
                self._unapplied.add(index)
            elif applied is not True:
                raise self._error(position, f'"applied" is {show(applied)}, expected true or false')
        error = entry.get("error")
        if error is not None:
            self._errors[index] = error

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
        return self._error(
            position,
            f"{what}, but its {self._describe(index)} was completed already at position "
            f"{self._complete[index]} (line {self._lines[self._complete[index]]}): completed twice, or "
            "without invocation",
        )

    def _describe(self, index: int) -> str:
        position = self._invoke[index]
        return f"{self._functions[index]} invoked at position {position} (line {self._lines[position]})"

    def _error(self, position: int, message: str) -> HistoryError:
        return HistoryError(self._source, self._lines[position], message)

    def finish(self, keyed: Keyed = "auto", notes: Iterable[str] = ()) -> History:
        """Return the history. `keyed` says whether values are tuples of key and value (see `keys`)."""
        if keyed not in KEYED:
            raise ValueError(f"keyed is {keyed!r}, expected one of {', '.join(KEYED)}")
        remarks = list(notes)
        if self._unwraps(keyed):
            self._unwrap()
            if keyed == "auto" and not self._has_tuples:
                remarks.append("every value is a pair of key and value, so the history was read as keyed")
        elif self._has_tuples:
            self._values = [list(value) if type(value) is KeyedTuple else value for value in self._values]
            self._results = [list(value) if type(value) is KeyedTuple else value for value in self._results]
        functions: dict[str, int] = {}
        keys: dict[Any, int] = {}
        table: list[Any] = []
        key_column = array("q")
        for key in self._keys:
            token = identity(key)
            identifier = keys.setdefault(token, len(table))
            if identifier == len(table):
                table.append(key)
            key_column.append(identifier)
        return History(
            source=self._source,
            process=self._process,
            f=array("q", [functions.setdefault(name, len(functions)) for name in self._functions]),
            key=key_column,
            status=self._status,
            invoke=self._invoke,
            complete=self._complete,
            time=self._time,
            end_time=self._end_time,
            values=self._values,
            results=self._results,
            unapplied=frozenset(self._unapplied),
            errors=self._errors,
            functions=list(functions),
            keys=table,
            nemesis=tuple(self._nemesis),
            notes=tuple(remarks),
        )

    def _unwraps(self, keyed: Keyed) -> bool:
        if keyed == "no" or self._has_keys:
            return False
        if keyed == "yes" or self._has_tuples:
            return True
        results = [(index, result) for index, result in enumerate(self._results) if self._status[index] == OK]
        return all_wrapped(self._functions, self._values, results)

    def _unwrap(self) -> None:
        """Split each pair into key and value; an operation that is no pair is an error."""
        for index, value in enumerate(self._values):
            if not isinstance(value, list) or len(value) != 2:
                raise self._error(
                    self._invoke[index],
                    f"the value of {self._functions[index]} is {show(value)}, expected a pair of key "
                    "and value",
                )
            self._keys[index] = value[0]
            self._values[index] = value[1]
            if self._status[index] == OK:
                result = self._results[index]
                if not isinstance(result, list) or len(result) != 2 or not same_key(value, result):
                    raise self._error(
                        self._complete[index],
                        f"the ok of {self._functions[index]} is {show(result)}, expected a pair with "
                        f"key {show(value[0])}",
                    )
                self._results[index] = result[1]


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
