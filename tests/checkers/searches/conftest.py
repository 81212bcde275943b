"""Small random histories, and an oracle that tries every order: it shares nothing with the searches."""

import random

import pytest

WILD = object()


def _apply(state, op):  # noqa: PLR0911 - one return a kind of call
    """Return (legal, next state) of one call on one key, from the table of operations alone."""
    f, value, known = op["f"], op["value"], op["known"]
    if f in ("read", "get"):
        return (not known or op["result"] is WILD or _json(op["result"]) == _json(state)), state
    if f in ("write", "put"):
        return True, value
    if f == "delete":
        return True, None
    if f == "append":
        if state is None:
            return True, value
        return (True, state + value) if isinstance(state, str) else (False, state)
    old, new = value
    if known and not op["applied"]:
        return _json(old) != _json(state), state
    return (True, new) if _json(old) == _json(state) else (False, state)


def _json(value):
    return (type(value).__name__, repr(value))


def brute_force(ops, initial=None):
    """Decide by trying every order in real time; `ret` None is a crashed call, which is optional."""

    failed = set()

    def search(state, left):
        if all(not op["known"] for op in left):
            return True
        here = (_json(state), tuple(op["inv"] for op in left))
        if here in failed:
            return False
        horizon = min(op["ret"] for op in left if op["known"])
        for op in left:
            if op["inv"] < horizon:
                legal, after = _apply(state, op)
                if legal and search(after, [other for other in left if other is not op]):
                    return True
        failed.add(here)
        return False

    return search(initial, ops)


def replay(order, initial=None):
    """Tell whether calls in this very order are legal; crashed ones in it must take effect."""
    state = initial
    for op in order:
        legal, state = _apply(state, op)
        if not legal:
            return False
    return True


def random_lines(  # noqa: C901, PLR0912 - a whole little store, told in order
    rng, *, functions, values, operations=7, processes=3, crash=0.2, corrupt=1.5, initial=None
):
    """Return the lines of a history of one register whose calls took effect at some instant, or nearly so.

    `functions` and `values` are drawn from; values may be a callable for unique ones.
    """
    pick = values if callable(values) else lambda: rng.choice(values)
    lines, open_calls, state, started = [], {}, initial, 0
    seen = [initial]
    while started < operations or open_calls:
        process = rng.randrange(processes)
        call = open_calls.get(process)
        if call is None:
            if started == operations:
                continue
            started += 1
            f = rng.choice(functions)
            value = None
            if f in ("write", "put"):
                value = pick()
                seen.append(value)
            elif f == "append":
                value = str(pick())
            elif f == "cas":
                value = [rng.choice(seen) if rng.random() < 0.8 else state, pick()]
                seen.append(value[1])
            open_calls[process] = {"f": f, "value": value, "done": False}
            lines.append({"process": process, "type": "invoke", "f": f, "value": value})
            continue
        if not call["done"]:
            if rng.random() < 0.7:
                call["done"] = True
                call["result"], call["applied"] = call["value"], True
                if call["f"] in ("read", "get"):
                    call["result"] = state
                elif call["f"] == "cas":
                    call["applied"] = _json(call["value"][0]) == _json(state)
                if call["applied"]:
                    legal, after = _apply(state, {**call, "known": False})
                    call["broken"] = not legal
                    state = after if legal else state
                continue
            if rng.random() >= crash:
                continue
            del open_calls[process]
            lines.append({"process": process, "type": "info", "f": call["f"], "value": call["value"]})
            continue
        del open_calls[process]
        kind = "ok"
        if rng.random() < crash or call.get("broken"):
            kind = "info"
        line = {"process": process, "type": kind, "f": call["f"], "value": call["result"]}
        if kind == "ok" and call["f"] == "cas" and not call["applied"]:
            line["applied"] = False
        if kind == "ok" and rng.random() < corrupt / operations:
            if call["f"] in ("read", "get"):
                line["value"] = rng.choice(seen)
            elif call["f"] == "cas":
                line["applied"] = not call["applied"]
        lines.append(line)
    return lines


def starved_lines(rng, *, begun=None):
    """Return the lines of a history whose reads are fed mostly by crashed calls, of which there are few."""
    values = rng.choice(((1, 2), (1, 2, 3)))
    lines, running, clients = [], {}, rng.choice((1, 2, 3))
    left = begun or rng.randrange(4, 9)

    def crash():
        crashed = sum(line["process"] >= 100 for line in lines)
        f = rng.choice(("write", "write", "cas"))
        value = rng.choice(values) if f == "write" else rng.sample((*values, None), 2)
        lines.append({"process": 100 + crashed, "type": "invoke", "f": f, "value": value})

    for _ in range(rng.randrange(2, 6)):
        crash()
    while left or running:
        if rng.random() < 0.12:
            crash()
        process = rng.randrange(clients)
        if process in running:
            f, value = running.pop(process)
            result = rng.choice(values) if f == "read" else value
            lines.append({"process": process, "type": "ok", "f": f, "value": result})
            if f == "cas" and rng.random() < 0.3:
                lines[-1]["applied"] = False
        elif left:
            left -= 1
            f = rng.choice(("read", "read", "read", "read", "write", "cas"))
            value = {"read": None, "write": rng.choice(values)}.get(f, rng.sample((*values, None), 2))
            running[process] = (f, value)
            lines.append({"process": process, "type": "invoke", "f": f, "value": value})
    return lines


