// SPDX-License-Identifier: BSL-1.0
// latency: when goroutines had to wait, and how long. For a processor, or blocked: time across, powers of two of nanoseconds upwards, colour by how many.
// Or the time blocked (and, in the first row, runnable): a row for each reason or place, colour by how much of it in that stretch of the window.

const kLatencyRows = 40, kLatencyBottom = 24, kLatencyCell = 5, kMostPlaces = 30;
// labels: of rows that are no lengths; null else.
const L = { cells: null, worst: null, columns: 0, left: 74, from: 0, to: 1, greatest: 0, first: 0, last: 0, count: 0, key: "", hover: null, labels: null };

// What there is to see, in cells of this range; of each cell the longest slice too.
function binLatency(columns) {
  const whole = byId("latency-range").value === "whole", from = whole ? 0 : V.t0, to = whole ? D.span : V.t1;
  const what = byId("latency-what").value, wanted = byId("latency-name").value, key = [columns, from, to, what, wanted].join(" ");
  if (key === L.key) return;
  const name = wanted === "" ? -1 : Number(wanted), isWanted = (i) => name < 0 || D.gName[M.s.g[i]] === name;
  Object.assign(L, { columns, from, to, key, greatest: 0, count: 0, labels: null });
  if (what === "ready" || what === "length") binLengths(what === "ready" ? kRunnable : kWaiting, isWanted);
  else binBlocked(what === "place", isWanted);
}

function keepWorst(cell, slice) {
  const s = M.s, now = L.worst[cell];
  if (now < 0 || s.end[now] - s.start[now] < s.end[slice] - s.start[slice]) L.worst[cell] = slice;
}

// Waits that ended: in running, or (blocked ones) in being made ready.
function binLengths(state, isWanted) {
  const s = M.s, { columns, from, to } = L, cells = new Float64Array(columns * kLatencyRows), width = (to - from) / columns;
  Object.assign(L, { cells, worst: new Int32Array(cells.length).fill(-1), first: kLatencyRows, last: 0 });
  for (let i = 0; i < s.count; i++) {
    if (s.state[i] !== state || s.end[i] < from || s.end[i] > to || !isWanted(i)) continue;
    const next = nextOf(i);
    if (next < 0 || (state === kRunnable && s.state[next] !== kRunning)) continue;
    const wait = s.end[i] - s.start[i], row = Math.min(kLatencyRows - 1, wait < 1 ? 0 : Math.floor(Math.log2(wait)));
    const cell = row * columns + Math.min(columns - 1, Math.max(0, Math.floor((s.end[i] - from) / width)));
    L.greatest = Math.max(L.greatest, ++cells[cell]);
    keepWorst(cell, i);
    L.first = Math.min(L.first, row); L.last = Math.max(L.last, row); L.count++;
  }
  if (!L.count) L.first = L.last = 10;
  L.first = Math.max(0, Math.min(L.first, L.last - 8)); L.last = Math.min(kLatencyRows - 1, Math.max(L.last, L.first + 8));
}

// A number for what a slice waits for, as text for the eye.
function blockedKeys(byPlace) {
  const names = new Map(), ofPc = new Map();
  return (slice) => {
    if (M.s.state[slice] === kRunnable) return "runnable: waits for a processor";
    const reason = M.s.reason[slice], e = M.s.opened[slice], pc = e >= 0 ? D.eventPc[e] : 0, of = byPlace ? reason * 2 ** 32 + pc : reason;
    let words = names.get(of);
    if (words !== undefined) return words;
    if (byPlace && !ofPc.has(pc)) ofPc.set(pc, placeOf(...stackOfSlice(slice)));
    words = reasonWords(reason) + (byPlace && ofPc.get(pc) ? ": " + ofPc.get(pc) : "");
    names.set(of, words);
    return words;
  };
}

