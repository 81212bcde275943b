"""The exit codes, a contract: CI branches on them."""

VALID = 0
INVALID = 1
"""A violation, proved."""
UNKNOWN = 2
"""Unknown, inconclusive or interrupted: never a pass."""
USAGE = 64
"""A mistake of the caller, or input that can't be read."""
HARNESS = 70
"""The harness itself failed."""

MILDEST_TO_WORST = (VALID, UNKNOWN, INVALID, USAGE, HARNESS)
"""With several files the worst one decides."""
