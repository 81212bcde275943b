"""`splitbrain replay RUN`: the same system, workload, seed and fault plan again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from splitbrain.cli.run import carry_out, json_option, store_option
from splitbrain.errors import UsageError
from splitbrain.store import RunDirectory, is_run


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@store_option
@json_option
def replay(run: Path, store: Path, *, json_output: bool) -> int:
    """Repeat RUN (a run directory, or its plan.json or test.json) in a new run directory.

    On real processes the fault plan is repeated, not the schedule: the same faults hit at the same
    times, but messages may interleave differently.
    """
    from splitbrain.plan import plan_from_json  # noqa: PLC0415  keeps --help fast
    from splitbrain.runner.preparation import prepare  # noqa: PLC0415  as above

    directory = RunDirectory(run.parent if run.name in ("plan.json", "test.json") else run)
    if not is_run(directory.path):
        raise UsageError(
            f"{run} belongs to no run directory; a plan on its own is for `splitbrain run SYSTEM --plan`."
        )
    test = directory.read("test.json")
    plan = plan_from_json(directory.read("plan.json"))
    return carry_out(prepare(_options(test, store), plan), store, json_output=json_output)


def _options(test: dict[str, Any], store: Path) -> Any:
    from splitbrain.runner.preparation import RunOptions  # noqa: PLC0415  keeps --help fast

    try:
        return RunOptions(
            system=test["system"],
            store=store,
            on=test["on"],
            nodes=len(test["nodes"]),
            workload=test["workload"],
            rate=test["rate"],
            concurrency=test["concurrency"],
            operation_timeout=test["operation_timeout"],
            seed=test["seed"],
            bugs=tuple(test["bugs"]),
            require=test["require"],
        )
    except (KeyError, TypeError) as error:
        raise UsageError(f"test.json of the run to repeat lacks or garbles {error}.") from error
