"""The notes behind an invariant's violation."""

from __future__ import annotations

from splitbrain.render.notes import render_notes


def test_each_note_shows_its_node_line_and_fields(two_leaders):
    assert render_notes(two_leaders["evidence"]) == (
        "n1, line 12   elected: it leads term 4\n"
        '              term 4, last 10, digest "ab12"\n'
        "n3, line 140  elected: it leads term 4\n"
        '              term 4, last 9, digest "cd"\n'
        "\n"
        "  1. n2 voted for n1 and for n3 in term 4."
    )


def test_a_long_chain_of_notes_is_counted(two_leaders):
    notes = two_leaders["evidence"]["notes"][:1] * 30
    assert render_notes({"notes": notes}).endswith("and 22 more notes")


def test_long_fields_are_cut_to_the_width(two_leaders):
    note = two_leaders["evidence"]["notes"][0] | {"fields": {"entries": [[1, "x" * 50]] * 50}}
    assert max(map(len, render_notes({"notes": [note]}, 60).split("\n"))) <= 60
