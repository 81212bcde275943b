"""A refuted sub-history: what was kept of the whole, and what contradicts itself in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from splitbrain.checkers.evidence.window import Window
    from splitbrain.checkers.normalise import Calls, Kinds
    from splitbrain.checkers.outcome import Cut, Refutation


class Witness(NamedTuple):
    """A refuted sub-history: `kept` and `crashed` (made optional) calls, as indices within the key.

    `members` are the two together, `calls` the members in columns (of `kinds`), and `refutation` speaks
    about those, seen through `window`. If the window has a start, that follows in `calls` behind the members,
    and behind it the last earlier call that left what the refuted one observed, if the window shows nobody
    who did. `furthest` says how far an order of the members came, where a search has told. If there are
    `keys`, it is about these keys of transactions (`lanes/single_key.py`), and if there are `elements` about
    these of a set or list (`few_elements`): its kinds show no others.
    """

    kept: Sequence[int]
    crashed: Sequence[int]
    members: Sequence[int]
    window: Window
    calls: Calls
    kinds: Kinds
    refutation: Refutation
    lane: str
    explored: int
    furthest: Cut | None = None
    keys: Sequence[Any] | None = None
    elements: Sequence[Any] | None = None


def with_crashed(kinds: Kinds) -> Kinds:
    """Return the kinds twice: as they are, and behind them each as it would be had the call crashed."""
    crashed = [call._replace(result=None, known=False, applied=True) for call in kinds.calls]
    return kinds._replace(
        calls=[*kinds.calls, *crashed],
        observer=[*kinds.observer, *kinds.observer],
        flat=[*kinds.flat, *kinds.flat],
        reads=[*kinds.reads, *kinds.reads],
        writes=[*kinds.writes, *kinds.writes],
        differs=[*kinds.differs, *kinds.differs],
    )
