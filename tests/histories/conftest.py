"""What the tests of histories share: files made of text, and the public corpus."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from splitbrain.histories import HistoryError, read_history


@pytest.fixture
def write(tmp_path):
    """Return a function that writes bytes or text into a file without an extension."""

    def put(content, name="history"):
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return put


@pytest.fixture
def refusal(write):
    """Return a function that gives the `HistoryError` which a text is refused with."""

    def refuse(content, **options):
        with pytest.raises(HistoryError) as caught:
            read_history(write(content), **options)
        return caught.value

    return refuse


@pytest.fixture(scope="session")
def corpus():
    named = os.environ.get("SPLITBRAIN_CORPUS")
    folder = Path(named) if named else Path(__file__).parents[3] / "shared" / "corpus"
    if not (folder / "manifest.json").exists():
        pytest.skip(f"no corpus at {folder}; name its folder in SPLITBRAIN_CORPUS")
    return folder
