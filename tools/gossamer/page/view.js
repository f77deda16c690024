// SPDX-License-Identifier: BSL-1.0
// view: what the page shows now, and the ways to change it. Every change asks for one frame; several before the next frame cost one.

const kMostWoken = 200, kLeastSpan = 20;

const V = {
  t0: 0, t1: 1, scroll: 0, width: 0, height: 0, ratio: 1,
  cursor: 0, slice: -1, g: 0, hover: -1, woken: [], late: null, range: null, tab: "timeline", side: "selection", asked: false,
};

function requestDraw() {
  if (V.asked) return;
  V.asked = true;
  requestAnimationFrame(() => { V.asked = false; drawAll(); });
}
function drawAll() {
  drawMinimap();
  if (V.tab === "timeline") drawTimeline();
  if (V.tab === "latency") drawLatency();
}

// Keeps the window in sight: never wider than it with a margin, never beside it.
function setView(t0, t1) {
  const most = D.span * 1.02, margin = D.span * 0.01;
  let span = Math.min(most, Math.max(kLeastSpan, t1 - t0)), from = (t0 + t1 - span) / 2;
  from = Math.max(-margin, Math.min(from, D.span + margin - span));
  V.t0 = from; V.t1 = from + span;
  requestDraw();
}
function zoomAt(t, factor) {
  const span = Math.min(D.span * 1.02, Math.max(kLeastSpan, (V.t1 - V.t0) * factor)), share = (t - V.t0) / (V.t1 - V.t0);
  setView(t - span * share, t + span * (1 - share));
}
function pan(share) {
  const by = (V.t1 - V.t0) * share;
  setView(V.t0 + by, V.t1 + by);
}
function showAll() { setView(-D.span * 0.01, D.span * 1.01); }
function scrollTo(y) {
  V.scroll = Math.max(0, Math.min(y, R.height - (V.height - kAxis)));
  requestDraw();
}

function moveCursor(t) {
  V.cursor = Math.max(0, Math.min(D.span, t));
  refreshSide();
  requestDraw();
}
function showTime(t) {
  if (t < V.t0 || t > V.t1) setView(t - (V.t1 - V.t0) / 2, t + (V.t1 - V.t0) / 2);
  moveCursor(t);
}

// Brings a slice into the middle when it cannot be seen; zooms in when it is but a few pixels wide.
function revealSlice(slice) {
  const s = M.s, length = s.end[slice] - s.start[slice], span = V.t1 - V.t0;
  if (length < span / 150) setView(s.start[slice] - Math.max(length, 50) * 12, s.start[slice] + Math.max(length, 50) * 28);
  else if (length > span * 4) setView(s.start[slice] - span / 3, s.start[slice] + span * 2 / 3);
  else if (s.start[slice] < V.t0 || s.start[slice] > V.t0 + span * 0.9) setView(s.start[slice] - span / 3, s.start[slice] + span * 2 / 3);
}
function revealRow(row) {
  if (row < 0) return;
  const top = R.y[row], bottom = R.y[row + 1], inside = V.height - kAxis;
  if (top < V.scroll || bottom > V.scroll + inside) scrollTo(top - inside / 3);
}

// Lanes around the selection: itself, the goroutines of the path that led to it, and some that it woke.
function pinAround() {
  const pinned = new Set();
  if (V.g > 0) pinned.add(V.g);
  if (V.late) for (const step of V.late.steps) pinned.add(M.s.g[step.slice]);
  for (const e of V.woken.slice(0, 4)) pinned.add(D.eventG[e]);
  R.pinned = [...pinned].slice(0, 12);
}

