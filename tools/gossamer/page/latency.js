// SPDX-License-Identifier: BSL-1.0
// latency: when goroutines had to wait for a processor, and how long: time across, powers of two of nanoseconds upwards, colour by how many.

const kLatencyRows = 40, kLatencyLeft = 74, kLatencyBottom = 24, kLatencyCell = 5;
const L = { cells: null, columns: 0, from: 0, to: 1, greatest: 0, first: 0, last: 0, count: 0, key: "", hover: null };

// Waits that ended in running, in cells of this range; of each cell the longest slice too.
function binLatency(columns) {
  const whole = byId("latency-range").value === "whole", from = whole ? 0 : V.t0, to = whole ? D.span : V.t1;
  const wanted = byId("latency-name").value, key = [columns, from, to, wanted].join(" ");
  if (key === L.key) return;
  const s = M.s, cells = new Uint32Array(columns * kLatencyRows), worst = new Int32Array(cells.length).fill(-1), width = (to - from) / columns;
  const name = wanted === "" ? -1 : Number(wanted);
  Object.assign(L, { cells, worst, columns, from, to, key, greatest: 0, first: kLatencyRows, last: 0, count: 0 });
  for (let i = 0; i < s.count; i++) {
    if (s.state[i] !== kRunnable || s.end[i] < from || s.end[i] > to || (name >= 0 && D.gName[s.g[i]] !== name)) continue;
    const next = nextOf(i);
    if (next < 0 || s.state[next] !== kRunning) continue;
    const wait = s.end[i] - s.start[i], row = Math.min(kLatencyRows - 1, wait < 1 ? 0 : Math.floor(Math.log2(wait)));
    const cell = row * columns + Math.min(columns - 1, Math.max(0, Math.floor((s.end[i] - from) / width)));
    L.greatest = Math.max(L.greatest, ++cells[cell]);
    if (worst[cell] < 0 || s.end[worst[cell]] - s.start[worst[cell]] < wait) worst[cell] = i;
    L.first = Math.min(L.first, row); L.last = Math.max(L.last, row); L.count++;
  }
  if (!L.count) L.first = L.last = 10;
  L.first = Math.max(0, Math.min(L.first, L.last - 8)); L.last = Math.min(kLatencyRows - 1, Math.max(L.last, L.first + 8));
}

function drawLatency() {
  const canvas = byId("latency-map"), k = V.ratio, width = canvas.width / k, height = canvas.height / k;
  if (width < 50 || byId("tab-latency").hidden) return;
  const columns = Math.max(1, Math.floor((width - kLatencyLeft - 8) / kLatencyCell));
  binLatency(columns);
  const c = canvas.getContext("2d");
  c.setTransform(k, 0, 0, k, 0, 0);
  c.fillStyle = C.css.ground;
  c.fillRect(0, 0, width, height);
  const rows = L.last - L.first + 1, cellHeight = (height - kLatencyBottom - 6) / rows;
  const yOf = (row) => 4 + (L.last - row) * cellHeight;
  const ramp = [0, 1, 2, 3, 4, 5, 6, 7].map((i) => C.css["heat-" + i]);
  for (let row = L.first; row <= L.last; row++)
    for (let x = 0; x < columns; x++) {
      const n = L.cells[row * columns + x];
      if (!n) continue;
      c.fillStyle = ramp[Math.min(7, Math.floor(8 * Math.log2(n + 1) / Math.log2(L.greatest + 2)))];
      c.fillRect(kLatencyLeft + x * kLatencyCell, yOf(row), kLatencyCell - 0.5, cellHeight - 0.5);
    }
  drawLatencyMarks(c, width, height);
  c.font = "11px " + C.css.font;
  c.fillStyle = C.css.soft;
  c.textBaseline = "middle";
  c.textAlign = "right";
  const every = Math.ceil(18 / cellHeight);
  for (let row = L.first; row <= L.last; row += every) c.fillText(row === 0 ? "< 2 ns" : "≥ " + duration(2 ** row), kLatencyLeft - 8, yOf(row) + cellHeight / 2);
  c.textAlign = "center";
  for (let i = 0; i <= 6; i++) {
    const x = kLatencyLeft + (width - kLatencyLeft - 8) * i / 6;
    c.textAlign = i === 0 ? "left" : i === 6 ? "right" : "center";
    c.fillText(moment(L.from + (L.to - L.from) * i / 6, (L.to - L.from) / 1000), x, height - kLatencyBottom / 2);
  }
  c.textAlign = "left";
  if (L.hover) {
    c.strokeStyle = C.css.ink;
    c.strokeRect(kLatencyLeft + L.hover.x * kLatencyCell - 0.5, yOf(L.hover.row) - 0.5, kLatencyCell + 0.5, cellHeight + 0.5);
  }
  byId("latency-note").textContent = L.count ? `${many(L.count, "wait")} for a processor; the fullest cell has ${grouped(L.greatest)}. Click a cell to go there.`
    : "Nobody waited for a processor in this range: everything that was made ready ran in another window, or not at all.";
}

// Where the cursor stands, and what part the timeline shows.
function drawLatencyMarks(c, width, height) {
  const xOfTime = (t) => kLatencyLeft + Math.max(0, Math.min(1, (t - L.from) / (L.to - L.from))) * L.columns * kLatencyCell;
  c.fillStyle = C.css.accent;
  if (V.cursor > L.from && V.cursor < L.to) c.fillRect(Math.round(xOfTime(V.cursor)), 4, 1, height - kLatencyBottom - 4);
  c.fillRect(xOfTime(V.t0), height - kLatencyBottom, xOfTime(V.t1) - xOfTime(V.t0), 2);
}

function latencyCellAt(x, y) {
  const canvas = byId("latency-map"), height = canvas.height / V.ratio, rows = L.last - L.first + 1, cellHeight = (height - kLatencyBottom - 6) / rows;
  const column = Math.floor((x - kLatencyLeft) / kLatencyCell), row = L.last - Math.floor((y - 4) / cellHeight);
  return column < 0 || column >= L.columns || row < L.first || row > L.last ? null : { x: column, row, n: L.cells[row * L.columns + column], worst: L.worst[row * L.columns + column] };
}

// To the worst wait of the cell, with some time around it.
function openLatencyCell(cell) {
  const width = (L.to - L.from) / L.columns, middle = L.from + (cell.x + 0.5) * width;
  showTab("timeline");
  if (cell.worst >= 0) {
    const s = M.s, wait = s.end[cell.worst] - s.start[cell.worst];
    setView(s.start[cell.worst] - wait, s.end[cell.worst] + wait);
    selectSlice(nextOf(cell.worst), true);
  } else setView(middle - width * 4, middle + width * 4);
}

function fillLatencyNames() {
  const select = byId("latency-name");
  select.append(el("option", { value: "" }, "all names"));
  for (const n of groupOrder().slice(0, 200)) select.append(el("option", { value: n }, D.meta.names[n] || "(no name)"));
}
