"""The space-time diagram: a valid picture that shows what happened, and marks what matters."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import pytest

from splitbrain.render.lamport import render_lamport
from splitbrain.render.lamport_scale import Places, Scale
from splitbrain.systems.contract import Send

SVG = "{http://www.w3.org/2000/svg}"


def drawn(run):
    return ET.fromstring(render_lamport(*run))


def titles(root):
    return [each.text for each in root.iter(f"{SVG}title")]


def groups(root, beginning):
    """Return the groups whose hover title begins so."""
    return [
        each for each in root.iter(f"{SVG}g") if (each.findtext(f"{SVG}title") or "").startswith(beginning)
    ]


def test_each_node_and_client_has_a_line_with_its_name(stale_read):
    texts = [each.text for each in drawn(stale_read).iter(f"{SVG}text")]
    assert [name for name in texts if name in ("n1", "n2", "n3", "c0", "c1")] == [
        "n1",
        "n2",
        "n3",
        "c0",
        "c1",
    ]


def test_a_message_that_arrives_has_a_head_and_a_lost_one_a_cross(stale_read):
    root = drawn(stale_read)
    copies = groups(root, "n1 to n2, sent at 0.0215")
    lost = groups(root, "n1 to n2, sent at 0.2015")
    assert len(copies) == len(lost) == 1
    assert copies[0].find(f"{SVG}polygon") is not None
    assert copies[0].find(f"{SVG}path") is None
    assert lost[0].find(f"{SVG}polygon") is None
    assert lost[0].find(f"{SVG}path") is not None
    assert "lost: policy" in lost[0].findtext(f"{SVG}title")


def test_the_operations_of_the_violation_stand_out_and_no_others(told, cut_off):
    lines = [(0.02, 0, "write", 1), (0.2, 0, "write", 2), (0.3, 1, "read", None), (0.31, 2, "read", None)]
    root = drawn(told([(0.01, 2, "read", None), *lines[:3]], faults=[cut_off]))
    bars = {
        title.split()[1]: group.find(f"{SVG}rect").get("class")
        for title in titles(root)
        if title and re.match(r"c\d #", title)
        for group in groups(root, title)
    }
    assert len(bars) == 4
    assert sum("cited" in kind for kind in bars.values()) == 3
    assert bars["#0"] == "ok"


def test_a_partition_is_a_band_as_long_as_it_lasted(stale_read):
    root = drawn(stale_read)
    (band,) = groups(root, "apart-1: cuts the links between n1 and n2, n3")
    rectangle = band.find(f"{SVG}rect")
    (write,) = groups(root, "c0 #3")
    (before,) = groups(root, "c0 #0")
    top = float(rectangle.get("y"))
    bottom = top + float(rectangle.get("height"))
    assert top <= float(write.find(f"{SVG}rect").get("y")) <= bottom
    assert float(before.find(f"{SVG}rect").get("y")) < top


def test_the_line_of_a_node_has_a_gap_while_it_is_down(told):
    kill = {"id": "k", "fault": "kill", "at": 0.1, "for": 0.2, "target": ["n2"], "parameters": {}}
    root = drawn(told([(0.02, 0, "write", 1)], faults=[kill]))
    lines = [
        each
        for each in root.iter(f"{SVG}line")
        if each.get("class") == "line" and not each.get("stroke-dasharray")
    ]
    by_column = {}
    for each in lines:
        by_column.setdefault(each.get("x1"), []).append((float(each.get("y1")), float(each.get("y2"))))
    assert sorted(len(pieces) for pieces in by_column.values()) == [1, 1, 2]
    first, second = next(pieces for pieces in by_column.values() if len(pieces) == 2)
    assert first[1] < second[0]
    assert groups(root, "0.100000 s: n2 is killed")


def test_hostile_text_stays_text(told, copies):
    class Hostile(copies):
        def serve(self, client, body):
            return [*super().serve(client, body), Send("n2", {"type": "<script>&\x00", "x": "]]>\x1b"})]

    text = render_lamport(*told([(0.02, 0, "write", '"<b>')], node=Hostile))
    assert "<script>" not in text
    assert any(each and "<script>&" in each for each in titles(ET.fromstring(text)))


def test_thousands_of_messages_give_a_bounded_picture_that_says_what_it_leaves_out(long_run):
    text = render_lamport(*long_run)
    root = ET.fromstring(text)
    assert len(text) < 1_000_000
    assert float(root.get("height")) < 12_000
    assert len([each for each in titles(root) if each and " sent at " in each]) <= 320
    assert re.search(r"Not drawn: [\d,]+ messages, [\d,]+ operations", text)
    assert sum("cited" in (each.get("class") or "") for each in root.iter(f"{SVG}rect")) == 3


def test_equal_runs_have_equal_pictures(told, cut_off):
    lines = [(0.02, 0, "write", 1), (0.2, 0, "write", 2), (0.3, 1, "read", None)]
    assert render_lamport(*told(lines, faults=[cut_off])) == render_lamport(*told(lines, faults=[cut_off]))


def test_it_brings_its_own_ground_for_light_and_dark(stale_read):
    text = render_lamport(*stale_read)
    assert 'class="ground"' in text
    assert "@media (prefers-color-scheme: dark)" in text


def test_time_only_ever_runs_downwards_and_silence_is_short():
    times = [0, 1_000, 1_000_000, 2_000_000, 5_000_000_000, 5_000_100_000]
    scale = Scale(times, top=10.0)
    heights = [scale.y(time) for time in times]
    assert heights == sorted(set(heights))
    assert heights[4] - heights[3] < 10 * (heights[3] - heights[2])
    assert [each.nanoseconds for each in scale.breaks()] == [4_998_000_000]
    assert heights[3] < scale.y(1_000_000_000) < heights[4]


def test_a_label_never_covers_another():
    places = Places()
    assert places.place(0, 100, 50) == 100
    assert places.place(40, 102, 50) is None
    assert places.place(40, 102, 50, tries=(0, 22)) == 124
    assert places.place(60, 100, 50) == 100


@pytest.mark.parametrize("kind", ["pause", "kill"])
def test_what_befalls_a_node_is_written_beside_it(told, kind):
    fault = {"id": "f", "fault": kind, "at": 0.1, "for": 0.2, "target": ["n3"], "parameters": {}}
    words = {each.text for each in drawn(told([(0.02, 0, "write", 1)], faults=[fault])).iter(f"{SVG}text")}
    assert words >= ({"paused", "goes on"} if kind == "pause" else {"killed", "restarts"})
