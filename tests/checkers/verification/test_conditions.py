"""Each condition of a relaxation is needed: without it, a linearizable history would be refuted."""

from __future__ import annotations

import inspect
import types

import pytest

from splitbrain.checkers.verification import dropping, exhaustion, refutation, verify, window


def one_by_one(*operations):
    """Completed operations one after the other: (f, value, result[, fields])."""
    return [
        line
        for f, value, result, *extra in operations
        for line in ((0, "invoke", f, value), (0, "ok", f, result, *extra))
    ]


UNEQUAL = {"applied": False}

CONDITIONS = {
    "the operation in `past` completed": (
        window,
        "span = task(claim, start)",
        "span = task(claim, start)._replace(complete=start.complete)",
        [
            *one_by_one(("write", 1, 1)),
            (1, "invoke", "write", 2),
            (1, "info", "write", 2),
            *one_by_one(("read", None, 1)),
        ],
        {"past": 2, "kept": [4]},
        "not known to have completed",
    ),
    "an unequal cas fixes no state": (
        window,
        '("write", "equal")',
        '("write", "equal", "unequal")',
        one_by_one(("write", 2, 2), ("cas", [1, 5], [1, 5], UNEQUAL), ("read", None, 2)),
        {"past": 2, "kept": [4]},
        "is not known",
    ),
    "an append fixes no state": (
        window,
        '("write", "equal")',
        '("write", "equal", "append")',
        one_by_one(("append", "a", "a"), ("append", "b", "b"), ("get", None, "ab")),
        {"past": 2, "kept": [4], "model": "kv"},
        "is not known",
    ),
    "what ran beside `past` is optional": (
        window,
        "one.invoke < self.past.complete",
        "False",
        [
            (0, "invoke", "write", 1),
            (1, "invoke", "write", 2),
            (0, "ok", "write", 1),
            (1, "ok", "write", 2),
            *one_by_one(("read", None, 2)),
        ],
        {"past": 1, "kept": [0, 4]},
        "must be crashed",
    ),
    "what began before `past` and ran on isn't past": (
        window,
        "one.complete < self.past.invoke",
        "one.invoke < self.past.invoke",
        [
            (0, "invoke", "write", 2),
            (1, "invoke", "write", 1),
            (1, "ok", "write", 1),
            (0, "ok", "write", 2),
            *one_by_one(("read", None, 2)),
        ],
        {"past": 1, "kept": [4]},
        "observes its value",
    ),
    "what returned while `past` ran isn't past": (
        window,
        "one.complete < self.past.invoke",
        "one.complete < self.past.complete",
        [
            (1, "invoke", "write", 1),
            (0, "invoke", "write", 2),
            (0, "ok", "write", 2),
            (1, "ok", "write", 1),
            *one_by_one(("read", None, 2)),
        ],
        {"past": 0, "kept": [4]},
        "observes its value",
    ),
    "an indeterminate operation is never past": (
        window,
        "if self.past is None or one.complete is None:",
        "if self.past and one.invoke < self.past.invoke:\n            return True\n        if not self.past:",
        [(1, "invoke", "write", 2), (1, "info", "write", 2), *one_by_one(("write", 1, 1), ("read", None, 2))],
        {"past": 2, "kept": [4]},
        "observes its value",
    ),
    "what comes after `past` isn't past": (
        window,
        "one.complete < self.past.invoke",
        "one.complete < self.past.complete + 3",
        one_by_one(("write", 1, 1), ("write", 2, 2), ("read", None, 2)),
        {"past": 0, "kept": [4]},
        "observes its value",
    ),
    "what still ran at `future` is optional": (
        window,
        "self.future is not None and one.complete > self.future",
        "False",
        [
            (0, "invoke", "read", None),
            *((1, *line[1:]) for line in one_by_one(("write", 1, 1))),
            (0, "ok", "read", 1),
        ],
        {"future": 0, "kept": [0]},
        "must be crashed",
    ),
    "what had begun by `future` isn't forgotten": (
        window,
        "one.invoke > self.future",
        "(one.complete or 99) > self.future",
        [(1, "invoke", "write", 1), *one_by_one(("read", None, 1)), (1, "ok", "write", 1)],
        {"future": 2, "kept": [1]},
        "observes its value",
    ),
    "a string that begins with a written one is carried on by appends": (
        dropping,
        "if register.grows and _is_text(own):",
        "if False:",
        one_by_one(("put", "a", "a"), ("append", "b", "b"), ("get", None, "ab")),
        {"kept": [2, 4], "model": "kv"},
        "observes its value",
    ),
    "a missing key is an empty string to an append": (
        dropping,
        "if register.grows and _is_text(own):",
        "if register.grows and isinstance(own, str):",
        one_by_one(("put", "a", "a"), ("delete", None, None), ("append", "b", "b"), ("get", None, "b")),
        {"kept": [0, 4, 6], "model": "kv"},
        "observes its value",
    ),
    "a piece in the middle is a part": (
        dropping,
        "piece in grown if register.grows else grown.endswith(piece)",
        "grown.endswith(piece)",
        one_by_one(("append", "a", "a"), ("append", "b", "b"), ("get", None, "ab")),
        {"kept": [2, 4], "model": "kv"},
        "observes its value",
    ),
    "a piece at the end is a part where no append remains": (
        dropping,
        "piece in grown if register.grows else grown.endswith(piece)",
        "piece in grown if register.grows else False",
        one_by_one(("put", "a", "a"), ("append", "b", "b"), ("get", None, "ab")),
        {"kept": [0, 4], "model": "kv"},
        "observes its value",
    ),
    "a dropped delete is a new base": (
        dropping,
        "written += ",
        "_ = ",
        one_by_one(("put", "a", "a"), ("delete", None, None), ("append", "ab", "ab"), ("get", None, "ab")),
        {"past": 0, "kept": [6], "model": "kv"},
        "observes its value",
    ),
    "a remaining delete is a new base": (
        dropping,
        "written = [step.left for _, step in steps if step.kind in OVERWRITES]",
        "written = []",
        one_by_one(("put", "a", "a"), ("delete", None, None), ("append", "ab", "ab"), ("get", None, "ab")),
        {"past": 0, "kept": [2, 6], "model": "kv"},
        "observes its value",
    ),
    "appends want strings to remain": (
        dropping,
        "[held[name], *written]",
        "[held[name]]",
        one_by_one(("put", 1, 1), ("put", "a", "a"), ("append", "b", "b")),
        {"kept": [0, 4], "model": "kv"},
        "nothing can be appended",
    ),
    "appends want a string to begin with": (
        dropping,
        "[held[name], *written]",
        "written",
        one_by_one(("put", 1, 1), ("put", "a", "a"), ("append", "b", "b")),
        {"past": 0, "kept": [4], "model": "kv"},
        "nothing can be appended",
    ),
    "an unequal cas sees what is dropped": (
        dropping,
        'if step.kind == "unequal":',
        "if False:",
        one_by_one(("write", 1, 1), ("write", 2, 2), ("cas", [1, 5], [1, 5], UNEQUAL)),
        {"past": 0, "kept": [4]},
        "compared unequal",
    ),
    "only operations that do the same take turns": (
        exhaustion,
        "latest.get(one.steps)",
        "max(latest.values(), default=None)",
        [
            (1, "invoke", "write", 1),
            (1, "info", "write", 1),
            (2, "invoke", "write", 2),
            (2, "info", "write", 2),
            *one_by_one(("read", None, 2), ("read", None, 1)),
        ],
        {"kept": [0, 2, 4, 6]},
        "have a legal order",
    ),
}
"""Each condition: module, words, words without it, a linearizable history, wrong certificate, refusal."""


