"""A node class by itself as a system: what `System` promises by default, and clients of Maelstrom's kind."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .client import SessionClient
from .description import System

if TYPE_CHECKING:
    from .contract import Client, Node

USUAL_NODES = 3


def system_of(node: type[Node], client: type[Client] = SessionClient) -> type[System]:
    """Describe a class that follows the node contract, for those who have written no more than that.

    It is taken to serve reads, writes and cas by key, and to promise what a `System` promises where it
    says nothing else: linearizability under the usual faults, and service while a majority is up.
    """
    return type(
        node.__name__,
        (System,),
        {
            "__module__": node.__module__,
            "__doc__": node.__doc__,
            "name": node.__name__,
            "summary": (node.__doc__ or f"the node class {node.__name__}").strip().split("\n")[0],
            "node": node,
            "client": client,
            "workloads": ("register", "kv"),
            "nodes": USUAL_NODES,
        },
    )
