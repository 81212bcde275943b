"""Public histories with verdicts that their projects state: every one right, none unknown, all proved."""

import json
import os
import statistics
from pathlib import Path

import pytest

from splitbrain.checkers.models import BUILT_IN, choose
from splitbrain.checkers.portfolio import UNSET, check_linearizable
from splitbrain.checkers.verification.verify import verify
from splitbrain.histories import HistoryError, read_history

MODELS = {model.name: model for model in BUILT_IN}
BESIDE = Path(__file__).parents[4] / "shared" / "corpus"
CORPUS = Path(os.environ.get("SPLITBRAIN_CORPUS", BESIDE))
MANIFEST = CORPUS / "manifest.json"
ASKED_FOR = {"set-full": "grow-set"}
"""Models that say the same as the one that is guessed."""
ENTRIES = [
    entry
    for entry in (json.loads(MANIFEST.read_text()) if MANIFEST.is_file() else ())
    if entry["model"] in MODELS and "valid" in entry
]

pytestmark = pytest.mark.skipif(
    not ENTRIES, reason="the corpus is absent: set SPLITBRAIN_CORPUS, or put it at ../shared/corpus"
)


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry["file"])
def test_the_verdict_is_the_published_one_and_its_certificate_holds(entry):
    if entry.get("exit") == 64:
        with pytest.raises(HistoryError, match="a process does one operation at a time"):
            read_history(CORPUS / entry["file"])
        return
    history = read_history(CORPUS / entry["file"])
    result = check_linearizable(
        history,
        MODELS[entry["model"]],
        initial=entry.get("initial", UNSET),
        nil_reads=entry.get("nil_reads", "exact"),
        timeout=60,
    )
    if entry.get("exit") == 2:
        assert result.valid == "unknown"
        assert "nothing was tested" in result.reason
        return
    assert result.valid is entry["valid"], result.reason
    verification = verify(json.loads(json.dumps(result.certificate)), history)
    assert verification.holds is True, verification.reason


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry["file"])
def test_the_model_is_guessed(entry):
    """A register's log may lack the operation that tells it from a smaller model."""
    if entry.get("exit") != 64:
        guessed = choose(read_history(CORPUS / entry["file"]))
        assert guessed == ASKED_FOR.get(entry["model"], entry["model"])


def test_the_witnesses_of_the_etcd_logs_are_small():
    """Five values and many crashes: half of these logs break in two operations, a read and what was there."""
    sizes = []
    for entry in ENTRIES:
        if entry["file"].startswith("etcd/") and entry["valid"] is False:
            history = read_history(CORPUS / entry["file"])
            certificate = check_linearizable(history, MODELS[entry["model"]]).certificate
            sizes.append(len(certificate["operations"]) + (certificate["past"] is not None))
    assert len(sizes) > 30
    assert statistics.median(sizes) <= 2
    assert max(sizes) <= 16


@pytest.mark.parametrize(
    "entry", [entry for entry in ENTRIES if entry["file"].startswith("kv/")], ids=lambda entry: entry["file"]
)
def test_a_store_as_one_object_has_the_published_verdict_too(entry):
    history = read_history(CORPUS / entry["file"])
    result = check_linearizable(history, MODELS["kv"], initial=entry["initial"], keyed=False, timeout=60)
    assert result.valid is entry["valid"], result.reason
    assert verify(json.loads(json.dumps(result.certificate)), history).holds is True
