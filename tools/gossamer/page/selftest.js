// SPDX-License-Identifier: BSL-1.0
// selftest: with #selftest in its address the page uses itself through its own event handlers, as a hand would, and writes what came of it into the
// document as JSON, in an element "selftest-result": {checks: [[sentence, passed, detail]…], frames: {…}}. Nothing of it runs otherwise.

const T = { checks: [] };

function expect(sentence, passed, detail) {
  T.checks.push([sentence, Boolean(passed), detail === undefined ? "" : String(detail)]);
}
function mouse(type, element, x, y, more) {
  const box = element.getBoundingClientRect();
  element.dispatchEvent(new MouseEvent(type, { clientX: box.left + x, clientY: box.top + y, bubbles: true, cancelable: true, button: 0, ...more }));
}
function clickAt(element, x, y, more) {
  for (const type of ["mousedown", "mouseup", "click"]) mouse(type, element, x, y, more);
}
function dragFromTo(element, x0, y0, x1, y1, more) {
  mouse("mousedown", element, x0, y0, more);
  mouse("mousemove", element, (x0 + x1) / 2, (y0 + y1) / 2, more);
  mouse("mousemove", element, x1, y1, more);
  mouse("mouseup", element, x1, y1, more);
}
function wheelAt(element, x, y, dy, more) {
  const box = element.getBoundingClientRect();
  element.dispatchEvent(new WheelEvent("wheel", { clientX: box.left + x, clientY: box.top + y, deltaY: dy, bubbles: true, cancelable: true, ...more }));
}
function press(key, more) {
  byId("timeline").dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true, ...more }));
}
function typeInto(id, text) {
  byId(id).value = text;
  byId(id).dispatchEvent(new Event("input", { bubbles: true }));
}
const near = (a, b, by) => Math.abs(a - b) <= by;

// --- what is on the page must agree with the events, counted anew in the simplest way -----------------------------------------------------------------

function testModel() {
  const { kind } = D, s = M.s;
  let starts = 0, ordered = true, nested = true;
  for (let e = 0; e < D.count; e++) if (D.eventKind[e] === kind.start) starts++;
  let opened = 0;
  for (let i = 0; i < s.count; i++) if (s.state[i] === kRunning && s.opened[i] >= 0) opened++;
  expect("every start has one running slice", starts === opened, `${starts} starts, ${opened} slices`);
  for (let g = 1; g < M.goroutines; g++)
    for (let i = M.byG.first[g] + 1; i < M.byG.first[g + 1]; i++) if (s.start[M.byG.items[i]] < s.end[M.byG.items[i - 1]]) ordered = false;
  expect("slices of one goroutine do not overlap", ordered);
  for (let p = 0; p < M.processors; p++)
    for (let i = M.byP.first[p] + 1; i < M.byP.first[p + 1]; i++) if (s.start[M.byP.items[i]] < s.end[M.byP.items[i - 1]]) nested = false;
  expect("slices of one processor do not overlap", nested);
  let running = 0, inGroups = 0;
  const all = groups();
  for (let i = 0; i < s.count; i++) if (s.state[i] === kRunning) running += s.end[i] - s.start[i];
  for (let n = 0; n < D.meta.names.length; n++) {
    const end = all.first[n + 1];
    inGroups += integral(all, all.running, all.runningLast, n, end, D.span);
  }
  expect("the sums of the groups are the sums of their slices", near(running, inGroups, 1 + running * 1e-6), `${running} ${inGroups}`);
  const bins = mapBins();
  expect("the minimap shows as much running as there was", near(sum(bins.run) * D.span / kMapBins, running, 1 + running * 1e-3), `${sum(bins.run) * D.span / kMapBins} ${running}`);
}

