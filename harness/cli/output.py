"""Writing results to standard output."""

from __future__ import annotations

import os
import sys

import click


def emit(text: str) -> None:
    """Print a result. A reader that went away (`| head`) doesn't change how the command ends.

    Raises:
        OSError: standard output can't be written for another reason, such as a full disk.
    """
    try:
        click.echo(text)
        sys.stdout.flush()
    except BrokenPipeError:
        # What is still buffered must go somewhere, or the interpreter complains at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
