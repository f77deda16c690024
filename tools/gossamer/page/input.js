// SPDX-License-Identifier: BSL-1.0
// input: mouse, wheel and keys become changes of the view.

const drag = { what: null, x: 0, y: 0, t0: 0, t1: 0, scroll: 0, moved: false };

function where(event, id) {
  const box = byId(id).getBoundingClientRect();
  return [event.clientX - box.left, event.clientY - box.top];
}

// The slice under a point of the timeline; -1: none.
function sliceUnder(x, y) {
  if (x < kLabels || y < kAxis) return -1;
  const r = rowAt(V.scroll + y - kAxis), t = timeAt(x), close = (V.t1 - V.t0) / V.width * 2;
  if (r < 0) return -1;
  const s = M.s, ref = R.ref[r];
  const nearest = (slice, list, first, end) => {
    if (slice >= 0) return slice;
    const i = firstAfter(list, s.start, first, end, t);  // beside a thin one
    if (i < end && s.start[list[i]] - t < close) return list[i];
    return i > first && t - s.end[list[i - 1]] < close ? list[i - 1] : -1;
  };
  if (R.type[r] === kProcessor) return nearest(sliceOnP(ref, t), M.byP.items, M.byP.first[ref], M.byP.first[ref + 1]);
  if (R.type[r] === kGoroutine) return nearest(sliceAt(ref, t), M.byG.items, M.byG.first[ref], M.byG.first[ref + 1]);
  return -1;
}
function regionUnder(x, y) {
  const r = rowAt(V.scroll + y - kAxis);
  if (r < 0 || R.type[r] !== kGoroutine) return -1;
  const row = Math.floor((V.scroll + y - kAxis - R.y[r] - kLaneHeight - 1) / kRegionHeight), g = R.ref[r];
  if (row < 0 || row >= M.regionDepth[g]) return -1;
  const { items, first } = M.regionsBy, key = g * kRegionRows + row, t = timeAt(x);
  const i = firstAfter(items, M.regions.start, first[key], first[key + 1], t) - 1;
  return i >= first[key] && M.regions.end[items[i]] >= t ? items[i] : -1;
}

function tooltipWords(x, y) {
  const region = regionUnder(x, y);
  if (region >= 0) return [D.meta.texts[M.regions.text[region]] || "(no name)", `region of ${called(M.regions.g[region])}`, duration(M.regions.end[region] - M.regions.start[region])];
  const r = rowAt(V.scroll + y - kAxis);
  if (V.hover >= 0) {
    const s = M.s, slice = V.hover, pcs = s.state[slice] === kWaiting ? stackOfSlice(slice) : [];
    return [called(s.g[slice]), `${kStateWords[s.state[slice]]}${s.state[slice] === kWaiting ? ": " + reasonWords(s.reason[slice]) : s.p[slice] >= 0 ? ` on P${s.p[slice]}` : ""}`,
      duration(s.end[slice] - s.start[slice]), pcs.length ? placeOf(...pcs) : ""];
  }
  if (r >= 0 && R.type[r] === kGroup && x >= kLabels) return [D.meta.names[R.ref[r]], "mean numbers of running and runnable goroutines", "click the name to see each"];
  if (r >= 0 && R.type[r] === kTaskRow && x >= kLabels) {
    const { tasks } = M, t = timeAt(x), i = tasks.start.findIndex((start, k) => tasks.row[k] === R.ref[r] && start <= t && tasks.end[k] >= t);
    if (i >= 0) return [D.meta.texts[tasks.text[i]], `task ${D.value[tasks.id[i]]}`, duration(tasks.end[i] - tasks.start[i])];
  }
  if (r >= 0 && R.type[r] === kCounter && x >= kLabels) {
    const { at, value, text } = M.counters[R.ref[r]], i = firstAfterNumber(at, 0, at.length, timeAt(x)) - 1;
    if (i >= 0) return [D.meta.texts[text], String(value[i])];
  }
  return null;
}
function showTooltip(event, words) {
  const tip = byId("tooltip");
  tip.hidden = !words;
  if (!words) return;
  tip.replaceChildren(...words.filter(Boolean).map((w, i) => el(i ? "span" : "b", {}, w)));
  const box = tip.getBoundingClientRect();
  tip.style.left = Math.min(event.clientX + 14, window.innerWidth - box.width - 8) + "px";
  tip.style.top = (event.clientY + 18 + box.height > window.innerHeight ? event.clientY - box.height - 10 : event.clientY + 18) + "px";
}

