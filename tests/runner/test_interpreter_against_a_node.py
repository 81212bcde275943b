"""A real node and real client sessions in memory, with a network that delays and loses messages."""

import heapq
from random import Random

import pytest

from splitbrain import generators as gen
from splitbrain import registry
from splitbrain.backend import ClientMessage
from splitbrain.checkers.portfolio import check_linearizable
from splitbrain.histories import Journal, read_history
from splitbrain.runner.interpreter import Interpreter, SendRequest
from splitbrain.runner.measurements import measure
from splitbrain.systems.client import SessionClient
from splitbrain.systems.contract import MILLISECOND, SECOND, Now, Persist, Persisted, Received, Reply, Started
from splitbrain.systems.kv.node import KvNode


class Network:
    """Carries messages to and from one node; every tenth is lost, and some are late."""

    def __init__(self, node, seed):
        self.node = node
        self.random = Random(seed)
        self.queue = []
        self.sent = 0
        self.node.step(Started((), None, seed), Now(0, 0))

    def carry(self, what, now):
        if self.random.random() > 0.1:
            delay = self.random.choice([1, 2, 3, 400]) * MILLISECOND
            self.sent += 1
            heapq.heappush(self.queue, (now + delay, self.sent, what))

    def next(self):
        return self.queue[0][0] if self.queue else None

    def arrived(self, now):
        """Let what is due arrive; return the replies that have reached clients."""
        replies = []
        while self.queue and self.queue[0][0] <= now:
            _, _, what = heapq.heappop(self.queue)
            if isinstance(what, ClientMessage):
                replies.append(what)
                continue
            for effect in self._step(Received(what.client, what.body), now):
                if isinstance(effect, Reply):
                    body = {**effect.body, "in_reply_to": effect.msg_id}
                    self.carry(ClientMessage(effect.dest, self.node.name, body), now)
        return replies

    def _step(self, event, now):
        effects = self.node.step(event, Now(now, now))
        for effect in list(effects):
            if isinstance(effect, Persist):
                effects += self.node.step(Persisted(effect.id), Now(now, now))
        return effects


def run(path, workload_name, node, seed):
    random = Random(seed)
    workload = registry.find("workloads", workload_name).value()
    operations = gen.limit(600, gen.stagger(0.002, workload.generator(workload.settle({}), random), random))
    network = Network(node, seed)
    with Journal(path) as journal:
        interpreter = Interpreter(
            operations,
            concurrency=5,
            nodes=("n1",),
            client=lambda name, preferred: SessionClient(name, ("n1",), preferred, {}),
            journal=journal,
            timeout=SECOND,
            seed=seed,
        )
        now = 0
        while not interpreter.done:
            actions = interpreter.advance(now)
            for reply in network.arrived(now):
                actions += interpreter.deliver(reply, now)
            for action in actions:
                if isinstance(action, SendRequest):
                    network.carry(action, now)
            instants = [at for at in (interpreter.next_wake(now), network.next()) if at is not None]
            now = max(now + 1, min(instants, default=now))
    assert interpreter.remarks == []
    model = registry.find("models", workload.model).value()
    return read_history(path), model


@pytest.mark.parametrize("workload", ["register", "kv"])
def test_a_correct_node_behind_a_bad_network_gives_a_linearizable_history(tmp_path, workload):
    history, model = run(tmp_path / "history.jsonl", workload, KvNode("n1", (), {}), seed=1)
    assert check_linearizable(history, model).valid is True
    measured = measure(history, [])
    assert measured["operations"] == 600
    assert measured["availability"] > 0.9
    assert any(not operation.applied for operation in history)


class LosesOneWriteInTen(KvNode):
    """Answers some writes without applying them."""

    def serve(self, src, body):
        if body["type"] == "write" and body["msg_id"] % 10 == 3:
            return self.answer(src, body["msg_id"], "write", {"type": "write_ok"})
        return super().serve(src, body)


@pytest.mark.parametrize("workload", ["register", "kv"])
def test_a_node_that_loses_writes_is_convicted_by_either_workload(tmp_path, workload):
    history, model = run(tmp_path / "history.jsonl", workload, LosesOneWriteInTen("n1", (), {}), seed=2)
    assert check_linearizable(history, model).valid is False
