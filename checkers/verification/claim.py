"""What a certificate of a history claims to be about: its semantics, and the operations of each key.

The semantics (model, initial value, how nil reads and failed cas count, whether keys are separate objects)
are taken from the certificate; a verification holds relative to them, and its reason names them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from splitbrain.checkers.verification.looking import OF_ELEMENTS
from splitbrain.checkers.verification.sequential import MODELS, STARTS
from splitbrain.checkers.verification.steps import Request, Step
from splitbrain.checkers.verification.values import identity, show
from splitbrain.checkers.verification.verification import RejectedError

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Mapping

    from splitbrain.checkers.verification.sequential import State
    from splitbrain.histories.operation import Operation, Status


class Recorded(Protocol):
    """What a claim needs to know of an operation: an `Operation`, or a row with these fields of one."""

    @property
    def invoke(self) -> int: ...  # noqa: D102 - as in `Operation`
    @property
    def f(self) -> str: ...  # noqa: D102 - as in `Operation`
    @property
    def value(self) -> Any: ...  # noqa: D102 - as in `Operation`
    @property
    def result(self) -> Any: ...  # noqa: D102 - as in `Operation`
    @property
    def status(self) -> Status: ...  # noqa: D102 - as in `Operation`
    @property
    def applied(self) -> bool: ...  # noqa: D102 - as in `Operation`
    @property
    def process(self) -> int: ...  # noqa: D102 - as in `Operation`
    @property
    def key(self) -> Any: ...  # noqa: D102 - as in `Operation`


@dataclass(frozen=True)
class Claim:
    """The semantics under which a certificate is to be read."""

    model: str
    initial: Any
    nil_reads_any: bool
    failed_cas_observed: bool
    keyed: bool
    registers: frozenset[Hashable] | None = None
    """Of transactions, the keys that are looked at (`transactions`); None: all."""
    elements: frozenset[Hashable] | None = None
    """Of sets that grow and lists, those that are looked at (`gathering`, `transactions`); None: all."""

    def __str__(self) -> str:
        objects = "with one object for each key" if self.keyed else "as one object, whatever the keys"
        few = "" if self.registers is None else f", looked at for {len(self.registers)} of its keys"
        few += "" if self.elements is None else f", looked at for {len(self.elements)} of its elements"
        return f"by the model {self.model} ({objects}, {show(self.initial)} at first{few})"

    def completed(self, operation: Recorded) -> bool:
        """Whether the operation definitely ran, with the recorded result."""
        return operation.status == "ok" or self._observation(operation)

    def void(self, operation: Recorded) -> bool:
        """Whether the operation is known to have done nothing, which is no evidence of anything."""
        return operation.status == "fail" and not self._observation(operation)

    def steps(self, operation: Recorded, *, crashed: bool = False) -> tuple[Step, ...]:
        """Translate an operation into the model's steps; a crashed one has no result.

        Raises:
            RejectedError: the model has no such operation, or its value has the wrong form.
        """
        steps = MODELS[self.model](
            Request(
                position=operation.invoke,
                f=operation.f,
                value=operation.value,
                result=operation.result,
                known=self.completed(operation) and not crashed,
                applied=operation.applied and operation.status == "ok",
                nil_reads_any=self.nil_reads_any,
                process=operation.process,
                key=None if self.keyed else identity(operation.key),
            )
        )
        if self.registers is not None:
            steps = tuple(step for step in steps if step.register in self.registers)
        if self.elements is None:
            return steps
        looked_at = OF_ELEMENTS[self.model].step
        return tuple(seen for step in steps if (seen := looked_at(step, self.elements)) is not None)

    def start(self, registers: Iterable[Hashable]) -> State:
        """Return the initial state of these registers, in this order.

        Raises:
            RejectedError: the model can't begin with what is claimed.
        """
        start = STARTS[self.model]
        held = tuple(start(self.initial, register) for register in registers)
        if self.elements is None:
            return held
        held_of = OF_ELEMENTS[self.model].held
        return tuple(held_of(each, self.elements) for each in held)

    def _observation(self, operation: Recorded) -> bool:
        return self.failed_cas_observed and operation.status == "fail" and operation.f == "cas"


class Task(NamedTuple):
    """An operation to be placed in an order.

    `complete` is None where it may happen at any time after `invoke`, or never.
    """

    invoke: int
    complete: int | None
    steps: tuple[Step, ...]


def task(claim: Claim, operation: Operation, *, crashed: bool = False) -> Task:
    """Return the operation as something to be placed.

    Raises:
        RejectedError: see `Claim.steps`.
    """
    definite = claim.completed(operation) and not crashed
    return Task(
        operation.invoke,
        operation.complete if definite else None,
        claim.steps(operation, crashed=crashed),
    )


def registers_of(tasks: Iterable[Task]) -> dict[Hashable, int]:
    """Number the registers that the tasks touch, in order of appearance."""
    numbers: dict[Hashable, int] = {}
    for one in tasks:
        for step in one.steps:
            numbers.setdefault(step.register, len(numbers))
    return numbers


def read_claim(certificate: Mapping[str, Any]) -> Claim:
    """Read the semantics off a certificate.

    Raises:
        RejectedError: a field is missing or is not one of the known words.
    """
    model = _word(certificate, "model", tuple(MODELS))
    nil_reads = _word(certificate, "nil_reads", ("any", "exact"))
    failed_cas = _word(certificate, "failed_cas", ("observed", "ignored"))
    keyed = certificate.get("keyed")
    if not isinstance(keyed, bool):
        raise RejectedError(f"The certificate's `keyed` must be true or false, not {show(keyed)}.")
    if "initial" not in certificate:
        raise RejectedError("The certificate does not state the `initial` value.")
    return Claim(model, certificate["initial"], nil_reads == "any", failed_cas == "observed", keyed)


def group(claim: Claim, operations: Iterable[Operation]) -> dict[Hashable, list[Operation]]:
    """Return the operations of each key (by its identity); all under None where keys don't count."""
    groups: dict[Hashable, list[Operation]] = {} if claim.keyed else {None: []}
    for operation in operations:
        groups.setdefault(identity(operation.key) if claim.keyed else None, []).append(operation)
    return groups


def describe(operation: Recorded) -> str:
    """Name an operation in a sentence: position, what it asked and what it learned."""
    text = f"operation {operation.invoke} ({operation.f}"
    if operation.value is not None:
        text += f" {show(operation.value)}"
    if operation.status == "ok" and operation.result is not None and operation.result != operation.value:
        text += f" -> {show(operation.result)}"
    if operation.status == "ok" and not operation.applied:
        text += ", not applied"
    return text + ")"


def _word(certificate: Mapping[str, Any], name: str, known: tuple[str, ...]) -> str:
    value = certificate.get(name)
    if not isinstance(value, str) or value not in known:
        raise RejectedError(
            f"The certificate's `{name}` must be one of {', '.join(known)}, not {show(value)}."
        )
    return value
