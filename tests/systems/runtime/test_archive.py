"""The zipapp: the same bytes each time, nothing but the standard library, and a sentence on an old Python."""

import subprocess
import sys
import zipfile

import pytest

from splitbrain.systems.runtime.archive import STARTER, build_archive


def test_equal_sources_give_equal_bytes(tmp_path):
    first, second = build_archive(tmp_path / "a.pyz"), build_archive(tmp_path / "b.pyz")
    assert first.read_bytes() == second.read_bytes()


def test_it_holds_the_systems_and_nothing_of_the_controller(tmp_path):
    extra = tmp_path / "json.py"
    extra.write_text("")
    names = zipfile.ZipFile(build_archive(tmp_path / "a.pyz", extra)).namelist()
    assert "splitbrain/systems/kv/node.py" in names
    assert zipfile.ZipFile(tmp_path / "a.pyz").read("splitbrain/__init__.py") == b""
    # A user's file of whatever name must not shadow a module of the standard library.
    assert "extensions/json.py" in names
    others = {name for name in names if not name.startswith("splitbrain/systems/")}
    assert others == {"__main__.py", "splitbrain/__init__.py", "extensions/json.py"}


def test_every_module_in_it_imports_without_anything_installed(tmp_path):
    archive = build_archive(tmp_path / "a.pyz")
    modules = [
        name.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        for name in zipfile.ZipFile(archive).namelist()
        if name.startswith("splitbrain/systems/") and not name.endswith("__main__.py")
    ]
    program = f"import sys; sys.path.insert(0, {str(archive)!r}); import " + ", ".join(modules)
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", program], capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
    assert done.returncode == 0


def test_an_old_python_gets_a_sentence(monkeypatch):
    monkeypatch.setattr("sys.version_info", (3, 9, 1))
    with pytest.raises(SystemExit, match=r"A node needs Python 3\.11 or later, and this is"):
        exec(STARTER, {})
