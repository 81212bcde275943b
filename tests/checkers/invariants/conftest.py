"""Notes by hand: a little log whose digests are chained as a node's are."""

from __future__ import annotations

import json
from typing import Any

import pytest

from splitbrain.checkers.invariants.raft import RaftInvariants
from splitbrain.checkers.verdict import CheckResult, NodeNote
from splitbrain.checkers.verification import verify_notes


class Notes:
    """Collects the notes of nodes, each under the next line of its node."""

    def __init__(self) -> None:
        self.nodes: dict[str, list[NodeNote]] = {}

    def add(self, node: str, kind: str, **fields: Any) -> NodeNote:
        own = self.nodes.setdefault(node, [])
        note = NodeNote(node, len(own), len(own), kind, fields)
        own.append(note)
        return note

    def started(self, node: str) -> NodeNote:
        return self.add(node, "started", pid=1, records=0, torn=False)

    def elected(self, node: str, term: int, log: list[tuple[int, str]]) -> NodeNote:
        return self.add(node, "elected", term=term, last=len(log), digest=digest(log))

    def appended(self, node: str, log: list[tuple[int, str]], first: int = 1) -> NodeNote:
        """Note that the log holds the entries from `first` on."""
        entries = [[log[at - 1][0], digest(log[:at])] for at in range(first, len(log) + 1)]
        return self.add(node, "appended", first=first, entries=entries, previous=digest(log[: first - 1]))

    def recovered(self, node: str, log: list[tuple[int, str]], term: int) -> NodeNote:
        entries = [[log[at - 1][0], digest(log[:at])] for at in range(1, len(log) + 1)]
        return self.add(node, "recovered", first=1, entries=entries, term=term, vote=None, commit=0)

    def recovered_after_snapshot(self, node: str, log: list[tuple[int, str]], at: int, term: int) -> NodeNote:
        """Note that the log came back with a snapshot up to `at` in place of its beginning."""
        return self.add(
            node,
            "recovered",
            first=at + 1,
            entries=[[log[i - 1][0], digest(log[:i])] for i in range(at + 1, len(log) + 1)],
            previous=digest(log[:at]),
            snapshot={"index": at, "term": log[at - 1][0]},
            term=term,
            vote=None,
        )

    def snapshot_taken(self, node: str, log: list[tuple[int, str]]) -> NodeNote:
        return self.add(node, "snapshot-taken", index=len(log), term=log[-1][0], digest=digest(log))

    def snapshot_installed(self, node: str, log: list[tuple[int, str]], last: int | None = None) -> NodeNote:
        """Note a snapshot from another node; the log ends with it unless `last` says otherwise."""
        return self.add(
            node,
            "snapshot-installed",
            index=len(log),
            term=log[-1][0],
            digest=digest(log),
            last=len(log) if last is None else last,
        )

    def committed(self, node: str, log: list[tuple[int, str]], in_term: int) -> NodeNote:
        return self.add(
            node, "committed", index=len(log), term=log[-1][0], digest=digest(log), in_term=in_term
        )

    def applied(self, node: str, log: list[tuple[int, str]], first: int = 1) -> NodeNote:
        digests = [digest(log[:at]) for at in range(first, len(log) + 1)]
        return self.add(node, "applied", first=first, digests=digests, term=log[-1][0])

    def check(self) -> CheckResult:
        """Check, and have the verifier re-check whatever certificates come out."""
        result = RaftInvariants().check(self.nodes)
        for violation in result.violations:
            verification = verify_notes(violation.evidence["certificate"], self.nodes)
            assert verification.holds is True, verification.reason
            assert violation.summary.endswith(".")
            assert json.loads(json.dumps(violation.to_json())) == violation.to_json()
        if result.valid is True:
            verification = verify_notes(result.certificate, self.nodes)
            assert verification.holds is True, verification.reason
        return result

    def kinds(self) -> list[str]:
        """Return the kinds of the violations, each with a certificate that was verified."""
        return [violation.kind for violation in self.check().violations]


def digest(log: list[tuple[int, str]]) -> str:
    """A perfect digest: the log itself."""
    return "/".join(f"{term}{command}" for term, command in log)


@pytest.fixture
def notes() -> Notes:
    return Notes()
