"""The story of a simulated run: complete for what the violation rests on, short for everything else."""

from __future__ import annotations

import dataclasses
import re

import pytest

from splitbrain.render.narrative import render_narrative
from splitbrain.simulation.deviations import CrashPoint
from splitbrain.systems.contract import MILLISECOND, Received, Send

STALE = """\
copies on 3 nodes (n1, n2, n3), simulated with seed 0: 3 operations of the workload register, 54
messages, 1.1 s of virtual time; faults: partition. It broke a promise: LIN. Key "k" is not
linearizable: k=1 was overwritten by write 2 (process 0, position 3) before process 1 began to read
(position 5), yet it read 1.

What happened (virtual time; >> marks what the violation rests on):

   0.000 s    n1, n2, n3 start with nothing on disk
   0.020 s >> #0 c0 asks n1: write 1 (k)
   0.021 s >> n1 answers #0: write_ok
              n1 sends n2, n3 copy (value 1)
   0.022 s >> #0 c0 is told ok by n1
              n2, n3 note copied (value 1)
   0.050 s    n1 sends n2, n3 beat
   0.100 s    apart-1 begins: cuts the links between n1 and n2, n3
              n1 sends n2, n3 beat [16 messages until 0.450 s; all lost: the link drops it]
   0.200 s >> #3 c0 asks n1: write 2 (k)
   0.202 s >> n1 answers #3: write_ok
              n1 sends n2, n3 copy (value 2) [all lost: the link drops it]
   0.203 s >> #3 c0 is told ok by n1
   0.300 s >> #5 c1 asks n2: read (k)
   0.302 s >> #5 c1 is told 1 by n2
       ⋮      after that: 1 incident, 26 messages

Why this is a violation:
"""


def timeline(text):
    return text.split("rests on):\n\n")[1].split("\n\nWhy this")[0].split("\n")


def test_a_stale_read_is_told_from_the_write_to_its_reader(stale_read):
    text = render_narrative(*stale_read)
    assert text.startswith(STALE)
    assert "write 2 had returned when read 1 was invoked" in " ".join(text.split())


def test_what_the_violation_rests_on_is_marked_and_nothing_else(stale_read):
    marked = [line for line in timeline(render_narrative(*stale_read)) if ">>" in line]
    assert {int(number) for line in marked for number in re.findall(r"#(\d+)", line)} == {0, 3, 5}
    assert all("#" in line for line in marked)


def test_thousands_of_messages_are_told_in_two_hundred_lines_with_all_that_is_cited(long_run):
    _, outcome, assessment = long_run
    assert len(outcome.story.happenings) > 10_000
    text = render_narrative(*long_run)
    assert len(text.split("\n")) <= 200
    cited = {each["position"] for each in assessment.violations[0].evidence["operations"]}
    for position in cited:
        assert re.search(rf">> #{position} c\d asks", text)
    assert re.search(r"left out: .*[89]\d\d operations", text)


def test_lines_stay_near_the_width_that_is_asked_for(long_run):
    assert max(map(len, render_narrative(*long_run, width=80).split("\n"))) <= 80 + 30


def test_a_crash_is_told_with_the_effect_that_it_came_after(told):
    point = CrashPoint("n1", "send copy", 0, power=True, lasts=50 * MILLISECOND)
    text = render_narrative(*told([(0.02, 0, "write", 1)], crash_points=(point,)))
    assert "n1 loses its power right after it sent n2 copy" in text
    assert "n1 starts again, with 1 record on disk" in text
    assert "n1 sends n2 copy (value 1)" in text


def test_a_message_that_comes_late_is_told_when_it_comes(told):
    pause = {"id": "asleep", "fault": "pause", "at": 0.03, "for": 0.4, "target": ["n2"], "parameters": {}}
    text = render_narrative(*told([(0.04, 0, "write", 1)], faults=[pause]))
    assert "n2 is paused (asleep)" in text
    assert re.search(
        r"0\.430 s +n2 goes on \(asleep\)\n +only now n2 receives \d+ messages, sent since 0\.042 s", text
    )


def test_nodes_that_die_together_share_a_line(told):
    kill = {"id": "all", "fault": "kill", "at": 0.3, "for": 0.1, "target": "all", "parameters": {}}
    text = render_narrative(*told([(0.04, 0, "write", 1)], faults=[kill]))
    assert "n1, n2, n3 are killed (all)" in text
    assert "n2, n3 start again, with 0 records on disk" in text


