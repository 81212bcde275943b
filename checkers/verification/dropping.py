"""May an operation be dropped from a history that is to be refuted?

Dropping is sound if it turns a linearizable history into a linearizable one. Let L be a legal order of all
operations before, and R' the same without the dropped ones, and without operations of unknown outcome
that did nothing in L. R' is legal too:

*An observer goes*: a completed operation that changes no state in which its recorded result is legal: a
read, an unequal cas, an applied cas from v to v. L has the same state before and after it, so L without
it is legal. A write that finds its own value is none: `write 1, write 2, write 1, read 1`, one after
the other, needs its third write, and so it may where the third *might* find 1.

*A value goes*: a mutator, of any status, may go if no unequal cas remains on its register and no remaining
operation observes a value in which the mutator may have a part. To observe v is to read it, or to be a cas
from v (applied or of unknown outcome). A dropped mutator has a part in what the register can hold after
it, before another mutator is dropped and before a remaining write, delete or cas takes effect:

- a write (cas, delete) of v: in v; if appends remain, also in every string that begins with v, where null
  counts as the empty one;
- an append of s: in every string that ends in s, or, if appends remain, contains s, behind its *base*. What
  is appended to was first either in the register from the start or written by an operation, remaining or
  dropped; the base is the shortest such string with which the whole begins. If there is none, appends
  can't lead to it.

Call the register *tainted* in L from a dropped mutator to the next remaining write, delete or cas that
wrote. What it holds then is something in which the last dropped mutator has a part. No remaining read finds
that, nor does a cas that applies, for they find what they observe. So they stand where the register is not
tainted, and there R' has the same value as L: by induction, as every taint ends with an overwrite. Writes and
deletes are legal anywhere. Appends that stand in a taint are legal if R' holds a string or null there,
as it does if it begins with one and no remaining operation writes anything else. With several registers
this holds for each. Where a condition is missing, it fails:

- *v is observed*: `write 1, read 1` without its write is illegal. A crashed write is no different: that
  it never returned does not mean that it never happened.
- *an unequal cas remains*: in `write 1, write 2, cas [1, 5] not applied` nobody reads 2, but without
  `write 2` the cas finds 1 and had to apply.
- *an append remains*: in `put "a", append "b", get "ab"` nobody observes "a", but the append carries it
  on: "ab" begins with it. In `append "a", append "b", get "ab"` the first append's string is in it.
- *something else than strings remains*: `put 1, put "a", append "b"` needs its second put, though nobody
  reads, for nothing can be appended to 1.
- *a base is forgotten*: after `put "a"` only an append of "b" leads to "ab"; after a delete, dropped or
  not, one of "a" as well.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from splitbrain.checkers.verification.claim import describe
from splitbrain.checkers.verification.elements import moves_values
from splitbrain.checkers.verification.gathering import check_adds_dropped, gathers
from splitbrain.checkers.verification.sequential import OVERWRITES, observes_only
from splitbrain.checkers.verification.verification import RejectedError

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Mapping, Sequence

    from splitbrain.checkers.verification.claim import Claim
    from splitbrain.checkers.verification.steps import Step
    from splitbrain.histories.operation import Operation

MUTATES = (*OVERWRITES, "append")
OBSERVES = ("read", "equal", "attempt")


class Remaining(NamedTuple):
    """An operation of the sub-history, and the steps it has there."""

    operation: Operation
    crashed: bool
    steps: tuple[Step, ...]


class Register(NamedTuple):
    """What matters of one register: who remains there, whether it grows by appends, and from what.

    `bases` are the strings that it may hold before something is appended, the shortest first.
    """

    steps: Sequence[tuple[Operation, Step]]
    grows: bool
    bases: Sequence[str]


def check_dropped(
    claim: Claim,
    dropped: Iterable[Operation],
    remaining: Sequence[Remaining],
    held: Mapping[Hashable, Hashable],
) -> None:
    """Check that all these operations may be dropped together, and only the remaining ones kept.

    `held` is what the registers hold at first.

    Raises:
        RejectedError: no rule allows that one of them is dropped.
    """
    mutators = [
        (operation, step)
        for operation in dropped
        for step in claim.steps(operation)
        if not observes_only(step) and not moves_values(step)
    ]
    kept = [(each.operation, step) for each in remaining for step in each.steps]
    check_adds_dropped([each for each in mutators if gathers(each[1])], kept, held)
    registers: dict[Hashable, Register] = {}
    for operation, step in mutators:
        if gathers(step):
            continue
        name = step.register
        if name not in registers:
            registers[name] = _register(name, kept, (left for _, left in mutators), held)
        _check_mutator(operation, step, registers[name])


def _register(
    name: Hashable,
    kept: Iterable[tuple[Operation, Step]],
    dropped: Iterable[Step],
    held: Mapping[Hashable, Hashable],
) -> Register:
    """Gather what matters of a register.

    Raises:
        RejectedError: appends remain that may meet something to which nothing can be appended.
    """
    steps = [(operation, step) for operation, step in kept if step.register == name]
    written = [step.left for _, step in steps if step.kind in OVERWRITES]
    grower = next((operation for operation, step in steps if step.kind == "append"), None)
    if grower is not None and not all(map(_is_text, [held[name], *written])):
        raise RejectedError(
            f"The certificate drops operations beside {describe(grower)}, an append, and keeps a value to"
            " which nothing can be appended."
        )
    written += [step.left for step in dropped if step.register == name and step.kind in OVERWRITES]
    first = held.get(name)  # without an entry nothing remains on the register
    bases = {"" if value is None else str(value) for value in (first, *written) if _is_text(value)}
    return Register(steps, grower is not None, sorted(bases, key=len))


def _check_mutator(operation: Operation, mutator: Step, register: Register) -> None:
    if mutator.kind not in MUTATES:
        raise RejectedError(
            f"The certificate drops {describe(operation)}, which is neither an observer nor a write."
        )
    for other, step in register.steps:
        if step.kind == "unequal":
            raise RejectedError(
                f"The certificate drops {describe(operation)} beside {describe(other)}, a cas that compared"
                " unequal: its result may depend on what was dropped."
            )
        if step.kind in OBSERVES and _has_part_in(mutator, step.found, register):
            raise RejectedError(
                f"The certificate drops {describe(operation)}, but {describe(other)}, which it keeps,"
                " observes its value."
            )


def _has_part_in(dropped: Step, value: Hashable, register: Register) -> bool:
    """Whether the register may hold the value after the dropped step, before it is overwritten."""
    own = dropped.left
    if dropped.kind == "append":
        base = next(
            (each for each in register.bases if isinstance(value, str) and value.startswith(each)), None
        )
        grown = "" if base is None else str(value)[len(base) :]
        piece = str(own)
        return base is not None and (piece in grown if register.grows else grown.endswith(piece))
    if register.grows and _is_text(own):
        return (value is None and own is None) or (
            isinstance(value, str) and value.startswith("" if own is None else str(own))
        )
    return value == own


def _is_text(value: Hashable) -> bool:
    """Whether something can be appended to the value."""
    return value is None or isinstance(value, str)