function testMoment() {
  const t = D.span * 0.6180339, now = momentOf(t), counted = [0, 0, 0, 0];
  for (let i = 0; i < M.s.count; i++) if (M.s.start[i] <= t && M.s.end[i] > t) counted[M.s.state[i]]++;
  expect("the state table counts every slice at its moment", counted.join() === now.states.join(), `${counted} ${now.states}`);
  typeInto("moment-slider", "5000");
  expect("the slider moves the cursor", near(V.cursor, D.span / 2, D.span / 1000), V.cursor);
  byId("show-moment").click();
  refreshSideNow();
  expect("the state table is filled", byId("moment-tables").querySelectorAll("tbody tr").length > 0 || now.states.every((n) => !n));
  byId("event-after").click();
  const after = V.cursor;
  byId("event-before").click();
  expect("stepping goes from event to event", !D.ns.some((t) => t > D.span / 2) || after > D.span / 2 && V.cursor < after && D.ns.includes(after),
    `${after} ${V.cursor}`);
  byId("show-waits").click();
  refreshSideNow();
  const waits = [...momentOf(V.cursor).objects.values()];
  const isShown = byId("waits-tables").querySelectorAll("tbody tr").length === Math.min(waits.length, kMostRows);
  expect("the wait graph has a row for each object and a drawing", isShown && (!waits.length || byId("waits-tables").querySelector("svg")), waits.length);
  byId("show-selection").click();
}

function testZoom() {
  const timeline = byId("timeline"), span = () => V.t1 - V.t0;
  showAll();
  const whole = span(), x = kLabels + (V.width - kLabels) * 0.4, under = timeAt(x);
  for (let i = 0; i < 10; i++) wheelAt(timeline, x, 100, -100);
  expect("the wheel zooms in", span() < whole / 5, `${whole} ${span()}`);
  expect("the moment under the mouse stays there", near(timeAt(x), under, span() / 500 + 1), `${under} ${timeAt(x)}`);
  const zoomed = span();
  press("s");
  expect("s zooms out", span() > zoomed);
  press("w");
  expect("w zooms in", near(span(), zoomed, zoomed * 0.01), `${zoomed} ${span()}`);
  let from = V.t0;
  press("d");
  expect("d moves on", V.t0 > from || V.t1 >= D.span);
  from = V.t0;
  press("ArrowLeft");
  expect("the left arrow moves back", V.t0 < from);
  from = V.t0;
  dragFromTo(timeline, kLabels + 200, 300, kLabels + 100, 300);
  expect("dragging moves by as much as the mouse", near(V.t0 - from, 100 * span() / (V.width - kLabels), span() * 0.005), V.t0 - from);
  const a = timeAt(kLabels + 100), b = timeAt(kLabels + 300);
  dragFromTo(timeline, kLabels + 100, 10, kLabels + 300, 10);
  expect("dragging on the axis zooms to the stretch", near(V.t0, a, (b - a) / 50) && near(V.t1, b, (b - a) / 50), `${[a, b]} ${[V.t0, V.t1]}`);
  for (let i = 0; i < 200; i++) wheelAt(timeline, x, 100, -120);
  expect("zooming in has an end", span() >= kLeastSpan, span());
  for (let i = 0; i < 300; i++) wheelAt(timeline, x, 100, 120);
  expect("zooming out ends at the whole window", near(span(), D.span * 1.02, D.span * 0.001) && V.t0 >= -D.span * 0.0101, span());
  const map = byId("minimap"), width = map.getBoundingClientRect().width;
  dragFromTo(map, width * 0.25, 20, width * 0.5, 20);
  expect("dragging in the minimap chooses the part that is shown", near(V.t0, D.span * 0.25, D.span * 0.01) && near(V.t1, D.span * 0.5, D.span * 0.01), `${V.t0} ${V.t1}`);
  press("0");
  expect("0 shows the whole window", span() > D.span);
}

