"""docs/simulation.md: what it shows stands in the examples, and what it names is there."""

from __future__ import annotations

import inspect
import re
import shlex
import textwrap
from pathlib import Path

import click
import pytest

from splitbrain.cli import command as cli
from splitbrain.testing import simulate

REPOSITORY = Path(__file__).parents[2]
GUIDE = (REPOSITORY / "docs" / "simulation.md").read_text()
SHOWN = re.findall(r"<!-- (\S+) -->\n```python\n(.*?)```", GUIDE, re.DOTALL)
COMMANDS = re.findall(r"^    (splitbrain [^#\n]*)", GUIDE, re.MULTILINE)


@pytest.mark.parametrize(("file", "block"), SHOWN)
def test_every_block_of_code_stands_in_the_example_that_it_names(file, block):
    assert textwrap.dedent(block) in (REPOSITORY / file).read_text()


def test_the_table_has_every_argument_with_its_default():
    rows = re.findall(r"^\| (`.*?) \| (.*?) \|", GUIDE, re.MULTILINE)
    told = {name: default for names, default in rows for name in re.findall(r"`(\w+)`", names)}
    parameters = dict(inspect.signature(simulate).parameters)
    del parameters["tested"]
    assert set(told) == set(parameters)
    assert float(told["seeds"]) == parameters["seeds"].default
    assert float(told["shrink_seconds"]) == parameters["shrink_seconds"].default
    assert told["check_determinism"] == str(parameters["check_determinism"].default).lower()


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_the_options_that_the_guide_gives_it(command):
    _, verb, *arguments = shlex.split(command)
    found = cli.get_command(click.Context(cli), verb)
    known = {option for parameter in found.params for option in parameter.opts}
    assert {each for each in arguments if each.startswith("--")} <= known


def test_the_guide_shows_code_and_commands():
    assert len(SHOWN) >= 2
    assert {shlex.split(command)[1] for command in COMMANDS} == {"run", "explore", "shrink", "replay"}
