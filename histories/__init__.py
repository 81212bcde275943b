"""What a history is: operations, columns, readers and the journal."""

from splitbrain.histories.builder import build_history
from splitbrain.histories.errors import HistoryError
from splitbrain.histories.history import History
from splitbrain.histories.journal import Journal, JournalError
from splitbrain.histories.keys import KEYED, Keyed
from splitbrain.histories.operation import Operation, Status
from splitbrain.histories.reading import FORMATS, read_history

__all__ = [
    "FORMATS",
    "KEYED",
    "History",
    "HistoryError",
    "Journal",
    "JournalError",
    "Keyed",
    "Operation",
    "Status",
    "build_history",
    "read_history",
]
