"""Systems that an exploration must not take at their word."""

import os
from typing import ClassVar

from splitbrain.systems.contract import Reply
from splitbrain.systems.description import NotePattern
from splitbrain.systems.kv import KvSystem
from splitbrain.systems.kv.node import KvNode


class Forgetful(KvNode):
    """Reads null for ever in the first run of a process, and never again."""

    runs: ClassVar[list[int]] = []
    first: ClassVar[int | None] = None

    def recover(self, started):
        if Forgetful.first is None:
            Forgetful.first = started.seed
        self.lies = Forgetful.first == started.seed and len(Forgetful.runs) == 0
        if not self.lies:
            Forgetful.runs.append(1)
        return super().recover(started)

    def serve(self, src, body):
        effects = super().serve(src, body)
        if not self.lies or body["type"] != "read":
            return effects
        return [
            Reply(each.dest, each.msg_id, {"type": "read_ok", "value": "made up"})
            if isinstance(each, Reply)
            else each
            for each in effects
        ]


class ForgetfulSystem(KvSystem):
    name = "forgetful"
    node = Forgetful


class Deadly(KvNode):
    """Takes its whole process along."""

    def recover(self, started):
        os._exit(9)


class DeadlySystem(KvSystem):
    name = "deadly"
    node = Deadly


class Stillborn(KvNode):
    """Does not come up."""

    def __init__(self, *arguments):
        raise RuntimeError("no")


class StillbornSystem(KvSystem):
    name = "stillborn"
    node = Stillborn


class DreamingSystem(KvSystem):
    """Expects something that its nodes never do."""

    name = "dreaming"
    milestones: ClassVar = {"write": NotePattern("appended"), "eclipse": NotePattern("eclipse")}
