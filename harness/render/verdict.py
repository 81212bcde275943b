"""A verdict for people: what it is, what was checked, what broke, what was measured, how to repeat it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from splitbrain.render.notes import render_notes
from splitbrain.render.text import as_json, colours_wanted, plural, printable, shorten, terminal_width, wrap
from splitbrain.render.witness import render_witness

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

WORDS = {True: ("VALID", "32"), False: ("INVALID", "31"), "unknown": ("UNKNOWN", "33")}
"""The word for each verdict, and the number of its terminal colour (green, red, yellow)."""
MEASUREMENTS = {
    "seconds": ("length of the run", "{:,.1f} s"),
    "operations": ("operations", "{:,}"),
    "throughput": ("throughput", "{:,.1f} ok a second"),
    "p50": ("median latency", "{:,.2f} ms"),
    "p95": ("95th percentile", "{:,.2f} ms"),
    "p99": ("99th percentile", "{:,.2f} ms"),
    "max": ("slowest", "{:,.2f} ms"),
    "availability": ("availability", "{:.2%} of operations ok"),
    "served": ("served", "{:.2%} of the time"),
    "longest_outage": ("longest outage", "{:,.2f} s"),
    "recovery": ("slowest recovery", "{:,.2f} s"),
}
"""Name and form of each measurement. Others are shown as they are."""
KINDS = {
    "ES": "election safety: two leaders in one term",
    "LM": "log matching",
    "LC": "leader completeness: a committed entry lost",
    "SMS": "state-machine safety",
    "DUP": "an effect taken twice",
    "CRASH": "a process that ended by itself",
}
"""The kinds of violations in words, where the summary doesn't say it; docs/words.md says more."""
UNDECIDED = "auto"
"""The method of a history that nothing decided."""
MOST_LISTED = 5
"""How many violations beyond the first of their kind get a sentence each."""
LOG_LINES = 12
LOW = 0.5
"""Below such a share of noticed corruptions a verdict says which ones it would have missed."""
UNNOTICED = 3
INDENT = "  "


def render_verdict(
    verdict: Mapping[str, Any], *, width: int | None = None, colour: bool | None = None
) -> str:
    """Return a verdict (DESIGN: verdict) as text.

    `width` defaults to the terminal's; `colour` to whether standard output is a terminal.
    """
    width = terminal_width() if width is None else width
    sections = [
        _headline(verdict, width, colour=colours_wanted() if colour is None else colour),
        *_violations(verdict.get("violations", ()), width),
        list(_gates(verdict.get("gates", ()), width)),
        list(_vacuity(verdict, width)),
        list(_measurements(verdict.get("measurements") or {}, width)),
        [line for remark in verdict.get("remarks", ()) for line in wrap(str(remark), width, "remark: ")],
        list(_where(verdict)),
    ]
    return "\n\n".join("\n".join(section) for section in sections if section)


def _headline(verdict: Mapping[str, Any], width: int, *, colour: bool) -> list[str]:
    word = WORDS.get(verdict.get("valid", "unknown"), WORDS["unknown"])
    lines = wrap(str(verdict.get("reason", "")), width, f"{word[0]}  ", INDENT)
    return [*coloured(lines, word, colour=colour), *what_was_checked(verdict, width)]


def coloured(lines: Sequence[str], word: tuple[str, str], *, colour: bool) -> list[str]:
    """Return the lines with the verdict's word in its colour, if colour is wanted."""
    painted = f"\x1b[1;{word[1]}m{word[0]}\x1b[0m"
    return [lines[0].replace(word[0], painted, 1) if colour else lines[0], *lines[1:]]


def what_was_checked(verdict: Mapping[str, Any], width: int) -> list[str]:
    """Say what was checked, how long that took, and by what."""
    about = [str(verdict["file"])] if "file" in verdict else []
    if verdict.get("model"):  # none: it took too long to guess
        about.append(f"model {verdict['model']}")
    about.append(f"{plural(int(verdict.get('operations') or 0), 'operation')}")
    about.append(f"{float(verdict.get('seconds') or 0.0):.3f} s of checking")
    checks = verdict.get("checks", ())
    if len(checks) == 1 and checks[0].get("method") not in (None, "", UNDECIDED):
        about.append(f"by {checks[0]['method']}")
    lines = wrap(", ".join(about), width, INDENT)
    if len(checks) > 1:
        names = max(len(str(check.get("checker"))) for check in checks)
        for check in checks:
            outcome = WORDS.get(check.get("valid", "unknown"), WORDS["unknown"])[0].lower()
            method = f"  by {check['method']}" if check.get("method") else ""
            lines.append(shorten(f"{INDENT}{check.get('checker')!s:<{names}}  {outcome:<7}{method}", width))
    return lines


