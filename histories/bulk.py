"""Many plain entries at once: the builder's rules in one loop without calls.

An entry is plain if it has the fields of the project's own format with the types that nearly all lines
have, and breaks no rule. The loop takes plain entries and stops before the first that isn't, right or
wrong; the builder judges that one. So there is one place that says what is wrong with a line, and this
one only has to be sure of what is right.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from splitbrain.histories.history import FAIL, INFO, NEVER, NO_TIME, OK

if TYPE_CHECKING:
    from collections.abc import Sequence

    from splitbrain.histories.draft import Draft

STATUS_OF_TYPE = {"ok": OK, "fail": FAIL, "info": INFO}


def take_plain(  # noqa: C901, PLR0912 - calls and helpers are what this loop does without
    draft: Draft, entries: Sequence[dict[str, Any]], start: int
) -> int:
    """Add the entries from `start` on to a draft, except for their lines; return where it stopped.

    The entry it stopped at, if any, has not touched the draft.
    """
    latest, functions, keys = draft.latest, draft.function_numbers, draft.keys
    plain_keys = keys.plain
    f_column, key_column, complete, status = draft.f, draft.key, draft.complete, draft.status
    values, results, end_time = draft.values, draft.results, draft.end_time
    errors, unapplied = draft.errors, draft.unapplied
    add_process, add_f, add_key = draft.process.append, f_column.append, key_column.append
    add_status, add_invoke, add_complete = status.append, draft.invoke.append, complete.append
    add_time, add_end_time = draft.time.append, end_time.append
    add_value, add_result = values.append, results.append
    count, offset = len(f_column), draft.lines.count - start
    number = start
    try:
        for number in range(start, len(entries)):
            entry = entries[number]
            process, kind, key, time = (
                entry["process"],
                entry["type"],
                entry.get("key"),
                entry.get("time", NO_TIME),
            )
            function = functions[entry["f"]]
            if (
                process.__class__ is not int
                or time.__class__ is not int
                or (key.__class__ is not str and key is not None and key.__class__ is not int)
            ):
                return number
            index = latest.get(process)
            if kind == "invoke":
                if index is None:
                    if not -(2**63) <= process < 2**63:
                        return number
                elif complete[index] == NEVER:
                    return number
                add_time(time)  # first, as it raises OverflowError for a time beyond 64 bits
                key_number = plain_keys.get(key)
                if key_number is None:
                    key_number = keys.number(key)
                add_process(process)
                add_f(function)
                add_key(key_number)
                add_value(entry.get("value"))
                add_result(None)
                add_status(INFO)
                add_invoke(offset + number)
                add_complete(NEVER)
                add_end_time(NO_TIME)
                latest[process] = count
                count += 1
            else:
                ended, applied, error = STATUS_OF_TYPE[kind], entry.get("applied", True), entry.get("error")
                if (
                    index is None
                    or complete[index] != NEVER
                    or f_column[index] != function
                    or (key is not None and plain_keys.get(key) != key_column[index])
                    or (applied is not True and applied is not False)
                ):
                    return number
                end_time[index] = time  # first, as above
                status[index] = ended
                complete[index] = offset + number
                if ended == OK:
                    results[index] = entry.get("value")
                    if not applied:
                        unapplied.add(index)
                if error is not None:
                    errors[index] = error
    except (KeyError, TypeError, OverflowError):  # a field is missing, can't be hashed, or has over 64 bits
        return number
    return len(entries)
