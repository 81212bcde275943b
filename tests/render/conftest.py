"""Verdicts and evidence as the checkers hand them over."""

from __future__ import annotations

from typing import Any

import pytest


def operation(
    position: int, complete: int | None, process: int, f: str, value: Any, **more: Any
) -> dict[str, Any]:
    status = more.pop("status", "ok")
    return {
        "position": position,
        "process": process,
        "f": f,
        "value": value,
        "result": more.pop("result", value if status == "ok" else None),
        "status": status,
        "invoke": position,
        "complete": complete,
        "applied": more.pop("applied", True),
    }


@pytest.fixture(name="operation")
def _operation():
    return operation


@pytest.fixture
def stale_read():
    return {
        "key": "x",
        "operations": [
            operation(0, 3, 0, "write", 1),
            operation(1, 7, 4, "write", 9, status="info"),
            operation(4, 6, 0, "cas", [1, 2]),
            operation(5, 9, 2, "write", "a value much longer than anyone needs to see", status="crashed"),
            operation(10, 12, 2, "read", None, result=1),
        ],
        "edges": [],
        "story": [
            "cas [1, 2] (process 0, position 4) replaced 1 and had returned before position 10.",
            "read 1 (process 2, position 10) returned 1, which was there no more.",
        ],
    }


@pytest.fixture
def two_leaders():
    note = {"kind": "elected", "says": "it leads term 4"}
    return {
        "kind": "ES",
        "summary": "n1 and n3 were both elected leader of term 4.",
        "evidence": {
            "notes": [
                {"node": "n1", "line": 12, "fields": {"term": 4, "last": 10, "digest": "ab12"}, **note},
                {"node": "n3", "line": 140, "fields": {"term": 4, "last": 9, "digest": "cd"}, **note},
            ],
            "story": ["n2 voted for n1 and for n3 in term 4."],
        },
    }


@pytest.fixture
def invalid(stale_read, two_leaders):
    summary = 'Key "x" is not linearizable: read 1 (process 2, position 10) is stale.'
    return {
        "valid": False,
        "reason": summary,
        "operations": 12345,
        "seconds": 0.0213,
        "method": "zones",
        "checks": [
            {"checker": "linearizable", "valid": False, "method": "zones"},
            {"checker": "raft-invariants", "valid": False, "method": "notes"},
            {"checker": "crash", "valid": False, "method": "exit status"},
        ],
        "violations": [
            {"kind": "LIN", "summary": summary, "evidence": stale_read},
            two_leaders,
            {
                "kind": "CRASH",
                "summary": "The process of n2 ended by itself (exit status 1).",
                "evidence": {"node": "n2", "status": "exit status 1", "log": "first\n\x1b[31mlast\n"},
            },
        ],
        "gates": [
            {"gate": "every-fault-bit", "held": True, "observed": 3},
            {"gate": "operations-overlapped", "held": False, "observed": "no two operations overlapped"},
        ],
        "measurements": {
            "operations": 12345,
            "seconds": 23.01,
            "throughput": 1021.34,
            "p50": 1.204,
            "p99": 12.5,
            "availability": 0.98123,
            "longest_outage": 0.41,
            "recovery": None,
            "recoveries": [{"begin": 0.1, "end": None}],
            "functions": {"read": {"ok": 100, "fail": 0, "info": 1}},
        },
        "remarks": ["torn last line dropped"],
        "run": "store/raft/2026-11-21T02-03-04-7",
        "replay": "splitbrain replay store/raft/2026-11-21T02-03-04-7",
    }