function onTimelineDown(event) {
  if (event.button !== 0) return;
  const [x, y] = where(event, "timeline");
  Object.assign(drag, { x, y, t0: V.t0, t1: V.t1, scroll: V.scroll, moved: false, what: "pan" });
  if (x > V.width - 12 && R.height > V.height - kAxis) drag.what = "scroll";
  else if (x >= kLabels && (y < kAxis || event.shiftKey)) drag.what = "range";
  else if (x < kLabels) drag.what = "label";
  byId("timeline").focus({ preventScroll: true });
}
function onMove(event) {
  if (drag.what === "map") return dragMap(event);
  const [x, y] = where(event, "timeline");
  if (!drag.what) {
    if (event.target !== byId("timeline")) return;
    const hover = sliceUnder(x, y);
    if (hover !== V.hover) { V.hover = hover; requestDraw(); }
    byId("timeline").style.cursor = x < kLabels ? "default" : y < kAxis ? "ew-resize" : hover >= 0 ? "pointer" : "default";
    return showTooltip(event, tooltipWords(x, y));
  }
  if (Math.abs(x - drag.x) + Math.abs(y - drag.y) > 3) drag.moved = true;
  if (!drag.moved) return;
  const per = (drag.t1 - drag.t0) / (V.width - kLabels), inside = V.height - kAxis;
  if (drag.what === "pan") {
    setView(drag.t0 - (x - drag.x) * per, drag.t1 - (x - drag.x) * per);
    scrollTo(drag.scroll - (y - drag.y));
  } else if (drag.what === "scroll") scrollTo(drag.scroll + (y - drag.y) * R.height / inside);
  else if (drag.what === "label") scrollTo(drag.scroll - (y - drag.y));
  else { V.range = [timeAt(drag.x), timeAt(x)]; requestDraw(); }
  showTooltip(event, drag.what === "range" ? [duration(Math.abs(V.range[1] - V.range[0]))] : null);
}
function onUp(event) {
  const { what, moved } = drag;
  drag.what = null;
  if (!what || what === "map") return;
  const [x, y] = where(event, "timeline");
  if (V.range) {
    const [a, b] = V.range;
    V.range = null;
    showTooltip(event, null);
    return setView(Math.min(a, b), Math.max(a, b));
  }
  if (!moved) onTimelineClick(x, y);
}
function onTimelineClick(x, y) {
  const r = rowAt(V.scroll + y - kAxis);
  if (y < kAxis) return x >= kLabels ? moveCursor(timeAt(x)) : undefined;
  if (r < 0) return;
  if (x < kLabels || R.type[r] === kSection || R.type[r] === kGroup) {
    if (toggleRow(r)) return scrollTo(V.scroll);
    if (R.type[r] === kGoroutine) {
      const slice = sliceAt(R.ref[r], V.cursor);
      return select(R.ref[r], slice, y);
    }
    return;
  }
  const slice = sliceUnder(x, y);
  if (slice >= 0) selectSlice(slice, false, y);
  moveCursor(timeAt(x));
}
function onWheel(event) {
  event.preventDefault();
  const [x] = where(event, "timeline"), unit = event.deltaMode === 1 ? 18 : event.deltaMode === 2 ? 400 : 1;
  const dx = event.deltaX * unit, dy = event.deltaY * unit;
  if (event.shiftKey || x < kLabels) return scrollTo(V.scroll + (dy || dx));
  if (Math.abs(dx) > Math.abs(dy)) return pan(dx / (V.width - kLabels));
  zoomAt(timeAt(x), Math.exp(Math.max(-120, Math.min(120, dy)) * (event.ctrlKey ? 0.01 : 0.0025)));
}

function dragMap(event) {
  const [x] = where(event, "minimap"), t = x / byId("minimap").getBoundingClientRect().width * D.span;
  const by = t - drag.t;
  if (drag.edge === "from") setView(Math.min(t, drag.t1 - kLeastSpan), drag.t1);
  else if (drag.edge === "to") setView(drag.t0, Math.max(t, drag.t0 + kLeastSpan));
  else if (drag.edge === "new") { if (Math.abs(x - drag.x) > 3) setView(Math.min(t, drag.t), Math.max(t, drag.t)); }
  else setView(drag.t0 + by, drag.t1 + by);
}
function onMapDown(event) {
  const [x, y] = where(event, "minimap"), width = byId("minimap").getBoundingClientRect().width, t = x / width * D.span;
  const from = V.t0 / D.span * width, to = V.t1 / D.span * width;
  const isWhole = V.t1 - V.t0 > D.span * 0.98;
  const edge = isWhole ? "new" : Math.abs(x - from) < 6 ? "from" : Math.abs(x - to) < 6 ? "to" : x > from && x < to ? "move" : "new";
  Object.assign(drag, { what: "map", edge, x, y, t, t0: V.t0, t1: V.t1, moved: false });
  if (edge === "new" && !isWhole) setView(t - (V.t1 - V.t0) / 2, t + (V.t1 - V.t0) / 2);
  moveCursor(t);
}

