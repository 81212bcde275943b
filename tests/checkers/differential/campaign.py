"""Runs of every lane on very many histories, in shards: each begins from a seed of its own.

    python tests/checkers/differential/campaign.py 1000000 stack queue --log FILE

compares a million different histories of each of these data types and appends a line of JSON to the file for
each shard. A run that was stopped goes on behind the last shard in the file, which also counts towards a
larger number. The kinds of values of a data type share its histories evenly.
"""

import argparse
import gc
import json
from dataclasses import asdict, dataclass, field
from itertools import count
from operator import add
from pathlib import Path

from every_lane import Judge
from many_histories import Histories
from sequential_types import TYPES
from small_histories import shrunk
from whole_checker import complaint

BATCH = 200
TRIALS = (40, 440, 4_040)
"""After so many histories it is seen which lanes aren't worth asking."""
PROVED = 50
"""One history in so many is decided by the whole checker as well, and its certificate verified."""
LISTED = 5
MOST_DRAWN = 3
"""Of a data type with few histories, at most so many times those wanted are drawn."""


@dataclass
class Tally:
    """What was compared. `lanes`: how many each found linearizable, refuted and left."""

    drawn: int = 0
    different: int = 0
    valid: int = 0
    crashed: int = 0
    proved: int = 0
    lanes: dict = field(default_factory=dict)
    complaints: list = field(default_factory=list)

    def __add__(self, other):
        total = Tally(*map(add, self._numbers(), other._numbers()))
        total.complaints = self.complaints + other.complaints
        for lane in {**self.lanes, **other.lanes}:
            counts = (each.lanes.get(lane, (0, 0, 0)) for each in (self, other))
            total.lanes[lane] = [sum(column) for column in zip(*counts, strict=True)]
        return total

    def _numbers(self):
        return self.drawn, self.different, self.valid, self.crashed, self.proved


class Campaign:
    """The comparison of one data type with one kind of values.

    Of several processes that draw the same shards, each takes its `share` of them: (which, of how many).
    """

    def __init__(self, name, share=(0, 1)):
        self.name = name
        self.histories = Histories(TYPES[name])
        self.judge = Judge(self.histories)
        self.tally = Tally()
        self._which, self._shares = share
        self._compared = 0
        self._shapes = set()

    def run(self, shard, most=None):
        """Compare the histories of a shard that are new, or only the first so many."""
        batch = []
        for drawn, new in self._drawn(shard):
            if not new:
                continue
            batch.append((drawn, self._truth(drawn)))
            if len(batch) == BATCH or self._compared in TRIALS:
                self._compare(batch)
                batch = []
            if self.tally.different == most:
                break
        self._compare(batch)
        return self.tally

    def skip(self, shard):
        """Draw the histories of a shard that was compared already."""
        for _ in self._drawn(shard):
            pass

    def _drawn(self, shard):
        """Yield the histories of a shard, and whether each is new and ours."""
        for drawn in self.histories.draw(shard, self.name):
            self.tally.drawn += 1
            ours = drawn.required and drawn.shape % self._shares == self._which
            yield drawn, ours and drawn.shape not in self._shapes
            self._shapes.add(drawn.shape)

    def _truth(self, drawn):
        """Count a history and ask the oracle, and the whole checker now and then."""
        truth, tally = self.histories.linearizable(drawn), self.tally
        tally.different += 1
        tally.valid += truth
        tally.crashed += drawn.required.bit_count() < len(drawn.calls)
        self._compared += 1
        if self._compared % PROVED == 0:
            tally.proved += 1
            told = complaint(TYPES[self.name], drawn.lines, "auto")
            if told is not truth:
                self._complain(f"the whole checker: {told} of\n{_text(drawn.lines)}")
        return truth

    def _compare(self, batch):
        if not batch:
            return
        self.judge.counts = self.tally.lanes
        for disagreement in self.judge.judge(batch):
            if len(self.tally.complaints) < LISTED:
                self._complain(self._shown(disagreement))
        if self._compared in TRIALS:
            self.judge.drop_silent(last=self._compared == TRIALS[-1])
        gc.collect(1)

    def _complain(self, text):
        self.tally.complaints.append(f"{self.name}, {text}")

    def _shown(self, disagreement):
        """Shrink a disagreement and say what it is."""
        lane, _, drawn = disagreement

        def told(events):
            return complaints(self.histories, events, reuse=drawn.reuse, only=lane).get(lane)

        events = shrunk(drawn.events, told) if told(drawn.events) else drawn.events
        said = told(events) or f"{disagreement.complaint}, but not when it is asked again"
        lines = self.histories.play(events, reuse=drawn.reuse).lines
        return f"{lane}: {said}\n{_text(lines)}"


def complaints(histories, events, *, reuse, only=None):
    """Return what is wrong with what lanes, or one of them, say of the history that events make, by lane."""
    drawn = histories.play(events, reuse=reuse)
    if not drawn.required:
        return {}
    truth = histories.linearizable(drawn)
    return {each.lane: each.complaint for each in Judge(histories, only).judge([(drawn, truth)])}


def _text(lines):
    return "\n".join(map(json.dumps, lines))


def names_of(model):
    """Return the names of a data type with all kinds of values."""
    return [name for name, data_type in TYPES.items() if data_type.model == model]


def compare(name, amount, share=(0, 1)):
    """Compare so many different histories, or fewer if there aren't; return the tally."""
    campaign = Campaign(name, share)
    for shard in count():
        tally = campaign.run(shard, amount)
        if tally.different == amount or tally.drawn >= MOST_DRAWN * amount * share[1]:
            return tally
    raise AssertionError("shards never end")


def _go_on(name, amount, log):
    """Compare at least so many histories, with those that are in the log."""
    campaign, total = Campaign(name), Tally()
    lines = map(json.loads, log.read_text().splitlines()) if log.exists() else ()
    done = [line for line in lines if line.pop("name") == name]
    for shard in count():
        if total.different >= amount or total.drawn >= MOST_DRAWN * amount:
            return
        if shard < len(done):
            campaign.skip(shard)
            total += Tally(**done[shard])
            continue
        campaign.tally = Tally()
        total += campaign.run(shard)
        with log.open("a") as file:
            file.write(json.dumps({"name": name, **asdict(campaign.tally)}) + "\n")


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    arguments.add_argument("histories", type=int, help="how many of each data type")
    arguments.add_argument("models", nargs="+")
    arguments.add_argument("--log", type=Path, required=True)
    options = arguments.parse_args()
    for model in options.models:
        for name in names_of(model):
            _go_on(name, options.histories // len(names_of(model)), options.log)


if __name__ == "__main__":
    main()
