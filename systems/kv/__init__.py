"""KV: one durable node, the simplest system that there is, and the one to read first."""

from .system import KvSystem

__all__ = ["KvSystem"]
