"""What is said of a counter that can't be: by which numbers it contradicts itself."""

import pytest

from splitbrain.checkers.models import Counter
from splitbrain.checkers.portfolio import check_linearizable
from splitbrain.checkers.verification import verify
from splitbrain.histories import build_history


def told(*calls):
    """Check calls one after the other; (f, value, type): return (headline, sentences), proved."""
    lines = []
    for process, (f, value, ending) in enumerate(calls):
        line = {"process": process, "f": f}
        lines.append({**line, "type": "invoke", "value": value if f == "add" else None})
        lines.append({**line, "type": ending, "value": value})
    history = build_history(lines)
    result = check_linearizable(history, Counter)
    assert result.valid is False
    assert result.method == "counters"
    assert verify(result.certificate, history).holds is True
    return result.violations[0].summary, " ".join(result.violations[0].evidence["story"])


@pytest.mark.parametrize(
    ("calls", "headline", "sentence"),
    [
        (
            [("add", 2, "ok"), ("read", 3, "ok")],
            "lead to read 3 (process 1, position 2): the initial value is 0, and every addition is of 2",
            "3 is no sum of these",
        ),
        (
            [("add", 1, "ok"), ("add", 1, "ok"), ("read", 1, "ok")],
            "found 1 addition, but 2 additions had begun and returned before it was invoked",
            "says how many additions came before it",
        ),
        (
            [("add", 1, "ok"), ("add", 1, "info"), ("read", 4, "ok")],
            "found 4 additions, but only 2 additions can have taken effect by then",
            "every addition is of 1",
        ),
        (
            [("add", 1, "ok"), ("read", 1, "ok"), ("read", 0, "ok")],
            "read 1 (process 1, position 2) found 1, and nothing was added",
            "0 is no sum of these",
        ),
    ],
)
def test_the_numbers_that_contradict_each_other_are_named(calls, headline, sentence):
    summary, story = told(*calls)
    assert headline in summary
    assert sentence in story


def test_a_long_counter_with_many_crashed_additions_is_decided_and_refuted_by_few_reads():
    """A tenth of a thousand additions crashed; then one read goes back by one."""
    calls = [("add", 1, "info" if number % 10 == 0 else "ok") for number in range(1000)]
    calls += [("read", 950, "ok"), ("read", 949, "ok")]
    summary, _ = told(*calls)
    assert "949" in summary
