"""Small histories of any data type, and an oracle that tries every order of them.

A history is made from *events*, each three small numbers: which client, what it does next, and a choice. So
events can come from Hypothesis, which shrinks them, or from a seeded generator, which is fast. A client
begins a call, has it take effect, and then its answer arrives, or gets lost, or lies. All are interpreted
against a real object, so that most histories are valid, or nearly so.
"""

import random
from typing import Any, NamedTuple

from hypothesis import strategies as st
from sequential_types import FRESH

CLIENTS = 3
MOST = 8
"""Calls in one history."""
NEVER = 1 << 62
RETURN, EFFECT, LIE, CRASH, FAIL = range(5)
WEIGHTS = (RETURN,) * 12 + (EFFECT,) * 4 + (LIE,) * 2 + (CRASH,) * 3 + (FAIL,)


class Call(NamedTuple):
    """One operation as the oracle sees it; fails are none."""

    f: str
    value: Any
    result: Any
    known: bool
    applied: bool
    process: int
    invoked: int
    returned: int


events = st.lists(
    st.tuples(st.integers(0, CLIENTS - 1), st.integers(RETURN, FAIL), st.integers(0, 19)), max_size=3 * MOST
)
"""Events for `lines_of`."""


def drawn(seed):
    """Return the events of a seed."""
    rng = random.Random(seed)
    size = rng.randrange(4, 3 * MOST)
    return [(rng.randrange(CLIENTS), rng.choice(WEIGHTS), rng.randrange(20)) for _ in range(size)]


def lines_of(data_type, events, *, reuse):
    """Return the lines of the history that the events make; `reuse`: a process goes on after an info."""
    lines, running, state, begun = [], {}, data_type.initial, 0
    process, turns = list(range(CLIENTS)), [0] * CLIENTS
    fresh = iter(range(1, 100))
    for client, action, choice in events:
        call = running.get(client)
        if call is None:
            if begun < MOST:
                begun += 1
                f, value = data_type.operation(choice, turns[client])
                turns[client] += 1
                value = filled(value, fresh)
                running[client] = {"f": f, "value": value, "effect": None}
                lines.append({"process": process[client], "type": "invoke", "f": f, "value": value})
            continue
        f, value = call["f"], call["value"]
        if action in (EFFECT, RETURN) and call["effect"] is None:
            outcomes = data_type.outcomes(state, f, value, process[client])
            if outcomes:
                call["effect"] = outcomes[choice % len(outcomes)]
                state = call["effect"].state
        line = {"process": process[client], "f": f, "value": value}
        if action == CRASH:
            lines.append({**line, "type": "info"})
            process[client] += 0 if reuse else CLIENTS
            turns[client] *= reuse
        elif action == FAIL and call["effect"] is None:
            lines.append({**line, "type": "fail"})
        elif action == LIE:
            lies = data_type.lies(f, value)
            result, applied = lies[choice % len(lies)]
            lines.append({**line, "type": "ok", "value": result, **_applied(applied)})
        elif action == RETURN and call["effect"] is not None:
            result, _, applied = call["effect"]
            lines.append({**line, "type": "ok", "value": result, **_applied(applied)})
        else:
            continue
        del running[client]
    return lines


def filled(value, fresh):
    """Return a value with a number of its own wherever it wants one."""
    if value is FRESH:
        return next(fresh)
    return [filled(each, fresh) for each in value] if isinstance(value, list) else value


def _applied(applied):
    return {} if applied else {"applied": False}


def calls_of(history):
    """Return the calls of a history, without those that failed."""
    return [
        Call(
            each.f,
            each.value,
            each.result,
            each.status == "ok",
            each.applied,
            each.process,
            each.invoke,
            each.complete if each.status == "ok" else NEVER,
        )
        for each in history
        if each.status != "fail"
    ]


def linearizable(data_type, calls):
    """Decide by trying every order, from every state in which the history may begin."""
    return any(_explained(data_type, calls, start) for start in data_type.beginnings(calls))


def _explained(data_type, calls, start):
    everyone = (1 << len(calls)) - 1
    required = sum(1 << number for number, call in enumerate(calls) if call.known)
    before = [
        sum(
            1 << other
            for other, earlier in enumerate(calls)
            if earlier.known and earlier.returned < call.invoked
        )
        for call in calls
    ]
    seen = {(0, start)}
    waiting = [(0, start)]
    while waiting:
        placed, state = waiting.pop()
        if placed & required == required:
            return True
        for number, call in enumerate(calls):
            bit = 1 << number
            if (everyone ^ placed) & bit and before[number] & ~placed == 0:
                for outcome in data_type.outcomes(state, call.f, call.value, call.process):
                    after = (placed | bit, outcome.state)
                    if after not in seen and _fits(data_type, call, outcome):
                        seen.add(after)
                        waiting.append(after)
    return False


def _fits(data_type, call, outcome):
    if not call.known:
        return True
    return outcome.applied is call.applied and data_type.matches(call.result, outcome)


def shrunk(events, disagrees):
    """Return fewer events that still disagree: one after the other is left out while it does."""
    smaller = True
    while smaller:
        candidates = (events[:place] + events[place + 1 :] for place in range(len(events)))
        smaller = next((each for each in candidates if disagrees(each)), None)
        events = smaller or events
    return events
