"""Randomness that is addressed, not consumed.

A stream that is drawn from in turn makes every decision depend on all before it: one more message,
and every later latency is another. Here each decision has an address (what it is about, and the
ordinal among its like), and the number at an address is a pure function of the seed and the address.
So the seventh `append_entries` from n1 to n2 takes the same time whether or not n3 exists: taking
something out of a run leaves the rest as it was, which is what shrinking needs, and schedule,
network, disk, clock, workload and faults don't reshuffle each other.

The function is SplitMix64 (`splitbrain.generators.streams`), its state found by hashing the address.
"""

from __future__ import annotations

from hashlib import blake2b

from splitbrain.generators.streams import GOLDEN, WORD, draw


def stream(seed: int, *address: object) -> int:
    """Return the 64-bit key of the numbers that belong to an address."""
    text = "\x1f".join(map(str, (seed, *address)))
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big")


def number(key: int, ordinal: int) -> int:
    """Return the 64-bit number of that ordinal under a key."""
    return draw((key + ordinal * GOLDEN) & WORD)


def below(key: int, ordinal: int, bound: int) -> int:
    """Return a number of at least 0 and less than `bound`."""
    return (number(key, ordinal) * bound) >> 64


def fraction(key: int, ordinal: int) -> float:
    """Return a number of at least 0 and less than 1."""
    return (number(key, ordinal) >> 11) / (1 << 53)
