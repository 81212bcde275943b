"""Explorations as text: the line that says how one goes, and what it came to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from splitbrain.render.listing import render_table
from splitbrain.render.live import LiveLine
from splitbrain.render.text import plural, terminal_width, wrap

if TYPE_CHECKING:
    from collections.abc import Mapping

WORDS = {True: "valid", False: "INVALID", "unknown": "unknown"}
SEEDS_NAMED = 8
POINTS_NAMED = 20


class ExplorationLine(LiveLine):
    """The line on standard error while an exploration runs."""

    def campaign(self, *, runs: int, virtual: float, violations: int, seconds: float) -> None:
        """Show runs, virtual hours and violations after so many real seconds."""
        self._line = campaign_line(runs=runs, virtual=virtual, violations=violations, seconds=seconds)
        self._show(seconds)

    def points(self, *, tried: int, points: int, harmful: int, seconds: float) -> None:
        """Show how many points of a scenario were tried."""
        self._line = f"{seconds:6.1f} s  {tried:,} of {plural(points, 'point')}  {harmful:,} harmful"
        self._show(seconds)


def campaign_line(*, runs: int, virtual: float, violations: int, seconds: float) -> str:
    """Return the state of a campaign as one line; `virtual` is hours."""
    rate = runs / seconds if seconds > 0 else 0.0
    return (
        f"{seconds:6.1f} s  {plural(runs, 'run')}  {rate:,.1f} runs/s  {virtual:.2f} virtual hours  "
        f"{plural(violations, 'violation')}"
    )


def render_campaign(verdict: Mapping[str, Any], *, table: bool = False) -> str:
    """Return the verdict of a campaign for people; with `table`, the calls of each rule under each fault."""
    width = terminal_width()
    lines = wrap(f"{WORDS[verdict['valid']]}: {verdict['reason']}", width)
    lines.append("")
    for each in verdict["violations"]:
        lines += _violation(each, width)
    line = campaign_line(
        runs=verdict["runs"],
        virtual=verdict["virtual_hours"],
        violations=sum(each["runs"] for each in verdict["violations"]),
        seconds=verdict["seconds"],
    )
    lines.append(line.strip() + f"  {verdict['node_steps']:,} node steps")
    if verdict["unrepeated"]:
        seeds = ", ".join(map(str, verdict["unrepeated"][:SEEDS_NAMED]))
        lines += wrap(f"Violations that did not come back, seeds: {seeds}.", width)
    if verdict["undecided"]:
        count = len(verdict["undecided"])
        lines += wrap(f"{plural(count, 'run')} decided nothing: {_commonest(verdict['undecided'])}", width)
    lines += _milestones(verdict["milestones"], width)
    lines += _coverage(verdict["coverage"], width, table=table)
    return "\n".join(lines)


def render_boundaries(verdict: Mapping[str, Any]) -> str:
    """Return the verdict of crashes at each point of a scenario for people."""
    width = terminal_width()
    lines = [*wrap(f"{WORDS[verdict['valid']]}: {verdict['reason']}", width), ""]
    if verdict["violations"]:
        rows = [
            {
                "node": each["crash"]["node"],
                "right after": f"{each['crash']['after']} {each['crash']['ordinal']}",
                "by": each["crash"]["fault"],
                "violation": each["kind"],
            }
            for each in verdict["violations"][:POINTS_NAMED]
        ]
        lines += [render_table(rows, list(rows[0])), ""]
        left = len(verdict["violations"]) - len(rows)
        if left:
            lines += [f"and {plural(left, 'more point')}.", ""]
    for kind, file in verdict["files"].items():
        lines.append(f"{kind}: splitbrain replay {file}")
    lines.append(
        f"{verdict['tried']:,} of {plural(verdict['points'], 'point')} in {verdict['seconds']:.1f} s"
    )
    return "\n".join(lines)


def _violation(each: Mapping[str, Any], width: int) -> list[str]:
    named = ", ".join(map(str, each["seeds"][:SEEDS_NAMED]))
    more = each["runs"] - min(SEEDS_NAMED, len(each["seeds"]))
    lines = wrap(f"{each['kind']}  {each['summary']}", width, rest=" " * (len(each["kind"]) + 2))
    lines += wrap(
        f"{'seed' if each['runs'] == 1 else 'seeds'} {named}" + (f" and {more} more" if more else ""),
        width,
        "    ",
    )
    if each["file"]:
        lines.append(f"    splitbrain replay {each['file']}")
        lines.append(f"    splitbrain shrink {each['file']}")
    return [*lines, ""]


def _commonest(undecided: Mapping[str, str]) -> str:
    reasons = list(undecided.values())
    return max(reasons, key=reasons.count)


def _milestones(milestones: Mapping[str, int], width: int) -> list[str]:
    missed = [name for name, seen in milestones.items() if not seen]
    lines = []
    for name in missed:
        lines += wrap(f"No run saw {'an' if name[:1] in 'aeiou' else 'a'} {name}.", width)
    seen = ", ".join(f"{name} in {plural(count, 'run')}" for name, count in milestones.items() if count)
    return lines + (wrap(f"Seen: {seen}.", width) if seen else [])


def _coverage(coverage: Mapping[str, Any], width: int, *, table: bool) -> list[str]:
    """Return what nothing reached, and then the rules by the faults under which they ran."""
    rules = coverage["rules"]
    if not rules:
        return []
    lines = [""]
    if coverage["unreached"]:
        lines += wrap(f"Rules that nothing reached: {', '.join(coverage['unreached'])}.", width, rest="  ")
    else:
        lines.append("Every rule was reached.")
    sampled = f"in {plural(coverage['runs'], 'measured run')}"
    if table:
        return [*lines, "", f"Calls of rules while a fault was on, {sampled}:", "", *_table(rules, width)]
    faults = dict.fromkeys(fault for counts in rules.values() for fault in counts)
    ran = [f"{fault} {sum(counts.get(fault, 0) > 0 for counts in rules.values())}" for fault in faults]
    return lines + wrap(
        f"Of {plural(len(rules), 'rule')} ran, {sampled}: {', '.join(ran)}.", width, rest="  "
    )


def _table(rules: Mapping[str, Mapping[str, int]], width: int) -> list[str]:
    faults = list(dict.fromkeys(fault for counts in rules.values() for fault in counts))
    rows = [
        {"rule": name, **{fault: _short(counts.get(fault, 0)) for fault in faults}}
        for name, counts in rules.items()
        if any(counts.values())
    ]
    return render_table(rows, ["rule", *faults], width=max(width, 60)).splitlines()


def _short(count: int) -> str:
    """Return a count in few characters: 999, 12k, 3M."""
    for unit, size in (("M", 1_000_000), ("k", 1_000)):
        if count >= size:
            return f"{count // size}{unit}"
    return str(count) if count else "·"
