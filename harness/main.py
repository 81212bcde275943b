"""The entry point: runs a command and maps how it ended to an exit code.

Click's own codes clash with ours (2 for usage, 1 for an abort), so its standalone mode is off, and
every import but that of the codes happens inside the `try`.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from splitbrain.exits import HARNESS, UNKNOWN, USAGE, VALID

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `splitbrain` with these arguments (the process's own by default); return its exit code."""
    try:
        import click  # noqa: PLC0415  an interrupt or a broken install during imports is mapped too

        from splitbrain.cli import command  # noqa: PLC0415  as above
        from splitbrain.errors import HarnessError, UsageError  # noqa: PLC0415  as above

        try:
            code = command.main(args=arguments, prog_name="splitbrain", standalone_mode=False)
            sys.stdout.flush()
        except click.Abort:
            code = _say("Interrupted.", UNKNOWN)
        except click.ClickException as error:
            code = _say(f"{error.format_message()} (see splitbrain --help)", USAGE)
        except UsageError as error:
            code = _say(str(error), USAGE)
        except HarnessError as error:
            code = _say(str(error), HARNESS)
        return code if isinstance(code, int) else VALID
    except KeyboardInterrupt:
        return _say("Interrupted.", UNKNOWN)
    except BrokenPipeError:
        # The reader of our output went away (`| head`): nothing is left to say, not even at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return VALID
    except Exception:  # noqa: BLE001  a bug of ours must not pass for a verdict, whatever it is
        import traceback  # noqa: PLC0415  only when all is lost

        traceback.print_exc()
        return _say("splitbrain itself failed; the lines above say where.", HARNESS)


def _say(sentence: str, code: int) -> int:
    print(f"splitbrain: {sentence}", file=sys.stderr)  # noqa: T201  the one place that ends a command
    return code


if __name__ == "__main__":
    sys.exit(main())
