"""Each rule and condition of the lanes of data types is needed: without it, verdicts go wrong.

A rule is changed in the source of one module; on small random histories the changed lane must contradict
brute force, give an order that isn't legal, name a core that isn't refuted, or fail on its own invariant.
"""

import inspect
import sys
import types

import pytest

from splitbrain.checkers.lanes import (
    containers,
    counters,
    insertion,
    mutexes,
    priority_queues,
    queues,
    sets,
    settling,
    stacks,
    stays,
    stretches,
    unordered_queues,
)
from splitbrain.checkers.outcome import Linearization, Undecided

ORDER = (
    containers,
    stays,
    settling,
    queues,
    unordered_queues,
    stretches,
    stacks,
    priority_queues,
    sets,
    mutexes,
    insertion,
    counters,
)
LANE = {
    "set": sets,
    "fifo-queue": queues,
    "stack": stacks,
    "priority-queue": priority_queues,
    "mutex": mutexes,
    "queue": unordered_queues,
    "counter": counters,
}
SET, QUEUE, STACK, PRIORITY, MUTEX, UNORDERED, COUNTER = LANE

MUTANTS = {
    "containers: never inserted": (QUEUE, containers, "if name not in inserted:", "if False:"),
    "containers: inserted twice": (STACK, containers, "if inserted_twice:", "if False:"),
    "containers: removed twice": (QUEUE, containers, "if removals[value] != NOBODY:", "if False:"),
    "containers: removed from the future": (
        QUEUE,
        containers,
        "if returns[call] < added[value]:",
        "if False:",
    ),
    "containers: peeked after the removal": (
        QUEUE,
        containers,
        "if removal != NOBODY and returns[removal] < invokes[call]:",
        "if False:",
    ),
    "containers: crashed insertions never happened": (
        QUEUE,
        containers,
        "(returns[call] != FOREVER or name in observed)",
        "returns[call] != FOREVER",
    ),
    "containers: a removal may come before its insertion was invoked": (
        QUEUE,
        containers,
        "max(invokes[call], added[value])",
        "invokes[call]",
    ),
    "containers: what stays is gone": (STACK, containers, "last[value] = NEVER", "pass"),
    "containers: what is there at first comes in any order": (
        QUEUE,
        containers,
        "before = 2 * (place - len(initial))",
        "before = -9 - place",
    ),
    "stays: an empty gap at the end": (STACK, stays, "if gap >= calls.returns[call]:", "if False:"),
    "stays: forget the run before": (QUEUE, stays, "if run >= 0 and gap < runs[run].end:", "if False:"),
    "stays: runs don't merge": (STACK, stays, "max(runs[-1].end, stay.end)", "stay.end"),
    "settling: crashed removals are never needed": (
        QUEUE,
        settling,
        "needs.append(",
        "[].append(",
    ),
    "settling: everybody needs a crashed removal gone": (
        STACK,
        settling,
        "if nearest >= 0:",
        "if places and (nearest := -1):",
    ),
    "settling: crashed removals come before they were invoked": (
        QUEUE,
        settling,
        "if calls.invokes[crashed[left]] > soonest:",
        "if False:",
    ),
    "settling: as many crashed removals as one likes": (
        PRIORITY,
        settling,
        "if left > len(crashed):",
        "if not crashed:",
    ),
    "settling: a failed assignment refutes": (QUEUE, settling, "return Undecided(UNSETTLED)", "return steps"),
    "settling: crashed removals took nothing": (
        STACK,
        settling,
        "dict.fromkeys(missing, (NOBODY, earliest))",
        "{}",
    ),
    "settling: made-up removals are late": (
        STACK,
        settling,
        "calls.invokes[contents.crashed[0]]",
        "calls.invokes[contents.crashed[-1]]",
    ),
    "queues: enqueues in any order": (
        QUEUE,
        queues,
        "added[by_added[next_added]] < stored[v0]",
        "True",
    ),
    "queues: heads in any order": (QUEUE, queues, "last[by_last[next_last]] <= heads[v1]", "True"),
    "queues: the first head waits for itself": (
        QUEUE,
        queues,
        "if v2 == NOBODY or last[v1] <= heads[v2]:",
        "if False:",
    ),
    "queues: the first head waits for nobody": (
        QUEUE,
        queues,
        "if v2 == NOBODY or last[v1] <= heads[v2]:",
        "if True:",
    ),
    "queues: peeks are no heads": (
        QUEUE,
        queues,
        "min(returned[value], *(calls.returns[peek] for peek in peeks))",
        "returned[value]",
    ),
    "queues: empty whenever nothing is sure": (
        QUEUE,
        queues,
        "between[bisect_left(gaps, last)]",
        "between[-1]",
    ),
    "unordered queues: a value comes when its first operation has long returned": (
        UNORDERED,
        unordered_queues,
        "contents.first[value] - 1, contents.last[value]",
        "contents.first[value] + 1, contents.last[value]",
    ),
    "unordered queues: a value goes before its last operation is invoked": (
        UNORDERED,
        unordered_queues,
        "contents.first[value] - 1, contents.last[value]",
        "contents.first[value] - 1, contents.last[value] - 1",
    ),
    "unordered queues: no value comes and goes at once": (
        UNORDERED,
        unordered_queues,
        "at_once = goes <= comes",
        "at_once = False",
    ),
    "unordered queues: peeks look when their value comes": (
        UNORDERED,
        unordered_queues,
        "max(comes, calls.invokes[peek])",
        "comes",
    ),
    "unordered queues: a value goes before the last peek looks": (
        UNORDERED,
        unordered_queues,
        "LEAVES if gap == goes else LOOKS",
        "LOOKS",
    ),
    "unordered queues: who found nothing needs nobody to be gone": (
        UNORDERED,
        unordered_queues,
        "_EMPTY, NOBODY, sees=True",
        "_EMPTY, NOBODY, sees=False",
    ),
    "unordered queues: who found nothing looks as it is invoked": (
        UNORDERED,
        unordered_queues,
        "((gap, LOOKS, NOBODY, 0)",
        "((calls.invokes[call], LOOKS, NOBODY, 0)",
    ),
    "counters: any numbers are added": (COUNTER, counters, "if len(amounts) > 1:", "if False:"),
    "counters: half an addition": (COUNTER, counters, "if rest or level < 0:", "if level < 0:"),
    "counters: fewer than no additions": (COUNTER, counters, "if rest or level < 0:", "if rest:"),
    "counters: reads may go back": (COUNTER, counters, "if self._behind(read) > slot:", "if False:"),
    "counters: additions stand anywhere behind the first read": (
        COUNTER,
        counters,
        "starting[self._behind(addition) + 1]",
        "starting[0]",
    ),
    "counters: the ones that may wait longest come first": (
        COUNTER,
        counters,
        "(self._before(addition), calls.returns[addition], addition)",
        "(-self._before(addition), calls.returns[addition], addition)",
    ),
    "counters: a slot may take fewer": (
        COUNTER,
        counters,
        "if room > len(waiting) or (",
        "room = min(room, len(waiting))\n            if (",
    ),
    "counters: an addition may come after its last slot": (
        COUNTER,
        counters,
        "(waiting and waiting[0][0] < slot)",
        "False",
    ),
    "counters: crashed additions are all there": (
        COUNTER,
        counters,
        "sum(returned != FOREVER for _, returned, _ in waiting)",
        "len(waiting) if self._levels else 0",
    ),
    "counters: crashed additions come first": (
        COUNTER,
        counters,
        "calls.returns[addition], addition))",
        "-calls.returns[addition], addition))",
    ),
    "counters: additions of a slot in any order": (
        COUNTER,
        counters,
        "*sorted(additions)",
        "*sorted(additions)[::-1]",
    ),
    "stacks: values at once are left out": (STACK, stacks, "if not contents.is_made_up(value):", "if False:"),
    "stretches: pushed after others": (
        STACK,
        stretches,
        "waiting[-1][0] < stretch.first",
        "waiting[-1][0] < FOREVER",
    ),
    "stretches: popped before others": (STACK, stretches, "-bottoms[0][0] > stretch.last", "True"),
    "stretches: peeks at any time": (STACK, stretches, "if reach <= gap:", "if True:"),
    "stretches: peeks only where nothing is left": (STACK, stretches, "if gaps is None:", "if gaps:"),
    "stretches: no further hop": (STACK, stretches, "if further > reach:", "if False:"),
    "stretches: never a new stretch": (
        STACK,
        stretches,
        "while reach < self._last[taken]:",
        "while False:",
    ),
    "stretches: the part before keeps its end": (
        STACK,
        stretches,
        "stretch.end, stretch.last = place - 1, reach",
        "stretch.end = place - 1",
    ),
    "stretches: the core is a chain only": (
        STACK,
        stretches,
        "pending.extend(covering(others, start, last + 1))",
        "pass",
    ),
    "priorities: covered gaps are free": (PRIORITY, priority_queues, "if earliest > latest:", "if False:"),
    "priorities: a peek may follow the poll": (
        PRIORITY,
        priority_queues,
        "last_go is not None and go > last_go[0]",
        "False",
    ),
    "priorities: a peek doesn't hurry the insertion": (
        PRIORITY,
        priority_queues,
        "come = min(come, latest)",
        "pass",
    ),
    "priorities: a peek doesn't delay the poll": (
        PRIORITY,
        priority_queues,
        "if go != NEVER and earliest > go:",
        "if call == contents.removals[value]:",
    ),
    "priorities: polls of a gap from the smallest up": (
        PRIORITY,
        priority_queues,
        "falling = len(self._ranks) - rank",
        "falling = rank",
    ),
    "priorities: the smallest first": (
        PRIORITY,
        priority_queues,
        "in reversed(by_priority)",
        "in by_priority",
    ),
    "priorities: found empty at any time": (
        PRIORITY,
        priority_queues,
        "if gap >= calls.returns[call]:",
        "if False:",
    ),
    "priorities: the core is the value alone": (
        PRIORITY,
        priority_queues,
        "values = [*values, *covering(larger, start, end)]",
        "pass",
    ),
    "sets: no second turn": (
        SET,
        sets,
        "self._states[call] == self._present and not self._turn()",
        "False",
    ),
    "sets: observers see only what was": (
        SET,
        sets,
        "for call in self._observers[state]:",
        "for call in ():",
    ),
    "sets: the last to return turns": (
        SET,
        sets,
        "heappush(self._turners[state], (self._calls.returns[call], call))",
        "heappush(self._turners[state], (-self._calls.returns[call], call))",
    ),
    "sets: crashed calls do nothing": (SET, sets, "not call.known or (", "call.known and ("),
    "sets: absent at first": (SET, sets, "present=present)", "present=False)"),
    "mutexes: held by two": (MUTEX, mutexes, "before.end > after.start", "False"),
    "mutexes: released when it returned": (
        MUTEX,
        mutexes,
        "_Hold(calls.returns[acquire], invoked, acquire, call)",
        "_Hold(calls.returns[acquire], returned, acquire, call)",
    ),
    "mutexes: acquired when it was asked for": (
        MUTEX,
        mutexes,
        "_Hold(calls.returns[acquire], invoked, acquire, call)",
        "_Hold(calls.invokes[acquire], invoked, acquire, call)",
    ),
    "mutexes: a process that acquires twice": (MUTEX, mutexes, "elif process in acquired:", "elif False:"),
    "mutexes: what isn't released is free": (
        MUTEX,
        mutexes,
        "_Hold(calls.returns[acquire], FOREVER, acquire, _NOBODY)",
        "_Hold(calls.returns[acquire], calls.returns[acquire], acquire, _NOBODY)",
    ),
}


