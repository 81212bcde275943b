"""EDN's tokens, cut out of a stream of text.

One compiled expression matches any token, and `findall` hands them over as plain strings: the whole scan
runs inside the expression engine. Whitespace and commas are skipped; newlines and comments are tokens,
since somebody has to count lines. A token that touches the end of the text read so far may go on in the
text to come: it is held back and scanned again together with what follows.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from splitbrain.histories.readers.source import CHUNK

if TYPE_CHECKING:
    from collections.abc import Iterator

    from splitbrain.histories.readers.source import Source

BLANK = r" \t\r\f\v,\x1c-\x1f\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
"""Whitespace other than newlines, and commas, as members of a character class."""
TOKEN = re.compile(
    "["
    + BLANK
    + r"""]*(
    [^\s,;"(){}\[\]\\\#^@`~][^\s,;"(){}\[\]\\]*     # a number, keyword, symbol, nil, true, false
    | [{}\[\]()\n]
    | "[^"\\]*(?:\\.[^"\\]*)*(?:"|\\?\Z)            # a string; without its last quote at the end of the text
    | \#\{ | \#_                                    # a set, a discarded form
    | \#(?:[^\s,;"(){}\[\]\\_][^\s,;"(){}\[\]\\]*)? # a tag
    | \\(?:[^\s,;"(){}\[\]\\]+|.)?                  # a character
    | ;[^\n]*
    | [^\s,]                                        # nothing of EDN's
    | \Z                                            # so that no run of blanks is ever scanned twice
    )""",
    re.VERBOSE | re.DOTALL,
)


def tokenise(text: str) -> list[str]:
    """Return the tokens of a text."""
    tokens = TOKEN.findall(text)
    while tokens and not tokens[-1]:
        tokens.pop()
    return tokens


def token_runs(source: Source) -> Iterator[list[str]]:
    """Yield the tokens of the whole file in order, a chunk's worth at a time."""
    rest = ""
    while more := source.read_text(max(CHUNK, len(rest))):
        text = rest + more
        tokens = tokenise(text)
        rest = ""
        if tokens and tokens[-1] != "\n":
            rest = tokens.pop()
            if not text.endswith(rest):  # blanks follow, so it is whole
                rest += " "
        yield tokens
    yield tokenise(rest)
