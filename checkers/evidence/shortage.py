"""The sentences on a refutation by prices: which crashed operations there would have to be more of.

No small sub-history need exist where values are few. What can be told truthfully is a sum: up to the cut
every order takes more effects of crashed operations than there were operations.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from splitbrain.checkers.outcome import Refutation

KINDS_NAMED = 12

AGAIN_AND_AGAIN = (
    "This holds even if operations that need not have taken effect did so again and again, as often as"
    " anything needed them."
)


def shortage(refutation: Refutation, short: Callable[[int], str], stuck: str) -> list[str]:
    """Say what the prices prove; `short` names what a call did, `stuck` is the call at the cut."""
    prices = refutation.prices
    if not prices:
        return [AGAIN_AND_AGAIN]
    named = Counter(short(call) for call in prices)
    listed = [f"{name} ({number})" if number > 1 else name for name, number in named.most_common(KINDS_NAMED)]
    if len(named) > KINDS_NAMED:
        listed.append(f"{len(named) - KINDS_NAMED} other kinds")
    weights = sorted(set(prices.values()))
    if len(prices) == 1:
        needed = -(-refutation.cost // weights[0])
        who = f"{listed[0]} need not have taken effect, and may have once."
        return [f"{who} In every order it is needed {needed} times before {stuck} returned."]
    who = f"These operations need not have taken effect, and each may have once: {', '.join(listed)}."
    if len(weights) == 1:
        needed = -(-refutation.cost // weights[0])
        much = f"In every order at least {needed} of them are needed before {stuck} returned."
        return [f"{who} That is {len(prices)}. {much}"]
    weighed = f"With weights of {weights[0]} to {weights[-1]} they make {sum(prices.values())} in all."
    return [f"{who} {weighed} Every order needs at least {refutation.cost} before {stuck} returned."]
