"""What a workload is: which operations to run, and the model that decides whether they were right.

A workload of one's own is a subclass in one file, given as `--workload ./mine.py:Class`:

    from splitbrain import generators as gen
    from splitbrain.workloads.base import Workload

    class Reads(Workload):
        name = "reads"
        summary = "one key, read over and over"
        model = "register"
        functions = ("read",)

        def generator(self, options, random):
            return gen.repeat({"f": "read", "key": "x"})

The generator should go on for ever; the run limits its time and its rate. Everything that it draws
comes from `random` when it is built, so that a seed repeats it. Values that are written should be
unique over the whole run: then a stale read tells which write it saw, crashed operations are
free to check, and checking is nearly linear.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar

from splitbrain.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from random import Random

    from splitbrain.generators import Liftable


class Workload(ABC):
    """Operations to run, described by class attributes and made by `generator`.

    `functions` are the kinds of operations that it attempts: a gate asks that each was attempted
    while a fault was on. `options` are the names and defaults of what can be set.
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    model: ClassVar[str]
    functions: ClassVar[tuple[str, ...]]
    options: ClassVar[Mapping[str, Any]] = {}

    @abstractmethod
    def generator(self, options: Mapping[str, Any], random: Random) -> Liftable:
        """Return the endless stream of operations; `options` are those of `settle`."""

    def final_generator(self, options: Mapping[str, Any], random: Random) -> Liftable:
        """Return what to do once everything is healed and quiet; by default nothing."""
        del options, random
        return None

    def settle(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """Return `options` completed by the defaults.

        Raises:
            UsageError: there is no such option, or its value is of another type than the default.
        """
        for name, value in options.items():
            if name not in self.options:
                known = ", ".join(sorted(self.options)) or "none"
                raise UsageError(f"The workload {self.name} has no option {name!r}; it has: {known}.")
            wanted = type(self.options[name])
            fits = isinstance(value, (int, float)) if wanted is float else isinstance(value, wanted)
            if not fits or (isinstance(value, bool) and wanted is not bool):
                raise UsageError(
                    f"The option {name!r} of the workload {self.name} is a value like "
                    f"{self.options[name]!r}, not {value!r}."
                )
        return {**self.options, **options}