def calls_of(history):
    """Return the operations of a history as the oracle takes them; fails are left out."""
    return [
        {
            "f": op.f,
            "value": op.value,
            "result": op.result,
            "known": op.status == "ok",
            "applied": op.applied,
            "inv": op.invoke,
            "ret": op.complete if op.status == "ok" else None,
        }
        for op in history
        if op.status != "fail"
    ]


def is_linearization(history, calls, order):
    """Tell whether an order of a key's calls is legal, keeps to real time and holds whatever completed."""
    by_position = {call["inv"]: call for call in calls_of(history)}
    placed = [by_position[calls.invokes[call]] for call in order]
    latest = -1
    for call in placed:
        latest = max(latest, call["inv"])
        if call["ret"] is not None and call["ret"] < latest:
            return False
    completed = sum(call["known"] for call in by_position.values())
    return sum(call["known"] for call in placed) == completed and replay(placed)


def sequence(*calls):
    """Return lines of calls one after the other, each (f, value) or (f, value, type or applied)."""
    lines = []
    for process, (f, value, *how) in enumerate(calls):
        kind = how[0] if how and isinstance(how[0], str) else "ok"
        asked = None if f == "read" else value
        lines.append({"process": process, "type": "invoke", "f": f, "value": asked})
        if kind != "crash":
            lines.append({"process": process, "type": kind, "f": f, "value": value})
        if how and how[0] is False:
            lines[-1]["applied"] = False
    return lines


HANDMADE = (
    # One crashed write explains one of the two reads; its twin began too late for the other.
    sequence(("write", 1, "crash"), ("read", 1), ("write", 2), ("read", 1), ("write", 1, "crash")),
    # The unequal cas needs some crashed write, and the read behind the next write needs the other one.
    sequence(
        ("write", 1, "crash"), ("write", 2, "crash"), ("cas", [None, 7], False), ("write", 3), ("read", 1)
    ),
    sequence(
        ("write", 1, "crash"), ("write", 2, "crash"), ("cas", [None, 7], False), ("write", 3), ("read", 2)
    ),
)
"""Histories of a cas-register that random ones rarely resemble, one reason each."""


class Small:
    """What the tests of the searches draw and compare with."""

    brute_force = staticmethod(brute_force)
    replay = staticmethod(replay)
    sequence = staticmethod(sequence)
    handmade = HANDMADE
    random_lines = staticmethod(random_lines)
    starved_lines = staticmethod(starved_lines)
    calls_of = staticmethod(calls_of)
    is_linearization = staticmethod(is_linearization)
    wild = WILD

    PROFILES = (
        ("cas-register", {"functions": ("read", "write", "cas"), "values": (1, 2)}),
        ("cas-register", {"functions": ("read", "read", "write", "cas"), "values": (1, 2, 3), "crash": 0.4}),
        ("cas-register", {"functions": ("read", "write", "cas"), "values": "unique", "crash": 0.3}),
        ("cas-register", {"functions": ("read", "cas"), "values": "unique", "corrupt": 3}),
        ("register", {"functions": ("read", "read", "write"), "values": "unique", "corrupt": 3}),
        ("kv", {"functions": ("get", "put", "cas", "delete"), "values": (1, 2)}),
        ("kv", {"functions": ("get", "get", "put", "cas", "delete"), "values": "unique"}),
        ("kv", {"functions": ("get", "append", "put"), "values": ("a", "b", "ab"), "crash": 0.3}),
        ("kv", {"functions": ("get", "append", "delete", "cas"), "values": ("a", "b"), "crash": 0.3}),
        ("cas-register", {"functions": ("read", "read", "write", "cas"), "values": (1, 2), "crash": 0.75}),
    )

    @classmethod
    def draw(cls, seed):
        """Return (model name, lines) of the random history with that seed."""
        rng = random.Random(seed)
        model, profile = cls.PROFILES[seed % len(cls.PROFILES)]
        profile = dict(profile)
        if profile["values"] == "unique":
            counter = iter(range(1, 1000))
            profile["values"] = lambda: next(counter)
        profile.setdefault("processes", rng.choice((2, 3, 4)))
        return model, random_lines(rng, operations=rng.randrange(2, 8), **profile)


@pytest.fixture(scope="session")
def small():
    return Small
