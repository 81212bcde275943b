"""Messages and notes in words, whoever's they are."""

from __future__ import annotations

import pytest

from splitbrain.render.sayings import conjugate, say_fields, say_message, say_note
from splitbrain.render.trace import Message, Noted
from splitbrain.systems.raft import messages


def said(body, system="raft"):
    return say_message(system, Message(1, "n1", "n2", 0, body))


def test_a_heartbeat_is_of_one_family_with_the_next_and_entries_are_not():
    first, second = (messages.append_entries(3, number, (4, 2), [], 4) for number in (7, 8))
    assert said(first).family == said(second).family
    entries = messages.append_entries(3, 9, (4, 2), [[3, None], [3, None]], 4)
    assert said(entries).family != said(first).family
    assert said(entries).text == "sends {to} entries 5 to 6 in term 3 (committed: 4)"


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (messages.vote(2, granted=True), "votes for {to} in term 2"),
        (messages.vote(2, granted=False), "refuses {to} a vote, being in term 2"),
        (messages.prevote(1, 2, granted=False), "would not vote for {to} in term 2"),
        (messages.request_vote(2, 9, 1), "asks {to} for votes in term 2 (its log ends at 9)"),
        (messages.appended(2, 3, 9), "confirms to {to} its entries up to 9"),
        (
            messages.install_snapshot(2, 3, (9, 1), 64, "{}", done=True),
            "sends {to} the last part of its snapshot of entries up to 9 (from byte 64)",
        ),
        (messages.snapshot_received(2, 3, 9, 64), "has 64 bytes of {to}'s snapshot of entries up to 9"),
        (messages.refused(2), "refuses {to}, whose term is old: it is in term 2"),
    ],
)
def test_a_message_of_raft_is_told_by_what_it_means(body, text):
    assert said(body).text == text


def test_a_message_that_nobody_has_words_for_is_told_by_its_type_and_fields():
    saying = said({"type": "vote", "color": "blue"})
    assert (saying.text, saying.fields) == ("sends {to} vote", {"color": "blue"})
    answer = said({"type": "pong", "in_reply_to": 3, "n": 1}, "anyones")
    assert (answer.text, answer.fields) == ("answers {to} with pong", {"n": 1})


def test_a_note_without_words_of_its_own_is_told_by_its_kind():
    assert (
        say_note("raft", Noted(0, "n1", "role", {"role": "leader", "term": 3}, False, 0))
        == "is leader in term 3"
    )
    assert say_note("raft", Noted(0, "n1", "odd", {"x": 1}, False, 0)) == "notes odd (x 1)"


def test_long_fields_are_cut_and_many_are_counted():
    text = say_fields({"a": "x" * 100, **{f"b{number}": number for number in range(9)}})
    assert len(text) < 100
    assert text.endswith(", …)")


def test_verbs_agree_with_their_subjects():
    assert [conjugate(verb, 2) for verb in ("sends x", "has y", "is z", "would w")] == [
        "send x",
        "have y",
        "are z",
        "would w",
    ]
    assert conjugate("has y", 1) == "has y"
