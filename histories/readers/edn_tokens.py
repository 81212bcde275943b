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

TOKEN = re.compile(
    r"""[^\S\n,]*,*[^\S\n]*(            # whitespace and commas count for nothing
    [^\s,;"(){}\[\]\\\#^@`~][^\s,;"(){}\[\]\\]*     # a number, keyword, symbol, nil, true, false
    | [{}\[\]()\n]
    | "[^"\\]*(?:\\.[^"\\]*)*(?:"|\\?\Z)            # a string; without its last quote at the end of the text
    | \#\{ | \#_ | \#[^\s,;"(){}\[\]\\_]*           # a set, a discarded form, a tag
    | \\(?:[^\s,;"(){}\[\]\\]+|.)?                   # a character
    | ;[^\n]*
    | [^\s,]                                        # nothing of EDN's
    )""",
    re.VERBOSE | re.DOTALL,
)
BETWEEN = " \t\r,"


def token_runs(source: Source) -> Iterator[list[str]]:
    """Yield the tokens of the whole file in order, a chunk's worth at a time."""
    rest = ""
    while more := source.read_text(max(CHUNK, len(rest))):
        text = rest + more
        tokens = TOKEN.findall(text)
        rest = ""
        if tokens and tokens[-1] != "\n":
            rest = tokens.pop()
            if text[-1] in BETWEEN and not rest.endswith(text[-1]):
                rest += " "
        yield tokens
    if rest:
        yield TOKEN.findall(rest)
