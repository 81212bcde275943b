"""An element of a set seen as a register, so that its witness is found like that of a register.

The register holds the set of that element, or the empty set. The verifier sees it so too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from splitbrain.checkers.models.base import NOTHING, Access
from splitbrain.checkers.normalise import NONE
from splitbrain.checkers.values import freeze

if TYPE_CHECKING:
    from collections.abc import Hashable

    from splitbrain.checkers.models.base import Call, Model
    from splitbrain.checkers.normalise import Calls, Kinds


def as_register(calls: Calls, kinds: Kinds, model: Model) -> Kinds:
    """Return the kinds with what the calls about one element read and write, if the model is a set."""
    if model.discipline != "set" or not calls.kinds:
        return kinds
    values = list(kinds.values)
    numbers: dict[Hashable, int] = {}

    def number(state: Any) -> int:
        if state is NOTHING:
            return NONE
        name = freeze(state)
        if name not in numbers:
            numbers[name] = len(values)
            values.append(state)
        return numbers[name]

    flat, reads, writes = list(kinds.flat), list(kinds.reads), list(kinds.writes)
    initial = kinds.values[kinds.initial]
    for kind in set(calls.kinds):
        found = _access(kinds.calls[kind])
        flat[kind], reads[kind], writes[kind] = True, number(found.reads), number(found.writes)
    element = kinds.calls[calls.kinds[0]].value
    initial = (element,) if freeze(element) in map(freeze, initial or ()) else ()
    return kinds._replace(flat=flat, reads=reads, writes=writes, values=values, initial=number(initial))


def _access(call: Call) -> Access:
    present, absent = (call.value,), ()
    if call.f == "contains":
        return Access(reads=present if call.result[1] else absent)
    before, after = (absent, present) if call.f == "add" else (present, absent)
    if not call.known:
        return Access(writes=after)
    return Access(reads=before, writes=after) if call.result[1] else Access(reads=after)
