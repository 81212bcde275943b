"""Each condition and each side condition of the lanes is needed: without it, verdicts go wrong.

A rule is changed in the source of one module, the changed module decides small random histories, and
brute force must disagree with it (or the module fail on its own invariant) within a bounded number of
them.
"""

import inspect
import sys
import types
from functools import partial
from itertools import chain

import pytest

from splitbrain.checkers.budget import Budget
from splitbrain.checkers.lanes import (
    canonical,
    configurations,
    depth_first,
    insertion,
    necessary,
    supply,
    transitions,
    zones,
)
from splitbrain.checkers.lanes.kernel import jit, layout, run, slots, tables, trail, walk
from splitbrain.checkers.models import BUILT_IN
from splitbrain.checkers.models import kv as kv_model
from splitbrain.checkers.normalise import normalise
from splitbrain.checkers.outcome import Linearization, Undecided
from splitbrain.checkers.watch import Watch
from splitbrain.histories import build_history

MODELS = {model.name: model for model in BUILT_IN}

MUTANTS = {
    "zones: the conflict reversed": (zones, "block.earliest < last.latest", "block.earliest > last.latest"),
    "zones: no conflict between blocks": (
        zones,
        "last is not None and block.earliest < last.latest",
        "False",
    ),
    "zones: order blocks by earliest return alone": (
        zones,
        "key=lambda block: min(block.earliest, block.latest)",
        "key=lambda block: block.earliest",
    ),
    "zones: order blocks by latest invocation alone": (
        zones,
        "key=lambda block: min(block.earliest, block.latest)",
        "key=lambda block: block.latest",
    ),
    "zones: several writers of an observed value": (zones, "if value in writers:", "if False:"),
    "zones: the initial value isn't written": (zones, "writers = {kinds.initial: _NOBODY}", "writers = {}"),
    "zones: crashed writes of observed values return": (
        zones,
        "earliest, returner = returns[member], member",
        "earliest, returner = min(returns[member], invokes[member] + 1), member",
    ),
    "zones: no order inside a block": (zones, "if returns[member] < begun:", "if False:"),
    "zones: reads may come before their write": (zones, "if returns[reader] < invokes[writer]:", "if False:"),
    "zones: two cas from one value": (zones, "if source in following:", "if False:"),
    "zones: circles of cas": (zones, "if seen < len(clusters):", "if False:"),
    "zones: drop unequal cas for good": (
        zones,
        "complete = insert_observers(calls, kinds, order, aside, watch)",
        "complete = order",
    ),
    "zones: an unequal cas without a place refutes": (
        zones,
        'return Undecided("a call that compared unequal',
        'return Refutation("x", ()) or Undecided("',
    ),
    "zones: crashed cas observe nothing, even observed ones": (zones, "if crashed:", "if False:"),
    "insertion: ignore the excluded value": (insertion, "if excluded != NONE and", "if False and"),
    "insertion: ignore what began later": (
        insertion,
        "gap >= len(begun) or begun[gap] > returns[observer]",
        "gap >= len(begun)",
    ),
    "insertion: ignore what is over": (
        insertion,
        "max(floor, bisect_right(pending, invokes[observer]))",
        "floor",
    ),
    "insertion: ignore the order of observers": (insertion, "floor = max(floor,", "floor = min(floor,"),
    "necessary: the initial value counts as never written": (
        necessary,
        "if value != kinds.initial:",
        "if True:",
    ),
    "necessary: the initial value isn't there once": (necessary, "{kinds.initial: 1}", "{kinds.initial: 0}"),
    "necessary: two cas from a value with several writers": (necessary, " and writers[value] == 1", ""),
    "necessary: any other writer was too late": (
        necessary,
        "first_writer.setdefault(value, index)",
        "first_writer[value] = index",
    ),
    "configurations: any call that is legal and changes nothing now is an observer": (
        configurations,
        "if observer[kind]:",
        "if observer[kind] or self.kinds.reads[kind] < 0:",
    ),
    "configurations: unnamed values are dropped states": (
        canonical,
        "writes[kind] if writes[kind] in named else None",
        "writes[kind] if writes[kind] in named else -1",
    ),
    "configurations: only demanded when illegal": (
        supply,
        "return after_run not in (IMPOSSIBLE, alone)",
        "return alone == IMPOSSIBLE and after_run >= 0",
    ),
    "configurations: never demanded": (
        supply,
        "return after_run not in (IMPOSSIBLE, alone)",
        "return False",
    ),
    "configurations: linearize without waiting for the return": (
        configurations,
        "survivors[configuration ^ bit] = trail\n",
        "survivors[configuration] = trail\n",
    ),
    "configurations: no crashed call helps": (configurations, "        if useful:\n", "        if False:\n"),
    "configurations: what was used is forgotten where no crashed call helps": (
        configurations,
        "(self._node(after, used) if crashed else after)",
        "(self._node(after, 0) if crashed else after)",
    ),
    "supply: any other use dominates": (supply, "other & ~used == 0", "True"),
    "supply: a kind is never used up": (
        supply,
        "if taken >= self._invoked[number]:",
        "if taken >= len(members):",
    ),
    "supply: an unequal cas demands nothing": (supply, "if differs[kind] != NONE:", "if False:"),
    "supply: a crashed cas needs nothing": (supply, "if value != NONE and value not in needed:", "if False:"),
    "transitions: an access finds anything": (transitions, "kinds.reads[kind] not in (NONE, held) or ", ""),
    "transitions: an unequal cas finds anything": (transitions, " or kinds.differs[kind] == held", ""),
    "transitions: forget that a step was illegal": (transitions, "return IMPOSSIBLE", "return state"),
    "kernel: whatever is legal is parked": (walk, "if reached == state:", "if reached != NIL:"),
    "kernel: any call parks the blind ones": (
        walk,
        "if blind:\n        needed &=",
        "if True:\n        needed &=",
    ),
    "kernel: a blind call parks all others": (walk, "needed &= ~core[OPEN_BLIND]", "needed = 0"),
    "kernel: a parked call is used": (
        walk,
        "    seen = needed & core[place + NOOP]\n",
        "    seen = needed & core[place + NOOP]\n    used |= seen\n",
    ),
    "kernel: dominance ignores what is needed": (walk, "(its_needed & ~needed) | ", ""),
    "kernel: dominance ignores what is used": (walk, " | (its_used & ~used)", ""),
    "kernel: dominance ignores what is spent": (walk, " | (its_spent & ~spent)", ""),
    "kernel: drop whatever needs more": (
        walk,
        "if (needed & ~its_needed) | (used & ~its_used) | (spent & ~its_spent) == 0:",
        "if needed & ~its_needed == 0:",
    ),
    "kernel: an equal call goes first though it returns later": (
        slots,
        "if problem.returns[core[same + HOLDER]] < problem.returns[call]:",
        "if problem.returns[core[same + HOLDER]] > problem.returns[call]:",
    ),
    "kernel: any call of the kind goes first": (
        slots,
        "core[slot + FIRST] = call, kind, first",
        "core[slot + FIRST] = call, kind, core[OPEN]",
    ),
    "kernel: the slot of a call that returned still goes first": (
        slots,
        "core[slot_of(other) * SLOT + FIRST] &= ~bit",
        "core[slot_of(other) * SLOT + FIRST] |= 0",
    ),
    "kernel: a parked call returns without its last chance": (
        walk,
        "if core[OBSERVED] or used & wanted:",
        "if True:",
    ),
    "kernel: a call that was parked must be taken": (
        walk,
        "if bit == wanted or entries[base + NEEDED] & ~needed & wanted:",
        "if bit == wanted:",
    ),
    "kernel: once parked a call isn't taken": (
        walk,
        "if bit == wanted or (core[OBSERVED] and needed & wanted == 0):",
        "if bit == wanted or needed & wanted == 0:",
    ),
    "kernel: the bit of a call that returned stays": (
        walk,
        "state, needed, used & ~wanted, spent, step)",
        "state, needed, used, spent, step)",
    ),
    "kernel: survivors dominate those that wait": (walk, "place + WAITING, ", "place + KEPT, "),
    "kernel: a blind call has no purpose but calls that aren't blind": (
        walk,
        "elif blind and seen == 0:",
        "elif blind:",
    ),
    "kernel: no purpose in crashed calls": (
        walk,
        " | core[place + LEGAL_CRASHED] & ~spent:",
        ":",
    ),
    "kernel: a blind call changes nothing where its value is": (
        walk,
        "todo |= core[OPEN_BLIND]",
        "todo |= core[OPEN_BLIND] & ~core[place + NOOP]",
    ),
    "kernel: calls run from the beginning": (slots, " and problem.invokes[call] < until:", ":"),
    "kernel: a crashed call isn't used up": (walk, "crashed &= ~spent", "crashed &= -1"),
    "kernel: a cas is blind": (
        tables,
        "return BLIND if reads == NONE and differs == NONE else OTHER",
        "return BLIND",
    ),
    "kernel: an append is blind": (tables, "and row.count(row[0]) == len(row) else OTHER", "else OTHER"),
    "kernel: a value that is only excluded is unnamed": (
        tables,
        " | {differs[kind] for kind in present}\n    numbers",
        "\n    numbers",
    ),
    "kernel: an unequal cas needs no crashed call": (
        tables,
        "if any(rules[kind].differs != NONE for kind in completed):",
        "if False:",
    ),
    "kernel: a crashed cas needs no other": (tables, "pending.append(rules[kind].reads)", "pass"),
    "kernel: parked calls are written out late": (
        trail,
        "if core[problem.kinds[call] * RULE + CLASS] == BLIND:\n            order",
        "if False:\n            order",
    ),
    "depth first: a configuration is one at every return": (
        depth_first,
        "(stages.stage, node) not in self._seen",
        "node not in {seen for _, seen in self._seen}",
    ),
    "depth first: crashed calls stay when it turns back": (
        depth_first,
        "self._walk.supply.withdraw(calls.kinds[self.invoked])",
        "pass",
    ),
    "depth first: the order keeps what it turned back from": (
        depth_first,
        "del order[frame.length :]",
        "del order[len(order) :]",
    ),
    "lens: every string is hidden": (kv_model, "and self._named[place].startswith(text)", "and False"),
    "lens: every crashed append is hidden": (
        kv_model,
        "call.value if call.value in self._text else NOTHING",
        "NOTHING",
    ),
}


