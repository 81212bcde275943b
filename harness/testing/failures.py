"""Why a simulated test fails. All of them are assertions that did not hold, whatever runs the test."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from splitbrain.exploration.determinism import Divergence


class SimulationFailure(AssertionError):  # noqa: N818  tests have failures, not errors
    """What all failures of `simulate` and `replay` have in common."""


class ViolationFound(SimulationFailure):
    """A promise was broken. The text is the narrative of the run, and where its replay file is.

    `kinds` are the kinds of violation ("LIN"), `seed` that of the run that was found, None for a
    replay, `narrative` the story of the shrunk run, `path` its replay file.
    """

    def __init__(
        self, text: str, *, kinds: tuple[str, ...], seed: int | None, narrative: str, path: Path
    ) -> None:
        super().__init__(text)
        self.kinds = kinds
        self.seed = seed
        self.narrative = narrative
        self.path = path


class NotDeterministic(SimulationFailure):
    """The same case ran differently twice, so that nothing that is found can be repeated.

    `divergence` is the first step that differs, None where only the verdicts were seen to differ.
    """

    def __init__(self, text: str, divergence: Divergence | None = None) -> None:
        super().__init__(text)
        self.divergence = divergence


class Inconclusive(SimulationFailure):
    """Nothing broke, but the runs prove nothing: no operation ever succeeded, or a check was not decided."""
