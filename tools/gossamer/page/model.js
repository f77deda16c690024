// SPDX-License-Identifier: BSL-1.0
// model: from events to slices: stretches of time in which one goroutine was in one state. A slice is an index into columns; lists of slices by goroutine
// and by processor are one long array each, with where each list begins.

const kRunning = 0, kRunnable = 1, kWaiting = 2, kInCall = 3, kGone = 4, kUnknown = 5;
const kCounterBlock = 64;
const kTaskRows = 20;  // what does not fit is painted over the last
const kRegionRows = 4;  // of a lane; what is nested deeper shares the last
const kStateWords = ["running", "runnable", "waiting", "in a blocking call", "ended", "not known"];

// What an event makes of its goroutine; kinds that are missing change nothing.
function stateAfter(kind) {
  const after = new Uint8Array(256).fill(kUnknown);
  for (const [state, words] of [
    [kRunning, ["start"]], [kRunnable, ["yield", "preempt", "lost", "ready", "create", "callEnd"]], [kWaiting, ["block"]],
    [kInCall, ["callBegin", "retake"]], [kGone, ["end"]],
  ]) for (const word of words) after[kind[word]] = state;
  return after;
}
// What a goroutine must have been in before the first event that names it.
function stateBefore(kind) {
  const before = new Uint8Array(256).fill(kRunning);
  before[kind.ready] = kWaiting;
  before[kind.start] = kRunnable;
  before[kind.create] = kGone;
  before[kind.lost] = before[kind.callEnd] = kInCall;
  return before;
}

function makeSlices(data) {
  const room = data.count + 2 * data.gId.length + 16;
  const s = {
    start: new Float64Array(room), end: new Float64Array(room), g: new Uint32Array(room), p: new Int32Array(room),
    opened: new Int32Array(room),  // the event that began it; -1: it was so when the window began
    state: new Uint8Array(room), reason: new Uint8Array(room), count: 0,
  };
  // The same as a list of changes in the order of events, for sums over many goroutines; those of the window's begin are not in it.
  const changes = { event: new Uint32Array(data.count), from: new Uint8Array(data.count), to: new Uint8Array(data.count), count: 0 };
  const { kind, ns, eventKind, eventG, eventBy, eventP, eventReason } = data;
  const after = stateAfter(kind), before = stateBefore(kind);
  const goroutines = data.gId.length;
  const open = new Int32Array(goroutines).fill(-1);
  const state = new Uint8Array(goroutines).fill(kUnknown);

  function begin(g, to, at, event, p, reason) {
    state[g] = to;
    if (to === kGone) { open[g] = -1; return; }
    const i = s.count++;
    s.start[i] = at; s.end[i] = data.span; s.g[i] = g; s.p[i] = p; s.opened[i] = event; s.state[i] = to; s.reason[i] = reason;
    open[g] = i;
  }
  for (let e = 0; e < data.count; e++) {
    const by = eventBy[e], g = eventG[e], k = eventKind[e];
    // A retake is written by the monitor, which runs nobody, and its processor is another thread's.
    if (by !== 0 && k !== kind.retake && state[by] === kUnknown && by !== g) begin(by, kRunning, 0, -1, eventP[e], 0);
    if (g === 0) continue;
    if (state[g] === kUnknown) begin(g, before[k], 0, -1, before[k] === kRunning ? eventP[e] : -1, 0);
    const to = after[k];
    if (to === kUnknown || to === state[g]) continue;
    if (k === kind.create && state[g] !== kGone) continue;
    if (k === kind.callEnd && state[g] !== kInCall) continue;
    if (k === kind.retake && state[g] !== kRunning) continue;
    if (open[g] >= 0) s.end[open[g]] = ns[e];
    const c = changes.count++;
    changes.event[c] = e; changes.from[c] = state[g]; changes.to[c] = to;
    begin(g, to, ns[e], e, to === kRunning ? eventP[e] : -1, to === kWaiting ? eventReason[e] : 0);
  }
  // Those that no event names were all the time as the table showed them.
  for (let g = 1; g < goroutines; g++)
    if (state[g] === kUnknown && data.gState[g] < 3 && data.gId[g] !== 0) begin(g, data.gState[g], 0, -1, -1, data.gReason[g]);
  for (const name of ["start", "end", "g", "p", "opened", "state", "reason"]) s[name] = s[name].subarray(0, s.count);
  s.changes = changes;
  return s;
}

