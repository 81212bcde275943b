"use strict";
// Draws the whole history: only what is in view, so that its size doesn't matter.
(function () {
  const { data, count, invoke, complete, time, timeEnd, label, status, first, after, indexOf } = HISTORY;
  const { rowOf, rowNames } = HISTORY;
  if (!count) { return; }
  document.documentElement.classList.add("with-script");
  const find = (id) => document.getElementById(id);
  const stage = find("stage"), bars = find("bars"), axis = find("axis"), overview = find("overview");
  const tip = find("tip"), says = find("says");
  const GUTTER = 104, AXIS = 34, CHARACTER = 6.7, TAIL = 16;
  const STATUS = ["ok", "did not happen (fail)", "may or may not have happened (info)"];

  const rowHeight = rowNames.length <= 60 ? 26 : rowNames.length <= 300 ? 16 : 8;

  // What is in view: a span of the axis, which counts events or microseconds.
  let begins = invoke, ends = complete, reach = null, from = 0, to = 1, spot = 0, focused = -1, hovered = -1;
  let allKeys = true;
  const marks = new Map();
  const ranks = new Map();
  const spots = data.spots.length ? data.spots : [{ name: "", key: null, focus: null, order: [], marks: [] }];

  function measure() {
    reach = new Float64Array(count);
    let furthest = -Infinity;
    for (let i = 0; i < count; i++) { furthest = Math.max(furthest, ends[i]); reach[i] = furthest; }
  }
  const lowest = () => begins[0], highest = () => Math.max(reach[count - 1], begins[0] + 1);

  function lookAt(low, high) {
    const least = begins === time ? 20 : 4, most = (highest() - lowest()) * 1.04 + least;
    const width = Math.min(Math.max(high - low, least), most), middle = (low + high) / 2;
    from = Math.min(Math.max(middle - width / 2, lowest() - width * 0.5), highest() - width * 0.5);
    to = from + width;
    schedule();
  }
  function zoom(factor, at) {
    const pivot = at === undefined ? (from + to) / 2 : at;
    lookAt(pivot - (pivot - from) * factor, pivot + (to - pivot) * factor);
  }
  const inView = (i) => i >= 0 && begins[i] >= from && begins[i] <= to;
  const pivot = () => inView(focused) ? begins[focused] : undefined;
  const pan = (share) => lookAt(from + (to - from) * share, to + (to - from) * share);
  const everything = () => lookAt(lowest(), highest());

  function choose(number) {
    spot = number;
    marks.clear(); ranks.clear();
    for (const [position, role, why] of spots[spot].marks) {
      const i = indexOf(position);
      if (i >= 0) {
        marks.set(i, { role, why });
      }
    }
    spots[spot].order.forEach((position, rank) => {
      const i = indexOf(position);
      if (i >= 0) {
        ranks.set(i, rank + 1);
      }
    });
    document.querySelectorAll("#spots button").forEach((button, each) => {
      button.setAttribute("aria-pressed", String(each === spot));
    });
    home();
  }
  function home() {
    const chosen = [...marks.keys()];
    if (!chosen.length) { lookAt(lowest(), begins[Math.min(count - 1, 120)]); return; }
    const low = Math.min(...chosen.map((i) => begins[i])), high = Math.max(...chosen.map((i) => ends[i]));
    const centre = indexOf(spots[spot].focus);
    const near = chosen.every((i) => Math.abs(i - centre) < 300);
    if (near || centre < 0) {
      const edge = Math.max((high - low) * 0.08, begins === time ? 10 : 2);
      lookAt(low - edge, high + edge);
    } else {
      const last = Math.max(ends[centre], begins[Math.min(count - 1, centre + 25)]);
      lookAt(begins[Math.max(0, centre - 40)], last);
    }
    if (centre >= 0) { reveal(centre); }
  }
  function reveal(i) {
    const top = rowOf[i] * rowHeight;
    if (top < stage.scrollTop || top + rowHeight > stage.scrollTop + stage.clientHeight) {
      stage.scrollTop = Math.max(0, top - stage.clientHeight / 2);
    }
  }
  function focusOn(i) {
    if (i < 0) { return; }
    focused = i;
    const width = to - from;
    if (begins[i] < from || Math.max(begins[i], ends[i]) > to) {
      const middle = (begins[i] + Math.min(Math.max(begins[i], ends[i]), begins[i] + width)) / 2;
      lookAt(middle - width / 2, middle + width / 2);
    }
    reveal(i);
    says.textContent = describe(i).join(". ") + ".";
    schedule();
  }
  function step(direction) {
    const order = [...marks.keys()].sort((one, other) => one - other);
    if (!order.length) { return; }
    const next = direction > 0 ? order.find((i) => i > focused) : order.filter((i) => i < focused).pop();
    focusOn(next === undefined ? (direction > 0 ? order[0] : order[order.length - 1]) : next);
  }
  function neighbour(direction) {
    let i = focused < 0 ? firstInView() - 1 : focused;
    do { i += direction; } while (i >= 0 && i < count && !shown(i));
    if (i >= 0 && i < count) { focusOn(i); }
  }

  // Words for one operation.
  const seconds = (microseconds) => (microseconds / 1e6).toFixed(microseconds < 1e7 ? 6 : 3) + " s";
  function describe(i) {
    const on = data.key ? ", key " + data.keys[data.key[i]] : "";
    const lines = [label(i) + on + ", process " + data.process[i]];
    lines.push("position " + invoke[i] + (data.span[i] ? " to " + complete[i] : ", never returned"));
    if (time) { lines.push(seconds(time[i]) + (data.length[i] < 0 ? "" : " to " + seconds(timeEnd[i]))); }
    if (status(i)) { lines.push(STATUS[status(i)]); }
    if (data.rank && data.rank[i]) {
      lines.push("number " + data.rank[i] + " in the order that proves the verdict");
    }
    if (ranks.has(i)) { lines.push("number " + ranks.get(i) + " in the order that came furthest"); }
    if (marks.has(i)) { lines.push(marks.get(i).why); }
    return lines;
  }

  // Drawing.
  let pending = false, colours = {};
  function schedule() { if (!pending) { pending = true; requestAnimationFrame(draw); } }
  function readColours() {
    const style = getComputedStyle(document.documentElement);
    const names = "ground panel line ink soft bar bar-line bar-ink other fail stuck stuck-line stuck-ink"
      + " circle circle-line circle-ink plain plain-line plain-ink rank rank-ink fault focus shade";
    for (const name of names.split(" ")) {
      colours[name] = style.getPropertyValue("--" + name).trim();
    }
  }
  function prepare(canvas, height) {
    const ratio = window.devicePixelRatio || 1, width = canvas.clientWidth;
    canvas.style.height = height + "px";
    if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
      canvas.width = Math.round(width * ratio);
      canvas.height = Math.round(height * ratio);
    }
    const pen = canvas.getContext("2d");
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, width, height);
    return [pen, width];
  }
  const shown = (i) => allKeys || !data.key || marks.has(i) || data.keys[data.key[i]] === spots[spot].key;
  const ours = (i) => !data.key || spots[spot].key === null || data.keys[data.key[i]] === spots[spot].key;
  const firstInView = () => first(count, (i) => reach[i] >= from);
  const scale = (width) => {
    const factor = (width - GUTTER - 12) / (to - from);
    return (at) => GUTTER + (at - from) * factor;
  };

  function draw() {
    pending = false;
    const [pen, width] = prepare(bars, Math.max(rowNames.length * rowHeight + 4, 60));
    const x = scale(width), height = bars.clientHeight;
    pen.font = "11px ui-monospace, 'DejaVu Sans Mono', monospace";
    pen.textBaseline = "middle";
    drawFaults(pen, x, height);
    drawRows(pen, width);
    pen.save();
    pen.beginPath(); pen.rect(GUTTER, 0, width - GUTTER, height); pen.clip();
    const centre = indexOf(spots[spot].focus);
    if (centre >= 0) {
      pen.fillStyle = colours.shade;
      pen.fillRect(x(begins[centre]), 0, Math.max(2, x(ends[centre]) - x(begins[centre])), height);
    }
    const covered = new Float64Array(rowNames.length).fill(-1), late = [];
    for (let i = firstInView(); i < count && begins[i] <= to; i++) {
      if (Math.max(ends[i], begins[i]) + (to - from) * 0.02 < from || !shown(i)) { continue; }
      if (marks.has(i) || i === focused || i === hovered) { late.push(i); continue; }
      // Of bars that share one pixel of a row, the first is enough.
      const right = x(Math.max(ends[i], begins[i]));
      if (right <= covered[rowOf[i]] + 0.4) { continue; }
      covered[rowOf[i]] = right;
      bar(pen, x, i);
    }
    late.forEach((i) => bar(pen, x, i));
    pen.restore();
    drawAxis();
    drawOverview();
  }
  function drawRows(pen, width) {
    pen.strokeStyle = colours.line; pen.lineWidth = 0.5; pen.fillStyle = colours.soft;
    for (let row = 0; row < rowNames.length; row++) {
      const y = row * rowHeight + 2 + rowHeight / 2;
      pen.beginPath(); pen.moveTo(GUTTER, y); pen.lineTo(width, y); pen.stroke();
      if (rowHeight < 12) { continue; }
      const names = rowNames[row];
      const start = begins === time ? invoke[Math.min(firstInView(), count - 1)] : from;
      const latest = Math.max(0, first(names.length, (each) => names[each][0] > start) - 1);
      pen.fillText("process " + names[latest][1], 8, y);
    }
  }
  function bar(pen, x, i) {
    const mark = marks.get(i), state = status(i);
    const left = x(begins[i]), open = !data.span[i];
    const right = open ? left + 10 : Math.max(x(ends[i]), left + 1.2);
    const y = rowOf[i] * rowHeight + 4, tall = rowHeight - 5, wide = right - left;
    const role = mark ? mark.role : null;
    const plain = !ours(i) ? colours.other : state === 1 ? colours.fail : colours.bar;
    pen.fillStyle = role ? colours[role] : plain;
    pen.strokeStyle = i === focused || i === hovered ? colours.focus : colours[(role || "bar") + "-line"];
    pen.lineWidth = i === focused ? 2.5 : role === "stuck" ? 2.2 : role ? 1.6 : 0.8;
    pen.beginPath();
    if (wide > 6 && pen.roundRect) {
      pen.roundRect(left, y, wide, tall, Math.min(4, tall / 3));
    } else {
      pen.rect(left, y, wide, tall);
    }
    pen.fill();
    if (wide > 3 || role) { pen.stroke(); }
    if (state === 2 || open) {
      pen.setLineDash([2, 3]);
      pen.beginPath();
      pen.moveTo(right, y + tall / 2);
      pen.lineTo(right + TAIL, y + tall / 2);
      pen.stroke();
      pen.setLineDash([]);
    }
    const badge = ranks.get(i), inset = badge ? 20 : 5, room = Math.floor((wide - inset - 4) / CHARACTER);
    if (room >= (role ? Math.min(label(i).length, 18) : 3) && tall >= 12) {
      const words = label(i);
      pen.fillStyle = role ? colours[role + "-ink"] : !ours(i) ? colours.soft : colours["bar-ink"];
      const fitting = words.length <= room ? words : words.slice(0, room - 1) + "…";
      pen.fillText(fitting, left + inset, y + tall / 2 + 0.5);
      if (state === 1) {
        pen.fillRect(left + inset, y + tall / 2, Math.min(words.length, room) * CHARACTER, 1);
      }
    } else if (role && tall >= 12) {
      // What is marked is always named: beside its bar, if that is too small.
      const beside = right + (state === 2 || open ? TAIL + 4 : 4);
      pen.globalAlpha = 0.85;
      pen.fillStyle = colours.panel;
      pen.fillRect(beside - 2, y, label(i).length * CHARACTER + 5, tall);
      pen.globalAlpha = 1;
      pen.fillStyle = colours.ink; pen.fillText(label(i), beside, y + tall / 2 + 0.5);
    }
    if (badge && tall >= 12) {
      const middle = wide < 22 ? left - 8 : left + 10;
      pen.fillStyle = colours.rank; pen.beginPath(); pen.arc(middle, y + tall / 2, 7.5, 0, 7); pen.fill();
      pen.fillStyle = colours["rank-ink"];
      pen.textAlign = "center";
      pen.fillText(String(badge), middle, y + tall / 2 + 0.5);
      pen.textAlign = "left";
    }
  }
  const place = (position) => {
    if (begins !== time) { return position; }
    return time[Math.min(after(position), count - 1)];
  };
  function drawFaults(pen, x, height) {
    pen.fillStyle = colours.fault;
    for (const [, begun, ended] of data.faults) {
      const left = x(place(begun)), right = ended === null ? x(highest()) : x(place(ended));
      if (right < GUTTER || left > pen.canvas.clientWidth) { continue; }
      pen.globalAlpha = 0.09;
      pen.fillRect(Math.max(left, GUTTER), 0, Math.max(right - Math.max(left, GUTTER), 1.5), height);
      pen.globalAlpha = 1;
    }
  }
  function ticks(room) {
    const rough = (to - from) / Math.max(2, room / 110), power = Math.pow(10, Math.floor(Math.log10(rough)));
    const round = [1, 2, 5, 10].map((each) => each * power).find((each) => each >= rough);
    const size = Math.max(round, begins === time ? 0 : 1);
    const found = [];
    const first = Math.max(from, lowest()), last = Math.min(to, highest());
    for (let at = Math.ceil(first / size) * size; at <= last; at += size) { found.push(at); }
    return found;
  }
  function drawAxis() {
    const [pen, width] = prepare(axis, AXIS), x = scale(width);
    pen.font = "11px system-ui, sans-serif";
    pen.fillStyle = colours.soft;
    pen.strokeStyle = colours.soft;
    pen.textBaseline = "alphabetic";
    pen.fillText(begins === time ? "time" : time ? "event, time" : "event", 8, 20);
    for (const at of ticks(width - GUTTER)) {
      const left = x(at);
      if (left < GUTTER || left > width - 20) { continue; }
      pen.beginPath(); pen.moveTo(left, 28); pen.lineTo(left, AXIS); pen.stroke();
      const i = Math.min(count - 1, Math.max(0, upper(at)));
      const clock = (at / 1e6).toFixed(to - from < 1e5 ? 4 : 2) + " s";
      pen.fillText(begins === time ? clock : at.toLocaleString("en"), left + 3, 14);
      if (begins !== time && time) { pen.fillText(seconds(time[i]), left + 3, 26); }
    }
    pen.fillStyle = colours.fault;
    for (const [name, begun, ended] of data.faults) {
      const left = Math.max(GUTTER, x(place(begun))), right = ended === null ? width : x(place(ended));
      if (right > left + name.length * 5.5 && left < width) { pen.fillText(name, left + 3, 33); }
    }
  }
  const upper = (at) => first(count, (i) => begins[i] > at) - 1;
  let density = null;
  function drawOverview() {
    const [pen, width] = prepare(overview, 34), low = lowest(), factor = width / (highest() - low);
    if (!density || density.length !== Math.ceil(width)) {
      density = new Float64Array(Math.ceil(width));
      for (let i = 0; i < count; i++) {
        density[Math.min(density.length - 1, Math.floor((begins[i] - low) * factor))]++;
      }
    }
    const most = Math.max(...density);
    pen.fillStyle = colours.bar;
    for (let column = 0; column < density.length; column++) {
      const tall = density[column] / most * 22;
      pen.fillRect(column, 32 - tall, 1, tall);
    }
    for (const [i, mark] of marks) {
      pen.fillStyle = colours[mark.role + "-line"];
      pen.fillRect((begins[i] - low) * factor - 1, 0, 2.5, 34);
    }
    pen.strokeStyle = colours.focus; pen.lineWidth = 1.5;
    pen.strokeRect((from - low) * factor, 1, Math.max(3, (to - from) * factor), 32);
  }

  // The pointer.
  function under(event) {
    const box = bars.getBoundingClientRect(), row = Math.floor((event.clientY - box.top - 2) / rowHeight);
    const x = scale(bars.clientWidth), at = event.clientX - box.left;
    let found = -1;
    for (let i = firstInView(); i < count && begins[i] <= to; i++) {
      if (rowOf[i] !== row || !shown(i)) { continue; }
      const left = x(begins[i]), right = data.span[i] ? Math.max(x(ends[i]), left + 3) : left + 10 + TAIL;
      const inside = at >= left - 1 && at <= right + (status(i) === 2 ? TAIL : 1);
      if (inside && (found < 0 || marks.has(i) || !marks.has(found))) {
        found = i;
      }
    }
    return found;
  }
  function showTip(event, i) {
    tip.hidden = i < 0;
    if (i < 0) { return; }
    tip.replaceChildren();
    describe(i).forEach((line, number) => {
      const part = document.createElement(number ? "span" : "b");
      part.textContent = line;
      if (number && marks.has(i) && line === marks.get(i).why) { part.className = "mark"; }
      tip.append(part, document.createElement("br"));
    });
    const box = find("explorer").getBoundingClientRect();
    const left = event.clientX - box.left + 16, top = event.clientY - box.top + 18;
    tip.style.left = Math.max(0, Math.min(left, box.width - tip.offsetWidth - 8)) + "px";
    tip.style.top = (top + tip.offsetHeight > box.height + 60 ? top - tip.offsetHeight - 34 : top) + "px";
  }
  let held = null;
  stage.addEventListener("pointerdown", (event) => {
    if (event.target !== bars) { return; }
    held = { x: event.clientX, from, to, moved: false };
    stage.setPointerCapture(event.pointerId);
  });
  stage.addEventListener("pointermove", (event) => {
    if (held) {
      const shift = (held.x - event.clientX) / (bars.clientWidth - GUTTER) * (held.to - held.from);
      held.moved = held.moved || Math.abs(event.clientX - held.x) > 3;
      stage.classList.toggle("dragging", held.moved);
      if (held.moved) { lookAt(held.from + shift, held.to + shift); showTip(event, -1); }
      return;
    }
    const i = under(event);
    if (i !== hovered) { hovered = i; schedule(); }
    showTip(event, i);
  });
  stage.addEventListener("pointerup", (event) => {
    if (held && !held.moved) { const i = under(event); if (i >= 0) { focusOn(i); } }
    held = null; stage.classList.remove("dragging");
  });
  stage.addEventListener("pointercancel", () => { held = null; });
  stage.addEventListener("pointerleave", (event) => { hovered = -1; showTip(event, -1); schedule(); });
  stage.addEventListener("wheel", (event) => {
    if (Math.abs(event.deltaX) > Math.abs(event.deltaY) || event.shiftKey) {
      pan((event.deltaX || event.deltaY) / 900);
      event.preventDefault();
      return;
    }
    const box = bars.getBoundingClientRect();
    const share = Math.max(0, (event.clientX - box.left - GUTTER) / (box.width - GUTTER - 12));
    zoom(Math.exp(event.deltaY / 500), from + (to - from) * share);
    event.preventDefault();
  }, { passive: false });
  stage.addEventListener("dblclick", () => zoom(0.4, pivot()));
  const jump = (event) => {
    const share = (event.clientX - overview.getBoundingClientRect().left) / overview.clientWidth;
    const middle = lowest() + share * (highest() - lowest()), width = to - from;
    lookAt(middle - width / 2, middle + width / 2);
  };
  overview.addEventListener("pointerdown", (event) => {
    overview.setPointerCapture(event.pointerId);
    jump(event);
  });
  overview.addEventListener("pointermove", (event) => { if (event.buttons) { jump(event); } });

  // Buttons and keys do the same things.
  const acts = {
    home, all: everything, next: () => step(1), previous: () => step(-1),
    left: () => pan(-0.25), right: () => pan(0.25),
    in: () => zoom(0.6, pivot()), out: () => zoom(1.6, pivot()), after: () => neighbour(1), before: () => neighbour(-1),
  };
  const keys = {
    ArrowLeft: "left", ArrowRight: "right", "+": "in", "=": "in", "-": "out", Home: "home", a: "all",
    n: "next", p: "previous", ".": "after", ",": "before",
  };
  document.querySelectorAll("[data-act]").forEach((button) => {
    button.addEventListener("click", () => acts[button.dataset.act]());
  });
  stage.addEventListener("keydown", (event) => {
    const act = event.ctrlKey || event.metaKey || event.altKey ? null : keys[event.key];
    if (act) { acts[act](); event.preventDefault(); }
  });
  document.querySelectorAll("[data-position]").forEach((button) => button.addEventListener("click", () => {
    const position = Number(button.dataset.position);
    const number = spots.findIndex((each) => each.marks.some((mark) => mark[0] === position));
    if (number >= 0 && number !== spot) { choose(number); }
    find("history").scrollIntoView();
    stage.focus({ preventScroll: true });
    const i = indexOf(position);
    if (i < 0) {
      says.textContent = "Position " + position + " is not among the operations that this page holds.";
      return;
    }
    const width = Math.min(to - from, begins === time ? Infinity : 200);
    lookAt(begins[i] - width / 2, begins[i] + width / 2);
    focusOn(i);
  }));
  if (spots.length > 1) {
    spots.forEach((each, number) => {
      const button = document.createElement("button");
      button.type = "button"; button.textContent = each.name;
      button.addEventListener("click", () => choose(number));
      find("spots").append(button);
    });
  }
  const keyed = data.key && spots.some((each) => each.key !== null);
  find("keys-choice").hidden = !keyed;
  allKeys = !keyed;
  find("all-keys").addEventListener("change", (event) => { allKeys = event.target.checked; schedule(); });
  find("time-choice").hidden = !time;
  find("by-time").addEventListener("change", (event) => {
    begins = event.target.checked ? time : invoke;
    ends = event.target.checked ? timeEnd : complete;
    density = null; measure(); home();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { readColours(); schedule(); });
  new ResizeObserver(() => { density = null; schedule(); }).observe(find("explorer"));

  readColours();
  measure();
  choose(0);
  draw();
  // Milliseconds from the start of this script to the first picture.
  document.documentElement.dataset.opened = String(Math.round(performance.now() - OPENED));
})();
