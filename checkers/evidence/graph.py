"""A witness as a graph, for pictures: operations are nodes, and every edge says why.

networkx is imported when a graph is asked for, so that deciding a small history doesn't wait for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    import networkx as nx


def witness_graph(evidence: Mapping[str, Any]) -> nx.DiGraph[int]:
    """Return the graph of a violation's evidence.

    Nodes are line positions and carry the fields of their operation; edges carry `why` ("real-time",
    "reads", "overwrites"; several are joined by "+") and `text`.
    """
    import networkx as nx  # noqa: PLC0415 - 0.1 s that only pictures need

    graph: nx.DiGraph[int] = nx.DiGraph(key=evidence.get("key"))
    for operation in evidence["operations"]:
        graph.add_node(operation["position"], **operation)
    for edge in evidence["edges"]:
        source, target = edge["from"], edge["to"]
        known = graph.edges[source, target] if graph.has_edge(source, target) else None
        why = edge["why"] if known is None else f"{known['why']}+{edge['why']}"
        text = edge["text"] if known is None else f"{known['text']}; {edge['text']}"
        graph.add_edge(source, target, why=why, text=text)
    return graph