// Lists as one array: items whose key is k stand in items[first[k]] … items[first[k + 1] - 1], in the order of counting.
function listsBy(count, keys, keyOf) {
  const first = new Uint32Array(keys + 1);
  let kept = 0;
  for (let i = 0; i < count; i++) {
    const k = keyOf(i);
    if (k >= 0) { first[k + 1]++; kept++; }
  }
  for (let k = 0; k < keys; k++) first[k + 1] += first[k];
  const next = first.slice(0, keys), items = new Uint32Array(kept);
  for (let i = 0; i < count; i++) {
    const k = keyOf(i);
    if (k >= 0) items[next[k]++] = i;
  }
  return { first, items };
}

function sortByStart(lists, k, start) {
  const list = lists.items.subarray(lists.first[k], lists.first[k + 1]);
  for (let i = 1; i < list.length; i++)
    if (start[list[i]] < start[list[i - 1]]) { list.sort((a, b) => start[a] - start[b]); return; }
}

// Time in a state before each slice of a list, so that the share of a state between any two slices is one subtraction.
function sumsBefore(list, s, states) {
  const sums = states.map(() => new Float64Array(list.items.length + 1));
  const totals = states.map(() => 0);
  for (let i = 0; i < list.items.length; i++) {
    const slice = list.items[i];
    for (let k = 0; k < states.length; k++) {
      sums[k][i] = totals[k];
      if (s.state[slice] === states[k]) totals[k] += s.end[slice] - s.start[slice];
    }
  }
  for (let k = 0; k < states.length; k++) sums[k][list.items.length] = totals[k];
  return sums;
}

// Regions of the program, nested: columns like those of slices. One that was never closed lasts until the end of the window.
function makeRegions(data) {
  const begin = data.kind.regionBegin, end = data.kind.regionEnd;
  const regions = { start: [], end: [], g: [], text: [], depth: [] };
  const stacks = new Map();
  let deepest = 0;
  for (let e = 0; e < data.count; e++) {
    const k = data.eventKind[e];
    if (k !== begin && k !== end) continue;
    const g = data.eventG[e];
    let stack = stacks.get(g);
    if (!stack) stacks.set(g, (stack = []));
    if (k === begin) {
      stack.push(regions.start.length);
      deepest = Math.max(deepest, stack.length);
      regions.start.push(data.ns[e]); regions.end.push(data.span); regions.g.push(g); regions.text.push(data.eventText[e]);
      regions.depth.push(stack.length - 1);
    } else {
      const match = stack.findLastIndex((r) => regions.text[r] === data.eventText[e]);
      if (match < 0) {  // it began before the window
        regions.start.push(0); regions.end.push(data.ns[e]); regions.g.push(g); regions.text.push(data.eventText[e]); regions.depth.push(0);
        deepest = Math.max(deepest, 1);
      } else for (const r of stack.splice(match)) regions.end[r] = data.ns[e];
    }
  }
  regions.count = regions.start.length;
  regions.deepest = deepest;
  return regions;
}