def _mutated(module, old, new):
    """Return copies of the lanes in which one module's source is changed."""
    source = inspect.getsource(module)
    assert old in source, f"{module.__name__} no longer says {old!r}"
    copies = {}
    for original in ORDER:
        text = inspect.getsource(original)
        if original is module:
            text = text.replace(old, new)
        copy = types.ModuleType(original.__name__)
        held = {name: sys.modules.get(name) for name in (*copies, original.__name__)}
        sys.modules.update(copies)
        sys.modules[original.__name__] = copy
        try:
            exec(compile(text, original.__file__, "exec"), copy.__dict__)
        finally:
            sys.modules.update(held)
        copies[original.__name__] = copy
    return copies


def _goes_wrong(drawn, model, lane, seeds):
    for seed in seeds:
        operations, initial = drawn.draw(model, seed)
        calls, kinds = drawn.columns(operations, model, initial)
        try:
            outcome = lane.decide(calls, kinds)
        except (AssertionError, IndexError, KeyError, TypeError, ValueError):
            return True
        if isinstance(outcome, Undecided):
            continue
        if isinstance(outcome, Linearization):
            if not drawn.legal_order(model, operations, outcome.order, initial):
                return True
            continue
        core = [operations[call] for call in sorted(set(outcome.core))]
        if drawn.linearizable(model, operations, initial) or drawn.linearizable(model, core, initial):
            return True
    return False


@pytest.mark.parametrize("model", LANE)
def test_the_unchanged_lanes_are_right_on_the_histories_that_convict_the_mutants(drawn, model):
    copies = _mutated(containers, "return", "return")
    assert not _goes_wrong(drawn, model, copies[LANE[model].__name__], range(1000))


@pytest.mark.parametrize("rule", MUTANTS)
def test_a_lane_with_a_rule_broken_is_wrong_about_some_small_history(drawn, rule):
    model, module, old, new = MUTANTS[rule]
    copies = _mutated(module, old, new)
    assert _goes_wrong(drawn, model, copies[LANE[model].__name__], range(20_000)), rule
