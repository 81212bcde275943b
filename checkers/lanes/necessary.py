"""Cheap necessary conditions for a register, in one pass: most real bugs stop here.

Each holds whatever values repeat and whoever crashed, so breaking one refutes the history, with a
contradiction of two or three calls:

- *never-written*: a completed call read (or compared equal with) a value that is not the initial one and
  that no call writes. Only a write puts a value into a register.
- *read-from-the-future*: it returned before every call that writes the value was invoked. A
  linearization respects real time, so all of those come after the read.
- *two-cas*: two completed calls each replaced the value v, and v was there at most once: it has a single
  writer of any status, or it is the initial value and has none. (A cas from v to v is itself a writer of
  v, so both replaced it by something else.) After the first of them v is gone for good.

The conditions speak about accesses, so the caller passes only keys whose calls are all `flat`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from splitbrain.checkers.normalise import FOREVER, NONE
from splitbrain.checkers.outcome import Refutation

if TYPE_CHECKING:
    from splitbrain.checkers.normalise import Calls, Kinds
    from splitbrain.checkers.watch import Watch


def refute(calls: Calls, kinds: Kinds, watch: Watch) -> Refutation | None:
    """Return the first broken necessary condition in the order of invocations, or None.

    Raises:
        BudgetExceeded: the time or the memory is spent.
    """
    reads, writes = kinds.reads, kinds.writes
    first_writer: dict[int, int] = {}
    writers: dict[int, int] = {kinds.initial: 1}
    for index, kind in enumerate(watch.over(calls.kinds, "looked for the writers")):
        value = writes[kind]
        if value != NONE:
            first_writer.setdefault(value, index)
            writers[value] = writers.get(value, 0) + 1
    replaced_by: dict[int, int] = {}
    rows = zip(watch.over(calls.kinds, "looked at what was read"), calls.returns, strict=True)
    for index, (kind, returned) in enumerate(rows):
        value = reads[kind]
        if value == NONE or returned == FOREVER:
            continue
        if value != kinds.initial:
            writer = first_writer.get(value)
            if writer is None:
                return Refutation("never-written", (index,))
            if returned < calls.invokes[writer]:
                return Refutation("read-from-the-future", (index, writer))
        if writes[kind] != NONE and writers[value] == 1:
            other = replaced_by.setdefault(value, index)
            if other != index:
                writer = first_writer.get(value)
                return Refutation("two-cas", (other, index) if writer is None else (writer, other, index))
    return None
