"use strict";
// The history that a page holds: its columns, decoded (see page_data.py), and a row for each process.
const HISTORY = (function () {
  const data = JSON.parse(document.getElementById("data").textContent);
  const count = data.span.length;

  const sums = (differences) => {
    const column = new Float64Array(differences.length);
    let sum = 0;
    for (let i = 0; i < column.length; i++) { sum += differences[i]; column[i] = sum; }
    return column;
  };
  const invoke = sums(data.invoke);
  const complete = invoke.map((position, i) => position + data.span[i]);
  const time = data.time ? sums(data.time) : null;
  const timeEnd = time ? time.map((begin, i) => begin + Math.max(0, data.length[i])) : null;
  const label = (i) => data.labels[data.label ? data.label[i] : i];
  const status = (i) => data.status.charCodeAt(i) - 48;
  // The first index at which a test holds that fails up to there.
  const first = (length, test) => {
    let low = 0, high = length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (test(middle)) { high = middle; } else { low = middle + 1; }
    }
    return low;
  };
  const after = (position) => first(count, (i) => invoke[i] >= position);
  const indexOf = (position) => {
    const i = after(position);
    return i < count && invoke[i] === position ? i : -1;
  };

  // Rows: one a process; where there are many, a process takes over the row that was free last, as a thread
  // goes on under a new number after an operation that may or may not have happened.
  const rowOf = new Int32Array(count), rowNames = [];
  (function pack() {
    const lives = new Map();
    for (let i = 0; i < count; i++) {
      const life = lives.get(data.process[i]);
      if (life) {
        life.last = Math.max(life.last, complete[i]);
      } else {
        lives.set(data.process[i], { first: invoke[i], last: complete[i] });
      }
    }
    const order = lives.size <= 40 ? [...lives.keys()].sort((one, other) => one - other) : [...lives.keys()];
    const rows = [], rowOfProcess = new Map();
    for (const process of order) {
      const life = lives.get(process);
      let chosen = -1;
      if (lives.size > 40) {
        for (let row = 0; row < rows.length; row++) {
          if (rows[row] < life.first && (chosen < 0 || rows[row] > rows[chosen])) { chosen = row; }
        }
      }
      if (chosen < 0) { chosen = rows.length; rows.push(0); rowNames.push([]); }
      rows[chosen] = life.last;
      rowNames[chosen].push([life.first, process]);
      rowOfProcess.set(process, chosen);
    }
    for (let i = 0; i < count; i++) { rowOf[i] = rowOfProcess.get(data.process[i]); }
  })();

  return { data, count, invoke, complete, time, timeEnd, label, status, first, after, indexOf, rowOf, rowNames };
})();