ORIGINALS = (
    insertion,
    transitions,
    supply,
    canonical,
    necessary,
    zones,
    configurations,
    depth_first,
    jit,
    layout,
    slots,
    walk,
    trail,
    tables,
    run,
    kv_model,
)
"""The modules of the searches, each behind those that it imports."""


@pytest.fixture(autouse=True)
def interpreted(monkeypatch):
    """Let the copies of the kernel run as they are written, since compiling each would take long."""
    monkeypatch.setenv("NUMBA_DISABLE_JIT", "1")


def _mutated(module, old, new):
    """Return copies of the searches in which one module's source is changed."""
    source = inspect.getsource(module)
    assert old in source, f"{module.__name__} no longer says {old!r}"
    copies = {}
    for original in ORIGINALS:
        text = inspect.getsource(original)
        if original is module:
            text = text.replace(old, new)
        copy = types.ModuleType(original.__name__)
        copy.__file__ = original.__file__
        held = {name: sys.modules.get(name) for name in copies}
        sys.modules.update(copies)
        sys.modules[original.__name__], before = copy, sys.modules.get(original.__name__)
        try:
            exec(compile(text, original.__file__, "exec"), copy.__dict__)
        finally:
            sys.modules[original.__name__] = before
            sys.modules.update({name: held[name] for name in held})
        copies[original.__name__] = copy
    return copies


