"""The live line: on a terminal drawn over itself, elsewhere a plain line now and then."""

from __future__ import annotations

import io

from splitbrain.render.live import LiveLine


class Terminal(io.StringIO):
    def isatty(self):
        return True


class Broken(io.StringIO):
    def write(self, text):
        raise BrokenPipeError


def run(stream, until=10.0, step=0.01, **more):
    with LiveLine(stream, width=more.pop("width", 100)) as live:
        for tick in range(int(until / step) + 1):
            live.update(elapsed=tick * step, duration=30.0, ok=tick * 10, fail=tick, info=1, **more)


def test_a_terminal_is_drawn_at_most_five_times_a_second():
    stream = Terminal()
    run(stream, until=10.0)
    assert 45 <= stream.getvalue().count("\r") <= 52


def test_elsewhere_a_plain_line_is_written_every_five_seconds():
    stream = io.StringIO()
    run(stream, until=11.0)
    lines = stream.getvalue().split("\n")
    assert [line.split("/")[0].strip() for line in lines[:-1]] == ["5.0", "10.0", "11.0"]
    assert "\r" not in stream.getvalue()
    assert "\x1b" not in stream.getvalue()


def test_the_line_tells_time_rate_outcomes_and_faults():
    stream = io.StringIO()
    run(stream, until=5.0, rate=1234.5, faults=["partition-1", "kill-2"])
    assert stream.getvalue() == (
        "  5.0/30.0 s   1,234 ops/s  ok 5,000  fail 500  info 1  on: partition-1, kill-2\n"
    )


def test_without_a_rate_it_is_taken_from_the_counts():
    stream = io.StringIO()
    run(stream, until=5.0)
    assert "1,100 ops/s" in stream.getvalue()
    assert "no faults" in stream.getvalue()


def test_the_last_state_stays_and_the_cursor_is_below_it():
    stream = Terminal()
    run(stream, until=0.3)
    assert stream.getvalue().endswith("no faults\n")
    assert " 0.3/30.0 s" in stream.getvalue().rsplit("\r", 1)[1]


def test_a_terminal_line_never_wraps():
    stream = Terminal()
    run(stream, until=1.0, width=50, faults=["partition-1"] * 9)
    assert max(len(line.removeprefix("\x1b[K")) for line in stream.getvalue().rstrip("\n").split("\r")) <= 49


def test_a_standard_error_that_went_away_ends_no_run():
    run(Broken())
    closed = io.StringIO()
    with LiveLine(closed) as live:
        closed.close()
        live.update(elapsed=6.0, duration=30.0, ok=1, fail=0, info=0)


def test_a_run_without_updates_writes_nothing():
    stream = Terminal()
    with LiveLine(stream):
        pass
    assert stream.getvalue() == ""