// How long goroutines were blocked within each cell, added up: a slice counts in every cell that it touches, by what lies in it.
function binBlocked(byPlace, isWanted) {
  const s = M.s, { columns, from, to } = L, width = (to - from) / columns, keyOf = blockedKeys(byPlace), rows = new Map();
  for (let i = 0; i < s.count; i++) {
    if ((s.state[i] !== kWaiting && s.state[i] !== kRunnable) || !isWanted(i)) continue;
    const begin = Math.max(s.start[i], from), end = Math.min(s.end[i], to);
    if (end <= begin) continue;
    const key = keyOf(i);
    let row = rows.get(key);
    if (!row) rows.set(key, (row = { key, total: 0, isReady: s.state[i] === kRunnable, slices: [] }));
    row.total += end - begin;
    row.slices.push(i);
    L.count++;
  }
  // Upwards: the most time blocked on top, below the runnable.
  const most = [...rows.values()].sort((a, b) => b.isReady - a.isReady || b.total - a.total).slice(0, kMostPlaces).reverse();
  L.labels = most.map((row) => row.key);
  L.cells = new Float64Array(columns * Math.max(1, most.length));
  L.worst = new Int32Array(L.cells.length).fill(-1);
  most.forEach((row, r) => {
    for (const i of row.slices) {
      const begin = Math.max(s.start[i], from), end = Math.min(s.end[i], to);
      const first = Math.min(columns - 1, Math.floor((begin - from) / width)), last = Math.min(columns - 1, Math.floor((end - from) / width));
      for (let x = first; x <= last; x++) {
        L.cells[r * columns + x] += Math.max(0, Math.min(end, from + (x + 1) * width) - Math.max(begin, from + x * width));
        keepWorst(r * columns + x, i);
      }
    }
  });
  for (const n of L.cells) L.greatest = Math.max(L.greatest, n);
  Object.assign(L, { first: 0, last: Math.max(0, most.length - 1) });
}

function latencyNote() {
  if (!L.count) return L.labels ? "Nobody was blocked in this range." : "Nobody waited in this range: whatever was made ready ran in another window, or not at all.";
  if (L.labels) return `${duration(sum(L.cells))} in all; in the fullest cell ${(L.greatest / ((L.to - L.from) / L.columns)).toFixed(1)} goroutines at once. Click a cell to go to the longest.`;
  const what = byId("latency-what").value === "ready" ? " for a processor" : "";
  return `${many(L.count, "wait")}${what}; the fullest cell has ${grouped(L.greatest)}. Click a cell to go there.`;
}
function cellWords(cell) {
  if (L.labels) return [L.labels[cell.row], `${duration(cell.n)}: ${(cell.n / ((L.to - L.from) / L.columns)).toFixed(2)} goroutines at once`];
  return [many(cell.n, "wait"), `of ${duration(2 ** cell.row)} to ${duration(2 ** (cell.row + 1))}`];
}

// Few rows of words need not fill the page.
function latencyCellHeight() {
  return Math.min(L.labels ? 48 : Infinity, (byId("latency-map").height / V.ratio - kLatencyBottom - 6) / (L.last - L.first + 1));
}