def _goes_wrong(small, copies, lanes, seeds):
    models = {**MODELS, "kv": copies[kv_model.__name__].Kv}
    handmade = (("cas-register", lines) for lines in small.handmade)
    for name, lines in chain(handmade, map(small.draw, seeds)):
        history = build_history(lines)
        normalised = normalise(history, models[name](), None, keyed=False)
        if not normalised.keys:
            continue
        calls, kinds, truth = normalised.keys[0], normalised.kinds, None
        for decide in _deciders(copies, lanes, calls, kinds, models[name]()):
            try:
                outcome = decide()
            except (AssertionError, KeyError, IndexError, ValueError):
                return True
            if outcome is None or isinstance(outcome, Undecided):
                continue
            truth = small.brute_force(small.calls_of(history)) if truth is None else truth
            if isinstance(outcome, Linearization) != truth or not _holds(small, history, calls, outcome):
                return True
    return False


def _deciders(copies, lanes, calls, kinds, model):
    for lane in lanes:
        if lane is necessary:
            if all(kinds.flat[kind] for kind in calls.kinds):
                yield partial(copies[lane.__name__].refute, calls, kinds, Watch(Budget()))
        elif lane is zones:
            yield partial(copies[lane.__name__].decide, calls, kinds, Watch(Budget()))
        else:
            budget = Budget(configurations=50_000)
            yield partial(copies[lane.__name__].decide, calls, kinds, model, None, budget)


def _holds(small, history, calls, outcome):
    """Replay a linearization: in real-time order, legal, and with every completed call."""
    if not isinstance(outcome, Linearization):
        return True
    by_position = {call["inv"]: call for call in small.calls_of(history)}
    order = [by_position[calls.invokes[call]] for call in outcome.order]
    latest = -1
    for call in order:
        latest = max(latest, call["inv"])
        if call["ret"] is not None and call["ret"] < latest:
            return False
    complete = sum(call["known"] for call in order) == sum(call["known"] for call in by_position.values())
    return complete and small.replay(order)


LANES = {"kernel": (run,), "depth first": (depth_first,)}
"""The lanes in which a rule of that part is looked for, where not in all the others."""


def test_the_unchanged_searches_are_right_on_the_histories_that_convict_the_mutants(small):
    lanes = (necessary, zones, configurations, depth_first, run)
    assert not _goes_wrong(small, _mutated(zones, "return", "return"), lanes, range(1500))


@pytest.mark.parametrize("rule", MUTANTS)
def test_a_search_with_a_rule_broken_is_wrong_about_some_small_history(small, rule):
    lanes = LANES.get(rule.split(":")[0], (necessary, zones, configurations))
    assert _goes_wrong(small, _mutated(*MUTANTS[rule]), lanes, range(9000)), rule