@pytest.mark.parametrize("condition", CONDITIONS)
def test_a_certificate_that_breaks_a_condition_is_refused(written, refuted_by, linearizable, condition):
    *_, lines, certificate, refusal = CONDITIONS[condition]
    certificate = dict(certificate)
    history = written(*lines)
    assert linearizable(history)
    verification = verify(refuted_by(certificate.pop("kept"), **certificate), history)
    assert verification.holds is False
    assert refusal in verification.reason


@pytest.mark.parametrize("condition", CONDITIONS)
def test_without_the_condition_it_would_be_confirmed(monkeypatch, written, refuted_by, condition):
    module, old, new, lines, certificate, _ = CONDITIONS[condition]
    source = inspect.getsource(module)
    assert source.count(old) == 1, f"{module.__name__} no longer says {old!r} once"
    mutant = types.ModuleType(module.__name__)
    exec(source.replace(old, new), mutant.__dict__)
    for name in ("read_window", "check_dropped", "exhaust"):
        if name in mutant.__dict__ and inspect.getmodule(getattr(module, name)) is module:
            monkeypatch.setattr(refutation, name, mutant.__dict__[name])
    certificate = dict(certificate)
    assert verify(refuted_by(certificate.pop("kept"), **certificate), written(*lines)).holds is True