function drawLatency() {
  const canvas = byId("latency-map"), k = V.ratio, width = canvas.width / k, height = canvas.height / k;
  if (width < 50 || byId("tab-latency").hidden) return;
  const what = byId("latency-what").value;
  L.left = what === "ready" || what === "length" ? 74 : Math.min(what === "place" ? 380 : 210, width / 3);
  binLatency(Math.max(1, Math.floor((width - L.left - 8) / kLatencyCell)));
  const columns = L.columns;
  const c = canvas.getContext("2d");
  c.setTransform(k, 0, 0, k, 0, 0);
  c.fillStyle = C.css.ground;
  c.fillRect(0, 0, width, height);
  const cellHeight = latencyCellHeight();
  const yOf = (row) => 4 + (L.last - row) * cellHeight;
  const ramp = [0, 1, 2, 3, 4, 5, 6, 7].map((i) => C.css["heat-" + i]);
  for (let row = L.first; row <= L.last; row++)
    for (let x = 0; x < columns; x++) {
      const n = L.cells[row * columns + x];
      if (!n) continue;
      c.fillStyle = ramp[L.labels ? Math.min(7, Math.floor(8 * Math.sqrt(n / L.greatest))) : Math.min(7, Math.floor(8 * Math.log2(n + 1) / Math.log2(L.greatest + 2)))];
      c.fillRect(L.left + x * kLatencyCell, yOf(row), kLatencyCell - 0.5, cellHeight - 0.5);
    }
  drawLatencyMarks(c, width, height);
  c.font = "11px " + C.css.font;
  c.fillStyle = C.css.soft;
  c.textBaseline = "middle";
  c.textAlign = "right";
  const every = Math.ceil(18 / cellHeight);
  for (let row = L.first; row <= L.last; row += every)
    c.fillText(L.labels ? fitted(c, L.labels[row] || "", L.left - 12) : row === 0 ? "< 2 ns" : "≥ " + duration(2 ** row), L.left - 8, yOf(row) + cellHeight / 2);
  c.textAlign = "center";
  for (let i = 0; i <= 6; i++) {
    const x = L.left + (width - L.left - 8) * i / 6;
    c.textAlign = i === 0 ? "left" : i === 6 ? "right" : "center";
    c.fillText(moment(L.from + (L.to - L.from) * i / 6, (L.to - L.from) / 1000), x, height - kLatencyBottom / 2);
  }
  c.textAlign = "left";
  if (L.hover) {
    c.strokeStyle = C.css.ink;
    c.strokeRect(L.left + L.hover.x * kLatencyCell - 0.5, yOf(L.hover.row) - 0.5, kLatencyCell + 0.5, cellHeight + 0.5);
  }
  byId("latency-note").textContent = latencyNote();
}

// Where the cursor stands, and what part the timeline shows.
function drawLatencyMarks(c, width, height) {
  const xOfTime = (t) => L.left + Math.max(0, Math.min(1, (t - L.from) / (L.to - L.from))) * L.columns * kLatencyCell;
  c.fillStyle = C.css.accent;
  if (V.cursor > L.from && V.cursor < L.to) c.fillRect(Math.round(xOfTime(V.cursor)), 4, 1, height - kLatencyBottom - 4);
  c.fillRect(xOfTime(V.t0), height - kLatencyBottom, xOfTime(V.t1) - xOfTime(V.t0), 2);
}

function latencyCellAt(x, y) {
  const cellHeight = latencyCellHeight();
  const column = Math.floor((x - L.left) / kLatencyCell), row = L.last - Math.floor((y - 4) / cellHeight);
  return column < 0 || column >= L.columns || row < L.first || row > L.last ? null : { x: column, row, n: L.cells[row * L.columns + column], worst: L.worst[row * L.columns + column] };
}

// To the worst wait of the cell, with some time around it.
function openLatencyCell(cell) {
  const width = (L.to - L.from) / L.columns, middle = L.from + (cell.x + 0.5) * width;
  showTab("timeline");
  if (cell.worst >= 0) {
    const s = M.s, wait = s.end[cell.worst] - s.start[cell.worst];
    setView(s.start[cell.worst] - wait, s.end[cell.worst] + wait);
    const next = nextOf(cell.worst);
    selectSlice(L.labels || next < 0 ? cell.worst : next, true);
  } else setView(middle - width * 4, middle + width * 4);
}

// As much of the words as has room.
function fitted(c, words, width) {
  if (c.measureText(words).width <= width) return words;
  let letters = words.length;
  while (letters > 1 && c.measureText(words.slice(0, letters) + "…").width > width) letters--;
  return words.slice(0, letters) + "…";
}

function fillLatencyNames() {
  const select = byId("latency-name");
  select.append(el("option", { value: "" }, "all names"));
  for (const n of groupOrder().slice(0, 200)) select.append(el("option", { value: n }, D.meta.names[n] || "(no name)"));
}
