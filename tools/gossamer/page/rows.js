// SPDX-License-Identifier: BSL-1.0
// rows: which lanes there are, from top to bottom, and where. Rebuilt when something is opened, closed or selected; drawing looks at visible ones only.

const kSection = 0, kProcessor = 1, kGroup = 2, kGoroutine = 3, kTaskRow = 4, kCounter = 5, kNote = 6;

const R = {
  count: 0, type: new Uint8Array(0), ref: new Uint32Array(0), y: new Float64Array(1), height: 0,
  ofG: new Int32Array(0), ofP: new Int32Array(0),
  sections: [],           // [key, words]
  closed: new Set(),      // sections
  open: new Set(),        // groups, by name
  pinned: [],             // goroutines around the selection
  order: "id",
};
const kRowHeight = { [kSection]: 26, [kProcessor]: 21, [kGroup]: 27, [kTaskRow]: 16, [kCounter]: 34, [kNote]: 22 };
const kLaneHeight = 15, kRegionHeight = 11;

function heightOfLane(g) {
  return kLaneHeight + kRegionHeight * M.regionDepth[g] + 2;
}

// Names with the most time running and runnable first: what did nothing but wait is last.
const groupOrder = lazily(() => {
  const { members } = groups(), { byName } = totals(), order = [];
  for (let n = 0; n < D.meta.names.length; n++) if (members.first[n + 1] > members.first[n]) order.push(n);
  const weight = (n) => byName.time[kRunning][n] + byName.time[kRunnable][n];
  return order.sort((a, b) => weight(b) - weight(a) || members.first[b + 1] - members.first[b] - members.first[a + 1] + members.first[a]);
});

function membersOf(n) {
  const { members } = groups();
  const list = members.items.subarray(members.first[n], members.first[n + 1]);
  if (R.order === "id") return list;
  const key = R.order === "cpu" ? totals().byG.time[kRunning] : R.order === "wait" ? totals().byG.longestWait : totals().byG.time[kRunnable];
  return list.slice().sort((a, b) => key[b] - key[a]);
}

// With few goroutines all of them are shown; with many, only sums.
function openFewGroups() {
  let lanes = 0;
  for (const n of groupOrder()) {
    lanes += groups().members.first[n + 1] - groups().members.first[n];
    if (lanes > 60) break;
    R.open.add(n);
  }
}

function buildRows() {
  const types = [], refs = [];
  const add = (type, ref) => { types.push(type); refs.push(ref); };
  R.sections = [];
  const section = (key, words, fill) => {
    R.sections.push([key, words]);
    add(kSection, R.sections.length - 1);
    if (!R.closed.has(key)) fill();
  };
  section("processors", many(M.processors, "processor"), () => {
    for (let p = 0; p < M.processors; p++) add(kProcessor, p);
    if (!M.processors) add(kNote, 0);
  });
  if (R.pinned.length) section("selection", "Around the selection", () => R.pinned.forEach((g) => add(kGoroutine, g)));
  if (M.counters.length) section("counters", many(M.counters.length, "counter"), () => M.counters.forEach((_, c) => add(kCounter, c)));
  if (M.tasks.count) section("tasks", many(M.tasks.count, "task"), () => { for (let r = 0; r < M.tasks.rows; r++) add(kTaskRow, r); });
  const order = groupOrder(), { members } = groups();
  const all = members.items.length;
  section("goroutines", `${many(all, "goroutine")} of ${many(order.length, "name")}`, () => {
    for (const n of order) {
      if (members.first[n + 1] - members.first[n] === 1) { add(kGoroutine, members.items[members.first[n]]); continue; }
      add(kGroup, n);
      if (R.open.has(n)) for (const g of membersOf(n)) add(kGoroutine, g);
    }
    if (!all) add(kNote, 1);
  });
  R.count = types.length;
  R.type = Uint8Array.from(types); R.ref = Uint32Array.from(refs);
  R.y = new Float64Array(R.count + 1);
  R.ofG = new Int32Array(M.goroutines).fill(-1); R.ofP = new Int32Array(M.processors).fill(-1);
  for (let r = 0, y = 0; r < R.count; r++) {
    if (R.type[r] === kGoroutine && R.ofG[R.ref[r]] < 0) R.ofG[R.ref[r]] = r;
    if (R.type[r] === kProcessor) R.ofP[R.ref[r]] = r;
    R.y[r + 1] = y += R.type[r] === kGoroutine ? heightOfLane(R.ref[r]) : kRowHeight[R.type[r]];
  }
  R.height = R.y[R.count];
}

// The row at a distance from the top of the first one; -1: below the last.
function rowAt(y) {
  if (y < 0 || y >= R.height) return -1;
  let low = 0, high = R.count;
  while (low + 1 < high) {
    const middle = (low + high) >> 1;
    if (R.y[middle] <= y) low = middle;
    else high = middle;
  }
  return low;
}

function toggleRow(r) {
  if (R.type[r] === kSection) {
    const key = R.sections[R.ref[r]][0];
    if (!R.closed.delete(key)) R.closed.add(key);
  } else if (R.type[r] === kGroup) {
    if (!R.open.delete(R.ref[r])) R.open.add(R.ref[r]);
  } else return false;
  buildRows();
  return true;
}
