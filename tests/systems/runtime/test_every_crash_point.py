"""A process killed before any line of the log's code, and what is on its disk then.

Each life is a process of its own that ends without a word; what it stored in the shared mapping and in files
stays, as in a page cache.
"""

import json
import os
import shutil
import sys

from splitbrain.systems.runtime import log as log_module
from splitbrain.systems.runtime import pending as pending_module
from splitbrain.systems.runtime.log import Log, recover
from splitbrain.systems.runtime.pending import cut, materialise

CODE = frozenset({log_module.__file__, pending_module.__file__})
LARGE = "x" * 300
"""A record for which the mapping has to grow."""


class Promises:
    """What a node was told is durable, what it has appended, and the log that it is about to put in place."""

    def __init__(self):
        self.durable, self.written, self.replacing = [], [], None


def live(directory, tell):
    """Live one life and `tell` the promises whenever they change, before what may break them."""
    told = Promises()
    log = Log(directory)

    def append(*records):
        for record in records:
            told.written.append(record)
            tell(told)
            log.append(record)

    def sync():
        log.sync()
        told.durable = list(told.written)
        tell(told)

    append("a", "b")
    sync()
    append("c", LARGE)
    sync()
    append("d")
    told.replacing = ["snapshot"]
    tell(told)
    log.replace(told.replacing)
    told.durable, told.written, told.replacing = ["snapshot"], ["snapshot"], None
    tell(told)
    append("e", "f")
    sync()
    append("g", "h")


def die_before(line):
    """Have this process end before that many lines of the log's code."""
    left = line

    def trace(frame, event, _argument):
        nonlocal left
        if frame.f_code.co_filename not in CODE:
            return None
        if event == "line":
            left -= 1
            if left < 0:
                os._exit(9)
        return trace

    sys.settrace(trace)


def promises_of_a_life(directory, line):
    """Let a life be killed before that line; return its promises, and whether it got so far."""
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        try:
            os.close(reader)
            die_before(line)
            live(directory, lambda told: os.write(writer, (json.dumps(vars(told)) + "\n").encode()))
        finally:
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader, encoding="utf-8") as pipe:
        lines = pipe.read().splitlines()
    told = Promises()
    if lines:
        vars(told).update(json.loads(lines[-1]))
    _, status = os.waitpid(child, 0)
    return told, os.waitstatus_to_exitcode(status) == 9


def is_prefix(short, long):
    return list(short) == list(long)[: len(short)]


def holds(told, records):
    """Tell whether a disk with these records keeps the promises."""
    outcomes = [(told.durable, told.written)]
    if told.replacing is not None:
        # The swap is atomic: the old log, every record of which is synced first, or the new one.
        outcomes.append((told.replacing, told.replacing))
    return any(is_prefix(least, records) and is_prefix(records, most) for least, most in outcomes)


def settled(directory, how, line):
    """Settle a copy of the disk in that way; return what is recovered, and whether a record was torn."""
    copy = directory.with_name(f"{how}-{line}")
    shutil.copytree(directory, copy)
    torn = False
    if how == "kill":
        materialise(copy)
    elif how == "power-cut":
        torn = cut(copy, seed=line).torn
    if how == "restart" or not (copy / "log").exists():
        log = Log(copy)
        log.close()
        recovered = log.recovered
    else:
        recovered = recover(copy / "log")
    shutil.rmtree(copy)
    return recovered, torn


def test_promises_are_kept_by_a_disk_whose_node_was_killed_before_any_line(tmp_path, monkeypatch):
    # Nothing here loses the page cache, so waiting for the disk would only make it slow.
    monkeypatch.setattr(os, "fsync", lambda _descriptor: None)
    monkeypatch.setattr(pending_module, "_ROOM", 200)
    line, killed, torn_tails = 0, True, 0
    while killed:
        directory = tmp_path / "disk"
        directory.mkdir()
        told, killed = promises_of_a_life(directory, line)
        for how in ("kill", "power-cut", "restart"):
            recovered, torn = settled(directory, how, line)
            case = f"{how} before line {line}: {str(recovered.records)[:60]}, torn {str(recovered.torn)[:20]}"
            assert holds(told, recovered.records), case
            assert (recovered.torn is not None) == torn, case
            if how != "power-cut" and told.replacing is None:
                # Only the record whose append had not returned may be missing.
                assert len(recovered.records) >= len(told.written) - 1, case
            torn_tails += torn
        shutil.rmtree(directory)
        line += 1
    assert line > 100
    assert torn_tails > 3