// Selecting changes the lanes above the one that was clicked: it stays where it is on the screen.
function select(g, slice, clickedY) {
  const anchor = clickedY === undefined ? -1 : rowAt(V.scroll + clickedY - kAxis);
  const type = anchor >= 0 ? R.type[anchor] : 0, ref = anchor >= 0 ? R.ref[anchor] : 0, was = anchor >= 0 ? R.y[anchor] : 0;
  const wasPinned = anchor >= 0 && type === kGoroutine && R.pinned.includes(ref) && R.ofG[ref] === anchor;
  V.g = g; V.slice = slice;
  const running = slice >= 0 && M.s.state[slice] === kRunning;
  V.woken = running ? wakesOf(slice, kMostWoken) : [];
  V.late = slice >= 0 && (running || M.s.state[slice] === kRunnable) ? explainLate(slice) : null;
  pinAround();
  buildRows();
  if (anchor >= 0) {
    let row = -1;
    if (type === kGoroutine && wasPinned) row = R.ofG[ref];
    else for (let r = R.count - 1; r >= 0 && row < 0; r--) if (R.type[r] === type && R.ref[r] === ref) row = r;
    if (row >= 0) V.scroll += R.y[row] - was;
  }
  scrollTo(V.scroll);
  fillPanel();
  showSide("selection");
  requestDraw();
}
function selectSlice(slice, reveal, clickedY) {
  if (slice < 0) return;
  select(M.s.g[slice], slice, clickedY);
  if (!reveal) return;
  showTab("timeline");
  moveCursor(M.s.start[slice]);
  revealSlice(slice);
  revealRow(R.ofG[M.s.g[slice]]);
}
function selectGoroutine(g) {
  showTab("timeline");
  const first = M.byG.first[g], end = M.byG.first[g + 1];
  // What it does at the cursor, else what it did first.
  const now = sliceAt(g, V.cursor);
  if (first === end) select(g, -1);
  else selectSlice(now >= 0 ? now : M.byG.items[first], true);
}
function clearSelection() {
  V.g = 0; V.slice = -1; V.late = null; V.woken = []; R.pinned = [];
  buildRows();
  scrollTo(V.scroll);
  fillPanel();
  requestDraw();
}
function fitSelection() {
  if (V.slice < 0) return showAll();
  const late = V.late && V.late.arrows.length ? V.late.arrows[0][2] : M.s.start[V.slice];
  const from = Math.min(late, M.s.start[V.slice]), to = M.s.end[V.slice];
  setView(from - (to - from) * 0.15, to + (to - from) * 0.15);
}

function showTab(tab) {
  if (V.tab === tab) return;
  V.tab = tab;
  for (const name of ["timeline", "latency", "summary"]) {
    byId("tab-" + name).hidden = name !== tab;
    byId("show-" + name).setAttribute("aria-selected", String(name === tab));
  }
  document.querySelector("footer").hidden = tab !== "timeline";
  if (tab === "summary" && !byId("summary").hasChildNodes()) fillSummary();
  resize();
}
function showSide(side) {
  V.side = side;
  for (const name of ["selection", "moment", "waits"]) {
    byId(name === "selection" ? "selection" : "side-" + name).hidden = name !== side;
    byId("show-" + name).setAttribute("aria-selected", String(name === side));
  }
  refreshSide();
}
// Tables of the cursor look at every goroutine: at most once a frame, and only while they can be seen.
let sideAsked = false;
function refreshSide() {
  if (V.side === "selection" || sideAsked) return;
  sideAsked = true;
  requestAnimationFrame(refreshSideNow);
}
function refreshSideNow() {
  sideAsked = false;
  if (V.side === "moment") fillMoment();
  if (V.side === "waits") fillWaits();
}

function resize() {
  V.ratio = Math.max(1, Math.round(window.devicePixelRatio || 1));
  for (const id of ["timeline", "minimap", "latency-map"]) {
    const canvas = byId(id), box = canvas.parentElement.getBoundingClientRect();
    const width = Math.floor(box.width), height = Math.floor(id === "minimap" ? 52 : box.height);
    if (!width || !height) continue;
    canvas.style.width = width + "px"; canvas.style.height = height + "px";
    if (canvas.width !== width * V.ratio) canvas.width = width * V.ratio;
    if (canvas.height !== height * V.ratio) canvas.height = height * V.ratio;
    if (id === "timeline") { V.width = width; V.height = height; }
  }
  if (R.count) scrollTo(V.scroll);
  requestDraw();
}
