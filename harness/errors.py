"""The exceptions that end a command, each with the exit code that it maps to (DESIGN: exit codes)."""

from __future__ import annotations


class UsageError(Exception):
    """The caller's mistake: unknown name, unreadable input, impossible combination. Exit 64."""


class HarnessError(Exception):
    """The harness could not do its work: the cluster never became ready, a fault of ours. Exit 70."""
