"""The journal: what it acknowledged is in the file, whatever happens next."""

from __future__ import annotations

import errno
import json
import os
import resource
import signal
import subprocess
import sys

import pytest

from splitbrain.histories import Journal, JournalError, read_history

RECORDER = """
import sys
from splitbrain.histories import Journal
journal = Journal(sys.argv[1])
for number in range(10**9):
    value = "v" * (number % 900)
    position = journal.append({"process": number, "type": "invoke", "f": "write", "value": value})
    print(position, flush=True)
"""
CROWDED = """
import resource, signal, sys
from splitbrain.histories import Journal, JournalError
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
journal = Journal(sys.argv[1])
acknowledged = 0
try:
    while True:
        journal.append({"process": acknowledged, "type": "invoke", "f": "write", "value": "x" * 50})
        acknowledged += 1
except JournalError as error:
    print(acknowledged, error)
try:
    journal.append({"process": 0, "type": "invoke", "f": "read"})
except JournalError as error:
    print("again:", error)
"""


def invocation(process, **more):
    return {"process": process, "type": "invoke", "f": "write", "value": process, **more}


def test_append_returns_the_position_that_the_reader_gives_the_line(tmp_path):
    with Journal(tmp_path / "history.jsonl") as journal:
        positions = [journal.append(invocation(process)) for process in range(3)]
        assert len(journal) == 3
    history = read_history(tmp_path / "history.jsonl")
    assert positions == list(history.invoke) == [0, 1, 2]


def test_a_line_is_in_the_file_when_append_returns(tmp_path):
    journal = Journal(tmp_path / "history.jsonl")
    journal.append(invocation(7))
    assert json.loads((tmp_path / "history.jsonl").read_bytes()) == invocation(7)
    journal.close()


def test_append_many_acknowledges_all_lines_with_one_write(tmp_path, monkeypatch):
    writes = []
    real = os.write
    monkeypatch.setattr(os, "write", lambda file, data: writes.append(data) or real(file, data))
    with Journal(tmp_path / "history.jsonl") as journal:
        journal.append(invocation(0))
        assert journal.append_many(invocation(process) for process in (1, 2, 3)) == range(1, 4)
        assert journal.append_many([]) == range(4, 4)
        assert journal.append(invocation(4)) == 4
    assert len(writes) == 3
    assert list(read_history(tmp_path / "history.jsonl").process) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("patience", [1, 10, 400, 1500])
def test_sigkill_loses_no_acknowledged_line(tmp_path, patience):
    path = tmp_path / "history.jsonl"
    command = [sys.executable, "-c", RECORDER, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        for acknowledged in child.stdout:
            if int(acknowledged) >= patience:
                break
        child.send_signal(signal.SIGKILL)
        acknowledged = ([acknowledged, *child.stdout])[-1]
    assert child.returncode == -signal.SIGKILL
    history = read_history(path, tolerate_torn=True)
    assert len(history) > int(acknowledged)
    assert list(history.process) == list(range(len(history)))


def test_a_full_disk_is_a_sentence_and_leaves_a_well_formed_history(tmp_path):
    path = tmp_path / "history.jsonl"
    done = subprocess.run(
        [sys.executable, "-c", CROWDED, str(path)], capture_output=True, text=True, check=True, timeout=30
    )
    first, second = done.stdout.splitlines()
    acknowledged, sentence = first.split(" ", 1)
    assert sentence == f"the history {path} can no longer be written: File too large; make room and run again"
    assert second == f"again: {sentence}"
    assert len(read_history(path)) == int(acknowledged) > 0
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] != 1000


def test_a_write_that_the_kernel_splits_is_carried_on(tmp_path, monkeypatch):
    real = os.write
    monkeypatch.setattr(os, "write", lambda file, data: real(file, data[:7]))
    with Journal(tmp_path / "history.jsonl") as journal:
        journal.append_many([invocation(0), invocation(1)])
    assert len(read_history(tmp_path / "history.jsonl")) == 2


def test_a_write_that_fails_half_way_is_cut_off_again(tmp_path, monkeypatch):
    path = tmp_path / "history.jsonl"
    real = os.write
    left = [10]

    def full_after_ten(file, data):
        if not left[0]:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        taken, left[0] = left[0], 0
        return real(file, data[:taken])

    with Journal(path) as journal:
        journal.append(invocation(0))
        monkeypatch.setattr(os, "write", full_after_ten)
        with pytest.raises(JournalError, match="No space left on device"):
            journal.append_many([invocation(1), invocation(2)])
        assert len(journal) == 1
    assert list(read_history(path).process) == [0]


def test_an_existing_history_is_never_overwritten(tmp_path):
    path = tmp_path / "history.jsonl"
    path.write_text("precious\n")
    with pytest.raises(JournalError, match="cannot be created: File exists"):
        Journal(path)
    assert path.read_text() == "precious\n"


def test_an_unwritable_folder_is_a_sentence(tmp_path):
    with pytest.raises(JournalError, match=r"cannot be created: No such file.*--store"):
        Journal(tmp_path / "missing" / "history.jsonl")


def test_a_closed_journal_refuses_to_append(tmp_path):
    journal = Journal(tmp_path / "history.jsonl")
    journal.close()
    journal.close()
    with pytest.raises(JournalError, match="is closed"):
        journal.append(invocation(0))


def test_integers_beyond_64_bits_are_recorded_exactly(tmp_path):
    with Journal(tmp_path / "history.jsonl") as journal:
        journal.append({**invocation(0), "value": [2**80, "é"]})
    assert read_history(tmp_path / "history.jsonl")[0].value == [2**80, "é"]


@pytest.mark.parametrize("value", [object(), {1, 2}, "\ud800"])
def test_what_json_cannot_hold_is_refused_and_nothing_is_written(tmp_path, value):
    with Journal(tmp_path / "history.jsonl") as journal:
        with pytest.raises((TypeError, ValueError)):
            journal.append({**invocation(0), "value": value})
        assert journal.append(invocation(1)) == 0
    assert len(read_history(tmp_path / "history.jsonl")) == 1
