"""Every public history with a known verdict loads, except those that owe a refusal."""

from __future__ import annotations

import json

import pytest

from splitbrain.histories import HistoryError, read_history

FORMAT = {"edn-lines": "edn"}


@pytest.fixture(scope="module")
def manifest(corpus):
    return json.loads((corpus / "manifest.json").read_text())


def test_every_file_loads_by_detection_as_by_its_named_format(corpus, manifest):
    for entry in manifest:
        if entry.get("exit") == 64:
            continue
        history = read_history(corpus / entry["file"])
        assert len(history) > 0, entry["file"]
        named = FORMAT.get(entry["format"], entry["format"])
        if (corpus / entry["file"]).stat().st_size < 20_000:
            assert list(read_history(corpus / entry["file"], format=named)) == list(history)


def test_only_the_histories_with_a_key_field_are_keyed(corpus, manifest):
    for entry in manifest:
        if entry.get("exit") != 64:
            history = read_history(corpus / entry["file"])
            assert history.keyed == (entry["model"] == "kv"), entry["file"]


def test_the_files_that_break_the_format_are_refused_with_the_index(corpus, manifest):
    broken = [entry["file"] for entry in manifest if entry.get("exit") == 64]
    assert broken, "the manifest lists none"
    for file in broken:
        with pytest.raises(HistoryError, match=r"line 16: process 1 invokes pop at position 15 while .*14"):
            read_history(corpus / file)


def test_every_line_of_an_etcd_log_belongs_to_an_operation(corpus):
    for path in sorted((corpus / "etcd").glob("*.log")):
        history = read_history(path)
        lines = len(path.read_text().split("\n")) - 1
        completed = sum(operation.complete is not None for operation in history)
        assert len(history) + completed + len(history.nemesis) == lines, path.name
        assert history.notes == ()
