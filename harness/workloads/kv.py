"""Everything that a key-value store can do: get, put, append, cas and delete over several keys.

Appends make a value a string of unique parts ("v3v17"), so that the value itself shows which appends
it has seen, in which order. A key therefore retires early, before its value grows long: the
value of a key that was only ever appended to is the longest. A cas on a key that was deleted, or
not yet written, compares with null and creates it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from .base import Workload
from .keys import Kind, Vocabulary, keyed_operations

if TYPE_CHECKING:
    from collections.abc import Mapping
    from random import Random

    from splitbrain.generators import Generator


def _appended(known: Any, argument: str, _result: Any) -> str:
    # A faulty system may have shown a value that is no string; then nobody knows what is there.
    return known + argument if isinstance(known, str) else argument


VOCABULARY = Vocabulary(
    kinds=(
        Kind("get", 8, lambda _known, _fresh: None, lambda _known, _argument, result: result),
        Kind("put", 3, lambda _known, fresh: fresh, lambda _known, argument, _result: argument),
        Kind(
            "append",
            3,
            lambda _known, fresh: fresh,
            _appended,
        ),
        Kind("cas", 4, lambda known, fresh: [known, fresh], lambda _known, argument, _result: argument[1]),
        Kind("delete", 1, lambda _known, _fresh: None, lambda _known, _argument, _result: None),
    ),
    fresh="v{}".format,
    read="get",
)


class KvWorkload(Workload):
    """Mostly gets, with puts, appends, cas and now and then a delete; values are unique strings."""

    name: ClassVar[str] = "kv"
    summary: ClassVar[str] = "get, put, append, cas and delete over several keys, unique values"
    model: ClassVar[str] = "kv"
    functions: ClassVar[tuple[str, ...]] = ("get", "put", "append", "cas", "delete")
    options: ClassVar[Mapping[str, Any]] = {"keys": 5, "operations_per_key": 60, "revisit": 0.02}

    def generator(self, options: Mapping[str, Any], random: Random) -> Generator:
        """Return the endless stream of operations."""
        return keyed_operations(VOCABULARY, **self.settle(options), random=random)
