"""Tables that fit."""

from __future__ import annotations

from splitbrain.render.listing import render_table

ROWS = [{"name": "raft", "summary": "consensus for a store of keys"}, {"name": "kv", "summary": "one node"}]


def test_columns_are_as_wide_as_their_widest_cell():
    assert render_table(ROWS, ["name", "summary"], width=80) == (
        "name  summary\n"
        "----  -----------------------------\n"
        "raft  consensus for a store of keys\n"
        "kv    one node"
    )


def test_the_widest_column_wraps_where_the_table_is_too_wide():
    assert render_table(ROWS, ["name", "summary"], width=26) == (
        "name  summary\n"
        "----  --------------------\n"
        "raft  consensus for a\n"
        "      store of keys\n"
        "kv    one node"
    )


def test_rows_become_paragraphs_where_wrapping_is_not_enough():
    rows = [{"name": "forget-vote", "summary": "s " * 30, "source": "t " * 30, "command": "u" * 30}]
    text = render_table(rows, ["name", "summary", "source", "command"], width=50)
    assert text.startswith("forget-vote\n  summary  s s")
    assert "  command  " + "u" * 30 in text
    assert max(map(len, text.split("\n"))) <= 50


def test_a_missing_cell_is_empty_and_an_empty_list_says_so():
    assert render_table([{"a": "1"}], ["a", "b"], width=80) == "a  b\n-  -\n1"
    assert render_table([], ["a"]) == "none"