def test_a_node_that_raises_is_told_with_the_end_of_its_log(told, stumbles):
    text = render_narrative(*told([(0.02, 0, "write", 1)], node=stumbles))
    assert ">> n2, n3 raised KeyError: 'copies', and died" in text
    assert "| KeyError: 'copies'" in text
    assert "CRASH (a process that ended by itself)" in " ".join(text.split())


def test_requests_that_were_refused_are_told_at_the_operation(told):
    kill = {"id": "k", "fault": "kill", "at": 0.1, "for": 0.2, "target": ["n2"], "parameters": {}}
    text = render_narrative(*told([(0.15, 1, "read", None)], faults=[kill]))
    assert re.search(r"c1 .*is told null by n3 after n2 (\(\d times\) )?was down", text)


def test_attempts_that_found_nobody_are_not_taken_for_answered(told):
    kill = {"id": "k", "fault": "kill", "at": 0.1, "for": 0.1, "target": ["n1"], "parameters": {}}
    text = render_narrative(*told([(0.15, 0, "read", None)], faults=[kill], nodes=1))
    assert re.search(r"is told null by n1 after n1 (\(\d times\) )?was down", text)
    assert "refused" not in text
    assert "did not answer" not in text


def test_a_trigger_that_kills_is_told_once_and_with_the_note_that_it_waited_for(told):
    when = {"note": "copied", "where": {}, "node": "n2", "skip": 0, "after": 0.0}
    kill = {"id": "k", "fault": "kill", "when": when, "for": 0.1, "target": "noter", "parameters": {}}
    text = render_narrative(*told([(0.02, 0, "write", 1)], faults=[kill]))
    assert "n2 is killed right after it noted copied (k)" in text
    assert "is held" not in text


def test_what_changes_from_message_to_message_does_not_keep_a_routine_from_being_one_line(told, copies):
    class Counting(copies):
        rounds = 0

        def step(self, event, now):
            effects = super().step(event, now)
            self.rounds += 1
            fixed = {"type": "beat", "round": self.rounds, "same": 1}
            return [Send(each.dest, fixed) if is_beat(each) else each for each in effects]

    def is_beat(effect):
        return isinstance(effect, Send) and effect.body["type"] == "beat"

    lines = timeline(render_narrative(*told([(0.02, 0, "write", 1)], node=Counting)) + "\n\nWhy this")
    beats = [line for line in lines if "beat" in line]
    assert len(beats) == 1
    assert "beat (same 1) [" in beats[0]


def test_a_run_in_which_nothing_broke_says_so(told):
    text = render_narrative(*told([(0.02, 0, "write", 1)]))
    assert "No promise was broken." in text
    assert "Why" not in text


def test_what_steers_a_terminal_is_not_passed_on(told, copies):
    class Hostile(copies):
        def serve(self, client, body):
            return [*super().serve(client, body), Send("n2", {"type": "\x1b[31m{red}", "x": "\x1b"})]

    assert "\x1b" not in render_narrative(*told([(0.02, 0, "write", "\x1b")], node=Hostile))


def test_the_same_words_again_are_one_line_even_from_a_node_that_answers_each(told, copies):
    class Answering(copies):
        def take(self, src, body):
            return [
                *super().take(src, body),
                *([Send(src, {"type": "here"})] if body["type"] == "beat" else []),
            ]

    assert issubclass(Answering, copies)
    lines = timeline(
        render_narrative(*told([(0.02, 0, "write", 1)], node=Answering, duration=20.0)) + "\n\nWhy this"
    )
    assert sum("beat" in line for line in lines) == 1
    assert sum("here" in line for line in lines) == 1
    assert any(re.search(r"n2, n3 send n1 here \[80\d messages until", line) for line in lines)


def test_a_run_without_its_trace_can_not_be_told(stale_read):
    case, outcome, assessment = stale_read
    with pytest.raises(ValueError, match="story=True"):
        render_narrative(case, dataclasses.replace(outcome, story=None), assessment)


def test_the_contract_of_the_little_store_is_that_of_any_node(copies):
    assert copies("n2", ["n1", "n3"], {}).step(Received("n1", {"type": "beat"}), None) == []
