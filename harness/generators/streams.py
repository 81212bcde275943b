"""Seeded random streams that are values.

A generator is an immutable value, so its randomness has to be part of that value: asking it twice
must give the same answer twice. `random.Random` can't serve, since drawing changes it. A stream
here is one integer, its state; drawing is a pure function of that integer, and advancing it gives a
new integer. A combinator that needs randomness takes a `random.Random` when it is built, draws a
first state from it, and never touches it again.

The function is SplitMix64 (Steele, Lea & Flood, "Fast Splittable Pseudorandom Number Generators",
OOPSLA 2014, figure 16): a Weyl sequence, scrambled. Its period of 2**64 and its quality are ample
for choosing operations, and a draw costs half a microsecond.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from random import Random

WORD: Final = (1 << 64) - 1
GOLDEN: Final = 0x9E3779B97F4A7C15


def new_stream(random: Random) -> int:
    """Return the first state of a stream seeded by one draw from `random`."""
    return random.getrandbits(64)


def advance(state: int) -> int:
    """Return the state that follows."""
    return (state + GOLDEN) & WORD


def draw(state: int) -> int:
    """Return the 64-bit number that belongs to this state."""
    mixed = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & WORD
    mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & WORD
    return mixed ^ (mixed >> 31)


def draw_below(state: int, bound: int) -> int:
    """Return a number of at least 0 and less than `bound` (which is far below 2**64)."""
    return (draw(state) * bound) >> 64
