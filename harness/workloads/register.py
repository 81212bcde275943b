"""Reads, writes and cas over several registers: the classic linearizability workload."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from .base import Workload
from .keys import Kind, Vocabulary, keyed_operations

if TYPE_CHECKING:
    from collections.abc import Mapping
    from random import Random

    from splitbrain.generators import Generator

VOCABULARY = Vocabulary(
    kinds=(
        Kind("read", 2, lambda _known, _fresh: None, lambda _known, _argument, result: result),
        Kind("write", 1, lambda _known, fresh: fresh, lambda _known, argument, _result: argument),
        Kind("cas", 1, lambda known, fresh: [known, fresh], lambda _known, argument, _result: argument[1]),
    ),
    fresh=int,
    read="read",
    needs_value=frozenset({"cas"}),
)


class RegisterWorkload(Workload):
    """Half reads, a quarter each of writes and cas; values are integers, unique over the run."""

    name: ClassVar[str] = "register"
    summary: ClassVar[str] = "read, write and cas over several registers, unique values"
    model: ClassVar[str] = "cas-register"
    functions: ClassVar[tuple[str, ...]] = ("read", "write", "cas")
    options: ClassVar[Mapping[str, Any]] = {"keys": 5, "operations_per_key": 300, "revisit": 0.02}

    def generator(self, options: Mapping[str, Any], random: Random) -> Generator:
        """Return the endless stream of operations."""
        return keyed_operations(VOCABULARY, **self.settle(options), random=random)
