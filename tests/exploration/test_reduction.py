"""Delta debugging finds what a failure needs, and asks about little else."""

from dataclasses import replace

import pytest

from splitbrain.exploration.reduction import lucky, thin, thin_groups, with_luck

from .stories import LOST_WRITE


def case_of(items):
    """A case that carries a list of numbers, so that a pass over numbers has something to rebuild."""
    return replace(LOST_WRITE, settings={"items": list(items)})


def answer(steps, fails):
    """Run a pass against a predicate on (seed, items); return the last case that failed and how many ran."""
    best, tried = None, 0
    try:
        batch = next(steps)
        while True:
            found = None
            for number, case in enumerate(batch):
                tried += 1
                if fails(case.seed, case.settings["items"]):
                    found, best = number, case
                    break
            batch = steps.send(found)
    except StopIteration:
        return best, tried


def items_of(case):
    return case.settings["items"]


@pytest.mark.parametrize("needed", [set(), {0}, {63}, {31, 32}, {5, 40, 41}, set(range(0, 64, 9))])
def test_what_a_failure_needs_is_what_is_left(needed):
    best, _ = answer(thin(range(64), case_of), lambda _, items: needed <= set(items))
    assert items_of(best) == sorted(needed)


def test_a_failure_that_needs_nothing_takes_one_try():
    best, tried = answer(thin(range(1000), case_of), lambda _seed, _items: True)
    assert items_of(best) == []
    assert tried == 1


def test_few_needed_items_are_found_in_few_tries():
    _, tried = answer(thin(range(1024), case_of), lambda _, items: 700 in items)
    assert tried <= 2 * 11 + 1


def test_what_comes_last_is_taken_out_first():
    asked = []
    answer(thin(range(4), case_of), lambda _, items: bool(asked.append(list(items))) or False)
    assert asked[:3] == [[], [0, 1], [2, 3]]


def test_the_order_of_what_is_left_is_kept():
    best, _ = answer(thin([3, 1, 2, 0], case_of), lambda _, items: {3, 2, 0} <= set(items))
    assert items_of(best) == [3, 2, 0]


def test_nothing_that_fails_alone_is_lost_when_parts_depend_on_each_other():
    """7 may go only together with 8: the rest must still be a failing list at every step."""

    def fails(_, items):
        return (7 in items) == (8 in items) and 20 in items

    best, _ = answer(thin(range(32), case_of), fails)
    assert fails(0, items_of(best))
    assert 20 in items_of(best)


def test_whole_groups_go_before_single_items():
    best, tried = answer(
        thin_groups(range(100), case_of, lambda item: item % 10), lambda _, items: 34 in items and 57 in items
    )
    assert items_of(best) == [item for item in range(100) if item % 10 in (4, 7)]
    assert tried < 25


def test_one_group_is_left_alone():
    assert list(thin_groups([1, 2], case_of, lambda _: "all")) == []


def reseeded(case, number):
    return replace(case, seed=100 + number)


def test_each_case_comes_before_itself_under_other_seeds():
    seeds = [case.seed for case in lucky([case_of([1]), case_of([2])], reseeded, 2)]
    assert seeds == [0, 100, 101, 0, 100, 101]


def test_luck_lets_a_pass_go_on_from_the_part_that_it_took_out():
    """Under its own seed nothing may be missing; under seed 101 only 5 is needed."""

    def fails(seed, items):
        return items == list(range(16)) or (seed == 101 and 5 in items)

    best, _ = answer(with_luck(thin(range(16), case_of), reseeded, 3), fails)
    assert (best.seed, items_of(best)) == (101, [5])
