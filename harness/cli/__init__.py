"""The command line: one module a verb, imported when the verb is used.

`splitbrain --help` lists the verbs from the table below without importing any of them, which is
what keeps it fast.
"""

from __future__ import annotations

from importlib import import_module

import click

VERBS = {
    "run": "Deploy a system, hurt it under load, and decide whether it kept its promises.",
    "explore": "Simulate a system under thousands of seeds, and find what breaks it.",
    "check": "Decide histories or runs: valid, invalid with a witness, or unknown.",
    "explain": "Say in a paragraph what contradicts itself, what proves a pass, or what stopped the search.",
    "verify": "Re-check a certificate with a program that shares no code with the searches.",
    "replay": "Repeat a run: same system, workload, seed and fault plan; a replay file to the last step.",
    "shrink": "Make a failing simulated run as small as it gets, and tell its story.",
    "systems": "List the systems under test.",
    "workloads": "List the workloads.",
    "models": "List the data types that histories are checked against.",
    "faults": "List the faults.",
    "bugs": "List the seeded bugs, and the command that convicts each.",
}


class VerbGroup(click.Group):
    """A group whose commands live in `splitbrain.cli.VERB` and are imported on first use."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  click's signature
        """Return the verbs in the order of the table."""
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002  click's signature
        """Import a verb's command."""
        if cmd_name not in VERBS:
            return None
        loaded = getattr(import_module(f"splitbrain.cli.{_module(cmd_name)}"), cmd_name)
        assert isinstance(loaded, click.Command)
        return loaded

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002  click's signature
        """Write the table without importing the verbs."""
        with formatter.section("Verbs"):
            formatter.write_dl(list(VERBS.items()))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Name the known verbs where an unknown one is given."""
        if args and args[0] not in VERBS and not args[0].startswith("-"):
            raise click.UsageError(f"There is no verb {args[0]!r}; known are {', '.join(VERBS)}.")
        return super().resolve_command(ctx, args)


def _module(verb: str) -> str:
    return "lists" if verb in ("systems", "workloads", "models", "faults", "bugs") else verb


@click.group(
    cls=VerbGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.version_option(package_name="splitbrain", message="%(prog)s %(version)s")
def command() -> None:
    """Finds the executions in which a distributed system breaks its promises, and proves it.

    Exit codes: 0 valid, 1 invalid (proved), 2 unknown or interrupted, 64 usage or unreadable
    input, 70 the harness itself failed.
    """
