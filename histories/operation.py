"""One operation with both its ends."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

Status: TypeAlias = Literal["ok", "fail", "info"]
STATUSES: tuple[Status, Status, Status] = ("ok", "fail", "info")
"""The statuses by their code in `History.status`."""


@dataclass(frozen=True, slots=True)
class Operation:
    """What a process asked for, and what it learned.

    `index` counts operations in the order of their invocations. `invoke` and `complete` are the
    zero-based positions of the two lines in the history, nemesis lines counted; `complete` is None
    if no line completes the operation. Evidence names an operation by `invoke`, and of two
    operations the first is over before the second begins exactly if its `complete` is smaller than
    the other's `invoke`.

    `status` is "ok" (it happened), "fail" (it did not) or "info" (it may have, or may yet). `value`
    is what was invoked, `result` what an ok returned (None otherwise); `applied` is False only for
    an ok that changed nothing because it compared unequal. `time` and `end_time` are nanoseconds
    since the run began, for display alone; `error` is whatever the completion gave as its reason.
    """

    index: int
    process: int
    f: str
    key: Any
    value: Any
    result: Any
    status: Status
    applied: bool
    invoke: int
    complete: int | None
    time: int | None = None
    end_time: int | None = None
    error: Any = None
