"""Notes are read as they lie in a run directory, with their line numbers."""

from __future__ import annotations

from splitbrain.checkers.invariants.notes import load_notes
from splitbrain.checkers.invariants.raft import RaftInvariants


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text)


def test_notes_carry_node_line_time_kind_and_fields(tmp_path):
    write(
        tmp_path / "nodes/n1/events.jsonl",
        b'{"time": 5, "kind": "started", "fields": {"pid": 1}}\n{"time": 6, "kind": "voted", "fields": {}}\n',
    )
    (first, second) = load_notes(tmp_path)["n1"]
    assert (first.node, first.line, first.time, first.kind, first.fields) == (
        "n1",
        0,
        5,
        "started",
        {"pid": 1},
    )
    assert second.line == 1


def test_a_torn_last_line_is_dropped(tmp_path):
    write(tmp_path / "nodes/n1/events.jsonl", b'{"time": 5, "kind": "a", "fields": {}}\n{"time": 6, "ki')
    assert [note.kind for note in load_notes(tmp_path)["n1"]] == ["a"]


def test_a_last_line_without_its_newline_says_nothing_even_if_it_is_whole(tmp_path):
    write(tmp_path / "nodes/n1/events.jsonl", b'{"time": 6, "kind": "a", "fields": {}}')
    assert load_notes(tmp_path) == {"n1": []}


def test_a_broken_line_in_the_middle_keeps_its_place_and_is_not_silence(tmp_path):
    write(
        tmp_path / "nodes/n1/events.jsonl",
        b'\xff{nope\n[]\n{"time": 1, "kind": "elected", "fields": {"term": 1, "last": 0, "digest": ""}}\n',
    )
    notes = load_notes(tmp_path)
    assert [note.kind for note in notes["n1"]] == ["unreadable", "unreadable", "elected"]
    assert notes["n1"][2].line == 2
    assert RaftInvariants().check(notes).valid == "unknown"


def test_a_node_that_never_noted_anything_is_listed(tmp_path):
    (tmp_path / "nodes/n2").mkdir(parents=True)
    assert load_notes(tmp_path) == {"n2": []}


def test_a_directory_without_nodes_has_no_notes(tmp_path):
    assert load_notes(tmp_path) == {}
