"""Which certificates may look at some elements, or at some keys only, and what is left of a step then.

The proofs stand with the models: `gathering` for sets that grow, `transactions` for keys and for lists.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from splitbrain.checkers.verification import growing, transactions
from splitbrain.checkers.verification.values import identity, show
from splitbrain.checkers.verification.verification import RejectedError

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping

    from splitbrain.checkers.verification.steps import Step


class Looking(NamedTuple):
    """What a step says, and a register holds, of some elements alone; None: the step says nothing."""

    step: Callable[[Step, frozenset[Hashable]], Step | None]
    held: Callable[[Hashable, frozenset[Hashable]], Hashable]


OF_ELEMENTS: Mapping[str, Looking] = {
    **dict.fromkeys(growing.NAMES, Looking(growing.looked_at, growing.held_of)),
    "list-append": Looking(transactions.looked_at, transactions.held_of),
}
"""The models of which some elements may be looked at."""


def read_elements(certificate: Mapping[str, Any], model: str) -> frozenset[Hashable] | None:
    """Read the elements that a certificate looks at; None if at all.

    Raises:
        RejectedError: they are no list, or the model does not allow it.
    """
    return _read(certificate, "elements", model, OF_ELEMENTS)


def read_keys(certificate: Mapping[str, Any], model: str) -> frozenset[Hashable] | None:
    """Read the keys that a certificate looks at; None if at all.

    Raises:
        RejectedError: they are no list, or the model does not allow it.
    """
    return _read(certificate, "keys", model, transactions.MODELS)


def _read(
    certificate: Mapping[str, Any], name: str, model: str, allowed: Mapping[str, Any]
) -> frozenset[Hashable] | None:
    named = certificate.get(name)
    if named is None:
        return None
    if model not in allowed:
        raise RejectedError(
            f"The certificate looks at some {name} only, which the model {model} does not allow."
        )
    if not isinstance(named, list):
        raise RejectedError(f"The certificate's `{name}` must be a list, not {show(named)}.")
    return frozenset(map(identity, named))