// Tasks in as many rows as run at once, and counters as steps.
function makeTasks(data) {
  const tasks = { start: [], end: [], g: [], text: [], row: [], id: [] };
  const open = new Map(), busyUntil = [];
  for (let e = 0; e < data.count; e++) {
    if (data.eventKind[e] === data.kind.taskBegin) {
      open.set(data.eventA[e], tasks.start.length);
      tasks.start.push(data.ns[e]); tasks.end.push(data.span); tasks.g.push(data.eventG[e]); tasks.text.push(data.eventText[e]);
      tasks.id.push(data.eventA[e]);
    } else if (data.eventKind[e] === data.kind.taskEnd && open.has(data.eventA[e])) {
      tasks.end[open.get(data.eventA[e])] = data.ns[e];
      open.delete(data.eventA[e]);
    }
  }
  tasks.count = tasks.start.length;
  for (let t = 0; t < tasks.count; t++) {
    let row = 0;
    while (row < kTaskRows - 1 && busyUntil[row] > tasks.start[t]) row++;
    busyUntil[row] = Math.max(busyUntil[row] || 0, tasks.end[t]);
    tasks.row.push(row);
  }
  tasks.rows = busyUntil.length;
  tasks.byRow = listsBy(tasks.count, tasks.rows, (t) => tasks.row[t]);
  return tasks;
}
function makeCounters(data) {
  const counters = new Map();
  for (let e = 0; e < data.count; e++) {
    if (data.eventKind[e] !== data.kind.counter) continue;
    const text = data.eventText[e];
    if (!counters.has(text)) counters.set(text, { text, at: [], value: [], low: 0, high: 0 });
    const c = counters.get(text), value = Number(BigInt.asIntN(64, BigInt(data.value[data.eventA[e]])));
    c.at.push(data.ns[e]); c.value.push(value);
    c.low = Math.min(c.low, value); c.high = Math.max(c.high, value);
  }
  for (const c of counters.values()) {
    const blocks = Math.ceil(c.value.length / kCounterBlock);
    c.lows = new Float64Array(blocks).fill(Infinity); c.highs = new Float64Array(blocks).fill(-Infinity);
    c.value.forEach((v, i) => {
      const b = Math.floor(i / kCounterBlock);
      c.lows[b] = Math.min(c.lows[b], v); c.highs[b] = Math.max(c.highs[b], v);
    });
  }
  return [...counters.values()];
}

function makeModel(data) {
  const s = makeSlices(data);
  const goroutines = data.gId.length;
  let processors = data.meta.procs;
  for (let i = 0; i < s.count; i++) if (s.p[i] >= processors && s.p[i] < 65536) processors = s.p[i] + 1;
  const byG = listsBy(s.count, goroutines, (i) => s.g[i]);
  const byP = listsBy(s.count, processors, (i) => (s.state[i] === kRunning && s.p[i] < processors ? s.p[i] : -1));
  // What ran when the window began is seen only when it stops: lists of processors may begin out of order.
  for (let p = 0; p < processors; p++) sortByStart(byP, p, s.start);
  const place = new Uint32Array(s.count);  // of a slice in byG.items
  for (let i = 0; i < byG.items.length; i++) place[byG.items[i]] = i;
  const { ready, create } = data.kind;
  const woke = (e) => (data.eventKind[e] === ready || data.eventKind[e] === create) && data.eventBy[e] !== 0 && data.eventBy[e] !== data.eventG[e];
  const regions = makeRegions(data);
  const model = {
    s, byG, byP, place, goroutines, processors, regions,
    sumsG: sumsBefore(byG, s, [kRunning, kRunnable]), sumsP: sumsBefore(byP, s, [kRunning]),
    wakes: listsBy(data.count, goroutines, (e) => (woke(e) ? data.eventBy[e] : -1)),  // events in which this one woke or created another
    regionsBy: listsBy(regions.count, goroutines * kRegionRows, (r) => regions.g[r] * kRegionRows + Math.min(regions.depth[r], kRegionRows - 1)),
    regionDepth: new Uint8Array(goroutines),
    marksByG: listsBy(data.count, goroutines, (e) => (data.eventKind[e] === data.kind.log ? data.eventG[e] : -1)),
    tasks: makeTasks(data), counters: makeCounters(data),
  };
  for (let k = 0; k < goroutines * kRegionRows; k++) sortByStart(model.regionsBy, k, regions.start);
  for (let r = 0; r < regions.count; r++) {
    const g = regions.g[r];
    model.regionDepth[g] = Math.max(model.regionDepth[g], Math.min(regions.depth[r] + 1, kRegionRows));
  }
  return model;
}
