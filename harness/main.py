"""The entry point: runs a command and maps how it ended to an exit code.

Click's own codes clash with ours (2 for usage, 1 for an abort), so its standalone mode is off, and
every import but that of the codes happens inside the `try`. A stream that is closed or full must not
turn a verdict into a traceback either.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from typing import TYPE_CHECKING, Any

from splitbrain.exits import HARNESS, UNKNOWN, USAGE, VALID

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `splitbrain` with these arguments (the process's own by default); return its exit code."""
    try:
        _prepare_process()
        import click  # noqa: PLC0415  an interrupt or a broken install during imports is mapped too

        from splitbrain.cli import command  # noqa: PLC0415  as above
        from splitbrain.errors import HarnessError, UsageError  # noqa: PLC0415  as above

        try:
            code = command.main(args=arguments, prog_name="splitbrain", standalone_mode=False)
        except click.Abort:
            code = _say("Interrupted.", UNKNOWN)
        except click.ClickException as error:
            code = _say(f"{error.format_message()} (see splitbrain --help)", USAGE)
        except UsageError as error:
            code = _say(str(error), USAGE)
        except HarnessError as error:
            code = _say(str(error), HARNESS)
        _flush()
        return code if isinstance(code, int) else VALID
    except KeyboardInterrupt:
        return _say("Interrupted.", UNKNOWN)
    except OSError as error:
        _discard_output()
        return _say(f"The system refused: {error}.", HARNESS)
    except Exception:  # noqa: BLE001  a bug of ours must not pass for a verdict, whatever it is
        import traceback  # noqa: PLC0415  only when all is lost

        traceback.print_exc()
        return _say("splitbrain itself failed; the lines above say where.", HARNESS)


def _prepare_process() -> None:
    """Make SIGTERM an interrupt, and give closed streams somewhere to go."""
    # Only the main thread may set handlers; elsewhere the caller's own are the right ones.
    with contextlib.suppress(ValueError):
        if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
            signal.signal(signal.SIGTERM, _interrupt)
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_WRONLY), "w", encoding="utf-8"))


def _interrupt(_signal: int, _frame: Any) -> None:
    raise KeyboardInterrupt


def _flush() -> None:
    """Write out what is left; a reader that went away (`| head`) changes no verdict."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        _discard_output()


def _discard_output() -> None:
    """Let what is still buffered go nowhere, so that the interpreter's own flush at exit can't fail."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _say(sentence: str, code: int) -> int:
    with contextlib.suppress(OSError, ValueError):
        print(f"splitbrain: {sentence}", file=sys.stderr)  # noqa: T201  the one place that ends a command
    return code


if __name__ == "__main__":
    sys.exit(main())
