"""The one exception of this package: a history that cannot be read, said in a sentence."""

from __future__ import annotations


class HistoryError(Exception):
    """A history is malformed or unreadable.

    `path` names the file, `line` is its 1-based line (None when the file as a whole is meant), and
    `message` says what was found and what was expected. `str()` gives all three as one sentence.
    """

    def __init__(self, path: str, line: int | None, message: str) -> None:
        self.path = path
        self.line = line
        self.message = printable(message)
        where = path if line is None else f"{path}, line {line}"
        super().__init__(f"{where}: {self.message}")


def printable(text: str) -> str:
    """Return a text on one line, with whatever a hostile file would send to a terminal escaped."""
    if text.isprintable():
        return text
    return "".join(mark if mark.isprintable() else repr(mark)[1:-1] for mark in text)


class TornHistoryError(HistoryError):
    """The file ends inside its last entry, as it does when its writer was killed or is still writing."""