const kKeys = {
  w: () => zoomAt(zoomCentre(), 0.7), s: () => zoomAt(zoomCentre(), 1 / 0.7), a: () => pan(-0.15), d: () => pan(0.15),
  "+": () => zoomAt(zoomCentre(), 0.7), "-": () => zoomAt(zoomCentre(), 1 / 0.7),
  ArrowLeft: () => pan(-0.08), ArrowRight: () => pan(0.08), ArrowUp: () => scrollTo(V.scroll - 60), ArrowDown: () => scrollTo(V.scroll + 60),
  PageUp: () => scrollTo(V.scroll - V.height * 0.8), PageDown: () => scrollTo(V.scroll + V.height * 0.8), Home: () => scrollTo(0), End: () => scrollTo(R.height),
  n: () => selectSlice(V.slice < 0 ? -1 : nextOf(V.slice), true), p: () => selectSlice(V.slice < 0 ? -1 : previousOf(V.slice), true),
  f: fitSelection, 0: showAll, "/": () => byId("search").focus(), "?": () => toggleHelp(), Escape: () => (byId("help").hidden ? clearSelection() : toggleHelp()),
  1: () => showTab("timeline"), 2: () => showTab("latency"), 3: () => showTab("summary"),
};
// Keys zoom around the cursor while it is in sight.
function zoomCentre() {
  return V.cursor > V.t0 && V.cursor < V.t1 ? V.cursor : (V.t0 + V.t1) / 2;
}
function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (["INPUT", "SELECT"].includes(event.target.tagName) && event.key !== "Escape") return;
  const act = kKeys[event.key] || kKeys[event.key.toLowerCase()];
  if (!act) return;
  if (event.target.tagName === "INPUT") return event.target.blur();
  event.preventDefault();
  act();
}
function toggleHelp() { byId("help").hidden = !byId("help").hidden; }

// Links say what they lead to in data-g, data-slice, data-time or data-object.
function onLink(event) {
  const link = event.target.closest("a, .link");
  if (!link || !link.dataset) return;
  const { g, slice, time, object } = link.dataset;
  if (g === undefined && slice === undefined && time === undefined) return;
  event.preventDefault();
  if (slice !== undefined) selectSlice(Number(slice), true);
  else if (g !== undefined) selectGoroutine(Number(g));
  else {
    if (object === undefined) showTab("timeline");
    showTime(Number(time));
    if (object !== undefined) showSide("waits");
  }
}

function stepEvent(step) {
  const i = firstAfterNumber(D.ns, 0, D.count, V.cursor);
  if (step > 0 && i < D.count) showTime(D.ns[i]);
  if (step < 0) {
    let k = i - 1;
    while (k >= 0 && D.ns[k] >= V.cursor) k--;
    if (k >= 0) showTime(D.ns[k]);
  }
}

function listen() {
  const timeline = byId("timeline");
  timeline.addEventListener("mousedown", onTimelineDown);
  timeline.addEventListener("wheel", onWheel, { passive: false });
  timeline.addEventListener("dblclick", fitSelection);
  timeline.addEventListener("mouseleave", (event) => { V.hover = -1; if (!drag.what) showTooltip(event, null); requestDraw(); });
  byId("minimap").addEventListener("mousedown", onMapDown);
  window.addEventListener("mousemove", onMove);
  window.addEventListener("mouseup", onUp);
  window.addEventListener("keydown", onKey);
  window.addEventListener("resize", resize);
  document.addEventListener("click", onLink);
  for (const tab of ["timeline", "latency", "summary"]) byId("show-" + tab).addEventListener("click", () => showTab(tab));
  for (const side of ["selection", "moment", "waits"]) byId("show-" + side).addEventListener("click", () => showSide(side));
  byId("search").addEventListener("input", (event) => search(event.target.value.trim()));
  byId("search").addEventListener("keydown", (event) => { if (event.key === "Enter") goToHit(event.shiftKey ? -1 : 1); });
  byId("moment-slider").addEventListener("input", (event) => showTime(Number(event.target.value) / 10000 * D.span));
  byId("event-before").addEventListener("click", () => stepEvent(-1));
  byId("event-after").addEventListener("click", () => stepEvent(1));
  byId("order").addEventListener("change", (event) => { R.order = event.target.value; buildRows(); scrollTo(V.scroll); });
  byId("show-help").addEventListener("click", toggleHelp);
  byId("help").addEventListener("click", toggleHelp);
  byId("stopped").addEventListener("click", (event) => { event.preventDefault(); goToStop(); });
  for (const id of ["latency-what", "latency-range", "latency-name"]) byId(id).addEventListener("change", requestDraw);
  const map = byId("latency-map");
  map.addEventListener("mousemove", (event) => {
    const cell = latencyCellAt(...where(event, "latency-map"));
    L.hover = cell;
    showTooltip(event, cell && cell.n ? [...cellWords(cell), moment(L.from + (cell.x + 0.5) * (L.to - L.from) / L.columns, 1e3),
      cell.worst >= 0 ? `longest: ${called(M.s.g[cell.worst])}, ${duration(M.s.end[cell.worst] - M.s.start[cell.worst])}` : ""] : null);
    requestDraw();
  });
  map.addEventListener("mouseleave", (event) => { L.hover = null; showTooltip(event, null); requestDraw(); });
  map.addEventListener("click", (event) => {
    const cell = latencyCellAt(...where(event, "latency-map"));
    if (cell) openLatencyCell(cell);
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { readColours(); fillPanel(); requestDraw(); });
}
