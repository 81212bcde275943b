from __future__ import annotations

from splitbrain.backend import CLIENTS
from splitbrain.checkers.liveness import Calm
from splitbrain.faults.record import FaultRecord
from splitbrain.runner.calm import Reach, calm_spans, membership_changes

SECOND = 1_000_000_000
NODES = ("n1", "n2", "n3")
BOTH = [("n1", "n2"), ("n2", "n1")]


def spans(*reaches, ended=20, least=5, availability="majority", one_sided=True, **options):
    changes = [Reach(time * SECOND, *parts) for time, *parts in reaches]
    found = calm_spans(
        changes,
        NODES,
        ended * SECOND,
        least=least * SECOND,
        availability=availability,
        one_sided=one_sided,
        **options,
    )
    return [(each.start // SECOND, each.end // SECOND, each.nodes) for each in found]


def test_an_undisturbed_cluster_is_calm_all_along():
    assert spans((0, [], [])) == [(0, 20, ("n1", "n2"))]


def test_a_short_calm_is_no_calm():
    assert spans((0, [], []), ended=4) == []


def test_a_majority_is_calm_while_the_minority_is_down():
    assert spans((0, ["n3"], []), (8, ["n1", "n2"], []), (10, [], [])) == [
        (0, 8, ("n1", "n2")),
        (10, 20, ("n1", "n2")),
    ]


def test_without_a_majority_that_is_whole_nobody_is_calm():
    assert spans((0, ["n1", "n2"], [])) == []
    cut_off = [*BOTH, ("n1", "n3"), ("n2", "n3")]
    assert spans((0, [], cut_off)) == []


def test_a_one_way_cut_within_the_group_ends_its_calm():
    assert spans((0, ["n3"], [("n1", "n2")])) == []


def test_clients_that_do_not_reach_a_node_are_an_excuse():
    assert spans((0, ["n3"], [(CLIENTS, "n1")])) == []
    assert spans((0, ["n3"], [("n2", CLIENTS)])) == []


def test_an_outsider_that_still_reaches_in_is_an_excuse_only_without_a_claim_to_bear_it():
    deaf = [("n1", "n3"), ("n2", "n3")]
    assert spans((0, [], deaf)) == [(0, 20, ("n1", "n2"))]
    assert spans((0, [], deaf), one_sided=False) == []
    cut_off = [*deaf, ("n3", "n1"), ("n3", "n2")]
    assert spans((0, [], cut_off), one_sided=False) == [(0, 20, ("n1", "n2"))]


def test_an_outsider_that_is_heard_late_is_an_excuse_for_any_system():
    slow = [("n1", "n3"), ("n3", "n1")]
    assert spans((0, [], slow, slow)) == []
    assert spans((0, ["n3"], slow, slow)) == [(0, 20, ("n1", "n2"))]
    assert spans((0, [], slow, [])) == [(0, 20, ("n1", "n2"))]


def test_all_nodes_are_needed_where_availability_needs_all():
    assert spans((0, ["n3"], []), availability="all") == []
    assert spans((0, ["n1", "n2"], []), availability="any") == [(0, 20, ("n3",))]


def test_a_change_of_membership_is_no_calm():
    record = FaultRecord("m", "membership", began=6 * SECOND, cleared=9 * SECOND)
    other = FaultRecord("k", "kill", began=1, cleared=2)
    holes = membership_changes([record, other], 20 * SECOND)
    assert holes == [(0, 9 * SECOND)]
    assert spans((0, [], []), membership=holes) == [(9, 20, ("n1", "n2"))]


def test_a_change_of_membership_that_nobody_confirmed_may_have_happened():
    record = FaultRecord("m", "membership")
    assert membership_changes([record], 20 * SECOND) == [(0, 20 * SECOND)]
    between = [(6 * SECOND, 9 * SECOND)]
    assert spans((0, [], []), membership=between) == [(0, 6, ("n1", "n2")), (9, 20, ("n1", "n2"))]


def test_a_span_tells_its_nodes():
    (span,) = calm_spans([Reach(0, (), ())], ("n1",), 10, least=1, availability="majority", one_sided=False)
    assert span == Calm(0, 10, ("n1",))
