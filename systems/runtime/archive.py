"""The zipapp that is shipped to a node: `systems/` and nothing else, run as `python3 node.pyz`.

Its packages keep their import names, so a user's `from splitbrain.systems.contract import Node`
works on a host where nothing is installed. Equal sources give equal bytes: fixed times, fixed
modes, sorted names, no compression (whose output depends on the library's version).
"""

from __future__ import annotations

import zipfile
from pathlib import Path

from .config import EXTENSIONS

ROOT = "splitbrain/systems"
_EPOCH = (1980, 1, 1, 0, 0, 0)

STARTER = """\
import sys

if sys.version_info < (3, 11):
    sys.exit("A node needs Python 3.11 or later, and this is %s." % sys.version.split()[0])

from splitbrain.systems.runtime.main import main

sys.exit(main())
"""


def build_archive(target: Path, extra: Path | None = None) -> Path:
    """Write the archive to `target` and return it; `extra` is a user's system file to ship with it.

    The user's file is loaded as "file.py:Class" by its bare name.

    Raises:
        OSError: a file can't be read, or the target can't be written.
    """
    source = Path(__file__).parents[1]
    contents = {"__main__.py": STARTER.encode(), "splitbrain/__init__.py": b""}
    for path in source.rglob("*.py"):
        contents[f"{ROOT}/{path.relative_to(source).as_posix()}"] = path.read_bytes()
    if extra is not None:
        contents[f"{EXTENSIONS}/{extra.name}"] = extra.read_bytes()
    with target.open("wb") as file:
        file.write(b"#!/usr/bin/env python3\n")
        with zipfile.ZipFile(file, "w") as archive:
            for name in sorted(contents):
                entry = zipfile.ZipInfo(name, _EPOCH)
                entry.external_attr = 0o644 << 16
                archive.writestr(entry, contents[name])
    target.chmod(0o755)
    return target