def _violations(violations: Sequence[Mapping[str, Any]], width: int) -> Iterator[list[str]]:
    """Tell one violation of each kind in full, and the others in a sentence each."""
    kinds = [str(violation.get("kind")) for violation in violations]
    firsts = [number for number, kind in enumerate(kinds) if kind not in kinds[:number]]
    others = [number for number in range(len(kinds)) if number not in firsts]
    for number in firsts:
        violation = violations[number]
        place = firsts.index(number) + 1
        count = f"Violation {place} of {len(violations)}" if len(violations) > 1 else "Violation"
        lines = wrap(f"{count}, {_kind(violation)}: {violation.get('summary')}", width)
        evidence = _evidence(violation.get("evidence") or {}, width - len(INDENT))
        yield [*lines, *(["", *(f"{INDENT}{line}".rstrip() for line in evidence)] if evidence else [])]
    if others:
        listed = [
            line
            for number in others[:MOST_LISTED]
            for line in wrap(f"{kinds[number]}: {violations[number].get('summary')}", width, f"{INDENT}- ")
        ]
        unlisted = len(others) - MOST_LISTED
        yield [
            f"Further violations ({len(others)}), told in full by --json:",
            *listed,
            *([f"{INDENT}and {unlisted} more"] if unlisted > 0 else []),
        ]


def _kind(violation: Mapping[str, Any]) -> str:
    kind = str(violation.get("kind"))
    return f"{kind} ({KINDS[kind]})" if kind in KINDS else kind


def _evidence(evidence: Mapping[str, Any], width: int) -> list[str]:
    if "operations" in evidence:
        return render_witness(evidence, width).split("\n")
    if "notes" in evidence:
        return render_notes(evidence, width).split("\n")
    lines: list[str] = []
    for name, value in evidence.items():
        if isinstance(value, str) and "\n" in value:
            tail = value.rstrip("\n").split("\n")[-LOG_LINES:]
            lines += [f"{name}:", *(shorten(printable(f"{INDENT}{line}"), width) for line in tail)]
        else:
            text = printable(value) if isinstance(value, str) else as_json(value, width)
            lines += wrap(text, width, f"{name}: ", INDENT)
    return lines


def _gates(gates: Sequence[Mapping[str, Any]], width: int) -> Iterator[str]:
    failed = [gate for gate in gates if not gate.get("held")]
    if failed:
        heading = f"{len(failed)} of {plural(len(gates), 'gate')} failed, so a pass would prove nothing:"
        yield from wrap(heading, width)
        for gate in failed:
            observed = gate.get("observed")
            text = observed if isinstance(observed, str) else as_json(observed, 4 * width)
            yield from wrap(f"{gate.get('gate')}: observed {text}", width, f"{INDENT}- ")
    elif gates:
        yield f"All {plural(len(gates), 'gate')} held."


def _vacuity(verdict: Mapping[str, Any], width: int) -> Iterator[str]:
    """Tell how much the history would have caught; what it would not, where that is much or was asked."""
    score = (verdict.get("coverage") or {}).get("vacuity")
    if not score:
        return
    noticed, tried, silent = score["noticed"], score["corruptions"], score["silent"]
    if not tried:
        told = (
            f"None of {plural(silent, 'plausible bug')} would have changed an answer: nothing was looked at."
        )
        yield from wrap(told if silent else "Nothing in this history could plausibly be corrupted.", width)
        return
    ways = ", ".join(
        f"{way} {tally['noticed']} of {tally['tried']}"
        for way, tally in score["ways"].items()
        if tally["tried"]
    )
    undecided = f", {score['undecided']:,} left open" if score["undecided"] else ""
    more = f"; {silent:,} more would have changed no answer" if silent else ""
    kinds = f" ({ways})" if ways else ""
    yield from wrap(
        f"{noticed:,} of {tried:,} plausible corruptions would have been noticed{kinds}{undecided}{more}.",
        width,
    )
    if "file" in verdict or (score["share"] or 0.0) < LOW:
        for sentence in score["unnoticed"][:UNNOTICED]:
            yield from wrap(sentence, width, f"{INDENT}- ")


def _measurements(measurements: Mapping[str, Any], width: int) -> Iterator[str]:
    rows: list[tuple[str, str]] = [
        _measured(name, value)
        for name, value in measurements.items()
        if not isinstance(value, (dict, list)) and value is not None
    ]
    rows += [
        (str(f), ", ".join(f"{plain} {count:,}" for plain, count in outcomes.items()))
        for f, outcomes in (measurements.get("functions") or {}).items()
    ]
    names = max((len(name) for name, _ in rows), default=0)
    numbers = max((len(text.split(" ")[0]) for _, text in rows), default=0)
    for name, text in rows:
        number, _, unit = text.partition(" ")
        figure = f"{number:>{numbers}} {unit}" if number[:1].isdigit() else text
        yield shorten(f"{INDENT}{name:<{names}}  {figure}".rstrip(), width)


def _measured(name: str, value: Any) -> tuple[str, str]:
    words, form = MEASUREMENTS.get(name, (name.replace("_", " "), "{}"))
    if form != "{}" and isinstance(value, (int, float)):
        return words, form.format(value)
    return words, as_json(value)


def _where(verdict: Mapping[str, Any]) -> Iterator[str]:
    """Paths and commands are never cut: they are there to be copied."""
    if verdict.get("run"):
        yield f"run:    {verdict['run']}"
    if verdict.get("replay"):
        yield f"repeat: {verdict['replay']}"
