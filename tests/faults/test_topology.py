from itertools import combinations

import pytest

from splitbrain.faults.topology import all_links, bridge, links_of, majorities_ring, one_way, split, unserved


def names(size):
    return tuple(f"n{number}" for number in range(1, size + 1))


def sees(node, cut, nodes):
    """Return whom a node is linked with both ways, itself too."""
    return {node} | {other for other in nodes if other != node and not {(node, other), (other, node)} & cut}


@pytest.mark.parametrize("size", range(4, 12))
def test_in_a_majorities_ring_each_node_sees_a_majority_and_no_two_the_same(size):
    nodes = names(size)
    cut = majorities_ring(nodes)
    seen = [frozenset(sees(node, cut, nodes)) for node in nodes]
    assert all(len(each) > size / 2 for each in seen)
    assert len(set(seen)) == size
    assert all((b, a) in cut for a, b in cut)


@pytest.mark.parametrize("size", range(4, 12))
def test_a_majorities_ring_shows_each_node_no_more_than_symmetry_needs(size):
    nodes = names(size)
    # An even number of neighbours: one to spare at most over the smallest majority.
    assert all(len(sees(node, majorities_ring(nodes), nodes)) <= size // 2 + 2 for node in nodes)


@pytest.mark.parametrize("size", range(3, 10))
def test_a_bridge_sees_both_halves_which_do_not_see_each_other(size):
    nodes = names(size)
    cut = bridge(nodes)
    seen = {node: sees(node, cut, nodes) for node in nodes}
    (middle,) = [node for node in nodes if seen[node] == set(nodes)]
    sides = {frozenset(each - {middle}) for node, each in seen.items() if node != middle}
    assert len(sides) == 2
    assert frozenset.union(*sides) == set(nodes) - {middle}
    assert abs(len(min(sides, key=len)) - len(max(sides, key=len))) <= 1


def test_a_split_cuts_exactly_the_links_between_groups_both_ways():
    assert split([["n1"]], names(3)) == {("n1", "n2"), ("n2", "n1"), ("n1", "n3"), ("n3", "n1")}
    assert split([["n1"], ["n2"]], names(3)) == all_links(names(3))


@pytest.mark.parametrize(("direction", "end"), [("in", 1), ("out", 0)])
def test_a_one_way_cut_loses_one_direction_only(direction, end):
    nodes = names(4)
    cut = one_way(["n1", "n2"], direction, nodes)
    assert cut == {
        link for link in all_links(nodes) if link[end] in ("n1", "n2") and link[1 - end] in ("n3", "n4")
    }
    assert not {(b, a) for a, b in cut} & cut


def test_the_links_of_a_node_are_those_into_it_and_out_of_it():
    assert links_of(["n1"], names(3)) == {("n1", "n2"), ("n1", "n3"), ("n2", "n1"), ("n3", "n1")}


@pytest.mark.parametrize("size", range(2, 7))
def test_a_clean_split_costs_the_system_all_but_the_largest_group(size):
    nodes = names(size)
    for count in range(1, size):
        for group in combinations(nodes, count):
            rest = set(nodes) - set(group)
            lost = set(unserved(split([group], nodes), nodes))
            assert lost == min(set(group), rest, key=len) or len(group) == len(rest)


@pytest.mark.parametrize(
    "cut",
    [
        majorities_ring(names(5)),
        bridge(names(5)),
        one_way(["n1"], "in", names(5)),
        one_way(["n1"], "out", names(5)),
        frozenset({("n1", "n2")}),
    ],
)
def test_where_outsiders_reach_into_every_group_nobody_is_counted_on(cut):
    assert unserved(cut, names(5)) == names(5)


def test_without_a_cut_nobody_is_lost():
    assert unserved((), names(5)) == ()