// A running slice that had to wait and was woken by somebody: what a user would look for.
function findWoken() {
  const s = M.s, from = Math.floor(s.count / 3);
  for (let k = 0; k < s.count; k++) {
    const i = (from + k) % s.count, before = previousOf(i);
    if (s.state[i] !== kRunning || s.p[i] < 0 || before < 0 || s.opened[before] < 0 || s.end[before] - s.start[before] < 1 || s.end[i] <= s.start[i]) continue;
    if (D.eventKind[s.opened[before]] === D.kind.ready && D.eventBy[s.opened[before]] && runningAt(D.eventBy[s.opened[before]], s.start[before]) >= 0) return i;
  }
  return -1;
}
function testSelection() {
  const s = M.s, slice = findWoken(), timeline = byId("timeline");
  if (slice < 0) return;
  clearSelection();
  scrollTo(0);
  const length = s.end[slice] - s.start[slice];
  setView(s.start[slice] - length * 2, s.end[slice] + length * 2);
  drawAll();
  clickAt(timeline, xOf((s.start[slice] + s.end[slice]) / 2), topOf(R.ofP[s.p[slice]]) + 8);
  expect("a click selects the slice under it", V.slice === slice, `${slice} ${V.slice}`);
  const words = byId("selection").textContent;
  expect("the panel names the goroutine", words.includes(called(s.g[slice])));
  const waker = D.eventBy[s.opened[previousOf(slice)]];
  expect("the panel says who woke it", words.includes(called(waker)), called(waker));
  expect("why it ran late has its first step", byId("selection").querySelectorAll(".late > li").length >= 1 && V.late.steps[0].slice === slice);
  expect("the path goes back in time", V.late.steps.every((step, i) => i === 0 || s.start[step.slice] <= s.start[V.late.steps[i - 1].slice]));
  expect("at most ten steps", V.late.steps.length <= kMostSteps);
  expect("the goroutine has a lane near the processors", R.ofG[s.g[slice]] >= 0 && R.pinned.includes(s.g[slice]));
  drawAll();
  const link = [...byId("selection").querySelectorAll("a[data-slice]")].find((a) => a.textContent === called(waker));
  if (link) {
    link.click();
    expect("a link leads to the waker", V.g === waker, called(V.g));
    expect("and brings it into sight", s.end[V.slice] >= V.t0 && s.start[V.slice] <= V.t1);
  } else expect("a link leads to the waker", false, "no link");
  const now = V.slice;
  press("n");
  expect("n goes to the next slice", nextOf(now) < 0 || V.slice === nextOf(now));
  press("p");
  expect("p goes back", nextOf(now) < 0 || V.slice === now);
  press("f");
  expect("f fits the slice", s.start[V.slice] >= V.t0 && s.end[V.slice] <= V.t1);
  press("Escape");
  expect("Escape selects nothing", V.slice < 0 && R.pinned.length === 0);
}

function testSearch() {
  const g = D.eventG[D.eventKind.lastIndexOf(D.kind.start)];
  if (!g) return;
  moveCursor(0);
  typeInto("search", "G" + D.gId[g]);
  let counted = 0;
  for (let e = 0; e < D.count; e++) if (D.eventKind[e] === D.kind.start && D.eventG[e] === g) counted++;
  expect("a search by number finds each start", S.found.length === counted, `${S.found.length} ${counted}`);
  byId("search").dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true }));
  expect("Enter goes to the first hit", V.g === g && S.at === 0, S.at);
  byId("search").dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true }));
  expect("Enter again goes to the next", S.at === 1 % S.found.length, S.at);
  typeInto("search", nameOf(g).toUpperCase());
  expect("a search by name finds at least these", S.found.length >= counted);
  const pc = D.eventPc.find((p) => p);
  if (pc && D.pcFirst[pc] < D.pcFirst[pc + 1]) {
    const at = D.pcFirst[pc];
    typeInto("search", `${D.meta.strings[D.frameFile[at]].split("/").pop()}:${D.frameLine[at]}`);
    expect("a search by file and line finds the event there", S.found.some((e) => D.eventPc[e] === pc), S.query);
  }
  typeInto("search", "no such thing anywhere");
  expect("a search in vain says so", S.found.length === 0 && byId("hits").textContent === "nothing");
  typeInto("search", "");
}

