"""What `--fail-fast` looks at while a run goes."""

from splitbrain.checkers.models import Register
from splitbrain.checkers.verdict import CheckResult
from splitbrain.runner.examiner import Examiner


class Suspicious:
    """A checker of notes that finds fault with any."""

    name = "suspicious"

    def check(self, notes):
        return CheckResult("suspicious", not notes, "notes", "a node said something.")


def line(process, kind, f, value):
    return {"process": process, "type": kind, "f": f, "value": value}


WRITTEN = [line(0, "invoke", "write", 7), line(0, "ok", "write", 7)]
READ = [line(1, "invoke", "read", None), line(1, "ok", "read", 8)]


def never():
    raise AssertionError("the notes are not needed")


def test_a_violation_of_the_history_is_told_without_a_look_at_the_notes():
    examiner = Examiner(Register(), [Suspicious()], timeout=60)
    examiner.add(WRITTEN + READ)
    assert "read 8" in examiner.look(never)


def test_a_history_that_grows_is_judged_as_far_as_it_goes():
    examiner = Examiner(Register(), [], timeout=60)
    examiner.add(WRITTEN + READ[:1])
    assert examiner.look(dict) is None
    examiner.add(READ[1:])
    assert "read 8" in examiner.look(dict)


def test_notes_convict_a_run_whose_history_is_linearizable():
    examiner = Examiner(Register(), [Suspicious()], timeout=60)
    examiner.add(WRITTEN)
    assert examiner.look(dict) is None
    assert examiner.look(lambda: {"n1": []}) == "a node said something."
