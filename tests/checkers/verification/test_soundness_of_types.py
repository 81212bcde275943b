"""Every certificate that the verifier accepts about any data type is true.

As in `test_soundness`, every choice of kept, crashed and dropped operations of small random histories is
tried, with and without a past and a future that are forgotten, and compared with an oracle.
"""

import random
from itertools import product

import pytest
from sequential_types import TYPES
from small_histories import calls_of, drawn, filled, linearizable, lines_of

from splitbrain.checkers.models import BUILT_IN
from splitbrain.checkers.portfolio import check_linearizable
from splitbrain.checkers.verification import verify
from splitbrain.checkers.verification.sequential import MODELS as TWINS
from splitbrain.histories import build_history

MODELS = {model.name: model for model in BUILT_IN}
FEW = 4
HISTORIES = 10
REFUTED = 2


def small_histories(name):
    """Yield histories of a few calls of a type, with the oracle's verdict."""
    seed = found = refuted = 0
    while found < HISTORIES or refuted < REFUTED:
        seed += 1
        lines = lines_of(TYPES[name], drawn(f"{name} {seed}")[:14], reuse=bool(seed % 2))
        history = build_history(lines, keyed="no")
        calls = calls_of(history)
        if 2 <= len(calls) <= FEW and any(call.known for call in calls):
            truth = linearizable(TYPES[name], calls)
            found += 1
            refuted += not truth
            if found <= HISTORIES or not truth:
                yield seed, history, truth


def certificate(data_type, **changes):
    return {
        "kind": "refutation",
        "model": data_type.model,
        "initial": data_type.options.get("initial"),
        "nil_reads": "exact",
        "failed_cas": "ignored",
        "keyed": False,
        "key": None,
        "explored": 1,
    } | changes


@pytest.mark.parametrize("name", TYPES)
def test_no_refutation_of_a_linearizable_history_is_accepted(name):
    accepted = 0
    for seed, history, truth in small_histories(name):
        positions = [each.invoke for each in history if each.status != "fail"]
        ends = range(len(history) * 2)
        windows = [(None, None), (None, ends[seed % len(ends)])]
        windows += [(past, None) for past in positions] if truth else []
        for past, future in windows:
            for choice in product(("kept", "crashed", None), repeat=len(positions)):
                entries = [
                    {"position": position, "as": how}
                    for position, how in zip(positions, choice, strict=True)
                    if how
                ]
                claim = certificate(TYPES[name], operations=entries, past=past, future=future)
                verification = verify(claim, history)
                assert verification.holds in (True, False)
                assert not (verification.holds and truth), (seed, claim, verification.reason)
                accepted += verification.holds
    assert accepted > 0


@pytest.mark.parametrize("name", TYPES)
def test_the_whole_history_is_refuted_exactly_if_it_has_no_order(name):
    for seed, history, truth in small_histories(name):
        entries = [{"position": each.invoke, "as": "kept"} for each in history if each.status != "fail"]
        whole = certificate(TYPES[name], operations=entries)
        assert verify(whole, history).holds is not truth, seed


JSON = (None, True, 0, 1, -1, 2.5, "", "a", [], [1], [1, True], [["r", "x", None]], {}, {"a": 1}, {"a": "b"})
FUNCTIONS = sorted({f for each in TYPES.values() for f, _ in each.operations})


@pytest.mark.parametrize("model", TWINS)
def test_whatever_a_history_or_a_certificate_holds_is_answered_with_a_sentence(model):
    """Neither the checker nor the verifier ends in a traceback."""
    rng = random.Random(model)
    operations = next(each for each in TYPES.values() if each.model == model).operations
    own = [(f, filled(value, iter([7, 8]))) for f, value in operations]
    for _ in range(400):
        f = rng.choice(FUNCTIONS) if rng.random() < 0.2 else rng.choice(own)[0]
        value = rng.choice([rng.choice(JSON), rng.choice(own)[1]])
        result = rng.choice([value, rng.choice(JSON), [value, True]])
        line = {"process": 0, "f": f}
        applied = {"applied": False} if rng.random() < 0.1 else {}
        history = build_history(
            [
                {**line, "type": "invoke", "value": value},
                {**line, "type": rng.choice(("ok", "ok", "info")), "value": result, **applied},
            ],
            keyed="no",
        )
        initial = rng.choice((None, rng.choice(JSON)))
        options = {"nil_reads": rng.choice(("exact", "any")), "initial": initial}
        base = certificate(TYPES["register"], **options, model=model)
        base["initial"] = initial
        for claim in (
            {**base, "operations": [{"position": 0, "as": rng.choice(("kept", "crashed"))}]},
            {**base, "kind": "linearizations", "keys": [{"key": None, "order": [0]}]},
        ):
            assert verify(claim, history).holds in (True, False)
        try:
            proof = check_linearizable(history, MODELS[model], keyed="no", **options).certificate
        except Exception as error:  # noqa: BLE001 - only one kind of exception is allowed, by name
            assert type(error).__name__ == "ModelMismatch", (history[0], options, error)  # noqa: PT017
            continue
        if proof is not None:
            assert verify(proof, history).holds is True, (history[0], proof)