function testRows() {
  const header = R.type.indexOf(kGroup);
  if (header < 0) return;
  const n = R.ref[header], before = R.count, wasOpen = R.open.has(n);
  scrollTo(R.y[header]);
  clickAt(byId("timeline"), 60, topOf(header) + 8);
  expect("a click on a name opens or closes its group", R.open.has(n) !== wasOpen && R.count !== before);
  R.order = "id";
  byId("order").value = "cpu";
  byId("order").dispatchEvent(new Event("change"));
  const list = membersOf(n), time = totals().byG.time[kRunning];
  expect("goroutines can be ordered by time running", list.every((g, i) => i === 0 || time[list[i - 1]] >= time[g]));
  byId("order").value = "id";
  byId("order").dispatchEvent(new Event("change"));
  if (R.open.has(n) !== wasOpen) { if (wasOpen) R.open.add(n); else R.open.delete(n); buildRows(); }
  scrollTo(0);
}

function testLatency() {
  byId("show-latency").click();
  drawAll();
  let counted = 0;
  for (let i = 0; i < M.s.count; i++) if (M.s.state[i] === kRunnable && nextOf(i) >= 0 && M.s.state[nextOf(i)] === kRunning) counted++;
  expect("the heat map counts every wait once", sum(L.cells) === counted && L.count === counted, `${sum(L.cells)} ${counted}`);
  const at = L.cells.findIndex((n) => n > 0);
  if (at < 0) return showTab("timeline");
  const row = Math.floor(at / L.columns), column = at % L.columns;
  clickAt(byId("latency-map"), L.left + (column + 0.5) * kLatencyCell, 4 + (L.last - row + 0.5) * latencyCellHeight());
  expect("a click in the heat map zooms to that time", V.tab === "timeline" && V.slice >= 0 && near(M.s.start[V.slice], L.from + (column + 0.5) * (L.to - L.from) / L.columns, (L.to - L.from) / L.columns),
    V.slice >= 0 ? M.s.start[V.slice] : "");
  expect("and to a wait of that length", V.slice >= 0 && Math.floor(Math.log2(Math.max(1, M.s.end[previousOf(V.slice)] - M.s.start[previousOf(V.slice)]))) === row);
  clearSelection();
}

function chooseLatency(what) {
  byId("latency-what").value = what;
  byId("latency-what").dispatchEvent(new Event("change"));
  showTab("latency");
  drawAll();
}
// Time blocked, counted anew in the simplest way.
function testBlocked() {
  const s = M.s, total = { ready: 0, waiting: 0 }, ended = [];
  for (let i = 0; i < s.count; i++) {
    if (s.state[i] === kRunnable) total.ready += s.end[i] - s.start[i];
    if (s.state[i] === kWaiting) total.waiting += s.end[i] - s.start[i];
    if (s.state[i] === kWaiting && nextOf(i) >= 0) ended.push(i);
  }
  chooseLatency("length");
  expect("the map of blocked lengths counts every wait that ended", L.count === ended.length && sum(L.cells) === ended.length, `${L.count} ${ended.length}`);
  for (const what of ["reason", "place"]) {
    chooseLatency(what);
    const all = total.ready + total.waiting;
    const isWhole = L.labels.length < kMostPlaces ? near(sum(L.cells), all, 1 + all * 1e-6) : sum(L.cells) <= all * (1 + 1e-6);
    expect(`the map by ${what} adds up to the time blocked and runnable`, isWhole, `${sum(L.cells)} ${all}`);
    const top = L.labels.length - 1;
    expect(`its first row by ${what} are the runnable`, !total.ready || near(sum(L.cells.subarray(top * L.columns, (top + 1) * L.columns)), total.ready, 1 + total.ready * 1e-6), L.labels[top]);
    if (what === "reason") {
      const reasons = new Set();
      for (let i = 0; i < s.count; i++) if (s.state[i] === kWaiting && s.end[i] > s.start[i]) reasons.add(s.reason[i]);
      expect("a row for each reason", L.labels.length === Math.min(kMostPlaces, reasons.size + (total.ready ? 1 : 0)), L.labels.join(", "));
    }
  }
  const at = L.cells.findIndex((n) => n > 0);
  if (at >= 0) {
    const row = Math.floor(at / L.columns), column = at % L.columns;
    const x = L.left + (column + 0.5) * kLatencyCell, y = 4 + (L.last - row + 0.5) * latencyCellHeight();
    mouse("mousemove", byId("latency-map"), x, y);
    expect("a cell says what it is of", byId("tooltip").textContent.includes(L.labels[row]), byId("tooltip").textContent);
    clickAt(byId("latency-map"), x, y);
    expect("a click leads to the longest that is blocked there", V.tab === "timeline" && V.slice === L.worst[at], `${V.slice} ${L.worst[at]}`);
  }
  clearSelection();
  chooseLatency("ready");
  showTab("timeline");
}

function testStop() {
  expect("what stopped the recorder is in the header", byId("stopped").hidden === !D.meta.stopped && (!D.meta.stopped || byId("stopped").textContent.includes(D.meta.stopped)));
  if (!D.meta.stopped) return;
  byId("stopped").click();
  expect("a click on it leads there", near(V.cursor, D.meta.stoppedAt, 1) && (!D.meta.stoppedG || V.g === D.meta.stoppedG), `${V.cursor} ${V.g}`);
  clearSelection();
}

function testSummary() {
  byId("show-summary").click();
  expect("the summary has totals", byId("summary").querySelectorAll(".tiles li").length >= 8);
  expect("the summary has a row for each name", D.count === 0 || byId("summary").querySelector("tbody").children.length === Math.min(kMostRows, groupOrder().length));
  const link = byId("summary").querySelector("a[data-slice]");
  if (link) {
    link.click();
    expect("a link in the summary leads to the timeline", V.tab === "timeline" && V.slice >= 0);
  }
  showTab("timeline");
  clearSelection();
}

// Milliseconds of one whole frame, drawn at once, from the whole window down to single slices and back.
function measureFrames() {
  const times = [], centre = D.ns[D.count >> 1] || D.span / 2;
  showAll();
  drawAll();
  for (let i = 0; i < 120; i++) {
    zoomAt(centre, i < 60 ? 0.8 : 1 / 0.8);
    const begun = performance.now();
    drawAll();
    byId("timeline").getContext("2d").getImageData(0, 0, 1, 1);  // waits until it is painted
    times.push(performance.now() - begun);
  }
  times.sort((a, b) => a - b);
  const round = (n) => Math.round(n * 100) / 100;
  return { median: round(times[60]), p95: round(times[114]), greatest: round(times[119]), width: byId("timeline").width, height: byId("timeline").height };
}

function runSelftest() {
  for (const test of [testModel, testZoom, testMoment, testSelection, testSearch, testRows, testLatency, testBlocked, testStop, testSummary]) {
    try {
      test();
    } catch (problem) {
      expect(`${test.name} runs to its end`, false, problem.stack);
    }
  }
  expect("nothing of the traced program became part of the page", !document.querySelector("body script[src], body img, body b[onclick]") && document.title.indexOf("taken") !== 0, document.title);
  const frames = measureFrames();
  press("0");
  document.body.append(el("pre", { id: "selftest-result", hidden: true }, JSON.stringify({
    checks: T.checks, frames, events: D.count, slices: M.s.count, goroutines: M.goroutines - 1,
    decode: Math.round(V.times.decode), model: Math.round(V.times.model), first: Math.round(V.times.first),
  })));
}
