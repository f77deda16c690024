// SPDX-License-Identifier: BSL-1.0
// query: questions to the model about one slice or one moment. All by binary search; none looks at every event but momentOf(), which looks once at every goroutine.

// The first position in [low, high) of items whose start is after t.
function firstAfter(items, start, low, high, t) {
  while (low < high) {
    const middle = (low + high) >> 1;
    if (start[items[middle]] <= t) low = middle + 1;
    else high = middle;
  }
  return low;
}
// Likewise, from a place that is likely near the answer.
function gallop(items, start, from, high, t) {
  let step = 1, low = from;
  while (low + step < high && start[items[low + step]] <= t) { low += step; step *= 2; }
  return firstAfter(items, start, low, Math.min(high, low + step + 1), t);
}

function sliceAt(g, t) {
  const { byG, s } = M;
  const i = firstAfter(byG.items, s.start, byG.first[g], byG.first[g + 1], t) - 1;
  if (i < byG.first[g]) return -1;
  const slice = byG.items[i];
  return s.end[slice] >= t ? slice : -1;
}
// What ran as `g` at the moment of an event of its own: at a change the slice before it.
function runningAt(g, t) {
  const { byG, s } = M;
  for (let i = firstAfter(byG.items, s.start, byG.first[g], byG.first[g + 1], t) - 1; i >= byG.first[g]; i--) {
    const slice = byG.items[i];
    if (s.state[slice] === kRunning && s.end[slice] >= t) return slice;
    if (s.end[slice] < t) break;
  }
  return -1;
}
function sliceOnP(p, t) {
  const { byP, s } = M;
  const i = firstAfter(byP.items, s.start, byP.first[p], byP.first[p + 1], t) - 1;
  return i >= byP.first[p] && s.end[byP.items[i]] >= t ? byP.items[i] : -1;
}
function previousOf(slice) {
  const i = M.place[slice];
  return i > M.byG.first[M.s.g[slice]] ? M.byG.items[i - 1] : -1;
}
function nextOf(slice) {
  const i = M.place[slice] + 1;
  return i < M.byG.first[M.s.g[slice] + 1] ? M.byG.items[i] : -1;
}

function objectOfSlice(slice) {
  const e = M.s.opened[slice];
  if (M.s.state[slice] !== kWaiting) return 0;
  return e >= 0 ? D.eventA[e] : nextOf(slice) < 0 ? D.gObject[M.s.g[slice]] : 0;
}
// Where it waits: the pcs of its stack if that is known, else of the call alone.
function stackOfSlice(slice) {
  const e = M.s.opened[slice], g = M.s.g[slice];
  const stack = e >= 0 ? D.eventStack[e] : 0;
  const pcs = [...D.stackPc.subarray(D.stackFirst[stack], D.stackFirst[stack + 1])];
  if (pcs.length) return pcs;
  if (nextOf(slice) < 0 && M.s.state[slice] === kWaiting && D.gStack[g])
    return [...D.stackPc.subarray(D.stackFirst[D.gStack[g]], D.stackFirst[D.gStack[g] + 1])];
  return e >= 0 && D.eventKind[e] === D.kind.block && D.eventPc[e] ? [D.eventPc[e]] : [];
}

// Events in which the goroutine of a running slice woke or created another during it.
function wakesOf(slice, most) {
  const { wakes, s } = M, g = s.g[slice], found = [];
  let low = wakes.first[g], high = wakes.first[g + 1];
  const end = high;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (D.ns[wakes.items[middle]] < s.start[slice]) low = middle + 1;
    else high = middle;
  }
  for (let i = low; i < end && D.ns[wakes.items[i]] <= s.end[slice] && found.length < most; i++) found.push(wakes.items[i]);
  return found;
}
// The slice that an event of waking began.
function sliceFrom(e) {
  const t = D.ns[e], g = D.eventG[e], { byG, s } = M;
  for (let i = firstAfter(byG.items, s.start, byG.first[g], byG.first[g + 1], t) - 1; i >= byG.first[g]; i--) {
    if (s.opened[byG.items[i]] === e) return byG.items[i];
    if (s.start[byG.items[i]] < t) break;
  }
  return -1;
}

// The state of everything at t: how many in which state, by name and by reason, and who waits for which object.
function momentOf(t) {
  const s = M.s, now = { states: [0, 0, 0, 0], names: new Map(), reasons: new Map(), objects: new Map() };
  for (let g = 1; g < M.goroutines; g++) {
    const slice = sliceAt(g, t);
    if (slice < 0 || (s.end[slice] === t && t < D.span)) continue;
    const state = s.state[slice], n = D.gName[g];
    now.states[state]++;
    let row = now.names.get(n);
    if (!row) now.names.set(n, (row = [0, 0, 0, 0]));
    row[state]++;
    if (state === kWaiting) {
      const reason = s.reason[slice], v = objectOfSlice(slice);
      now.reasons.set(reason, (now.reasons.get(reason) || 0) + 1);
      if (v) addWaiter(now.objects, v, slice);
    }
  }
  return now;
}
function addWaiter(objects, v, slice) {
  let object = objects.get(v);
  if (!object) objects.set(v, (object = { v, count: 0, names: new Map(), longest: slice, reason: M.s.reason[slice] }));
  const n = D.gName[M.s.g[slice]];
  object.count++;
  object.names.set(n, (object.names.get(n) || 0) + 1);
  if (M.s.start[slice] < M.s.start[object.longest]) object.longest = slice;
}

// Who used an object last before t: who woke somebody waiting for it, and who was woken so (and has it now, where only one can).
function lastUse(v, t) {
  const { first, items } = uses();
  let low = first[v], high = first[v + 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (D.ns[items[middle]] <= t) low = middle + 1;
    else high = middle;
  }
  for (let i = low - 1; i >= first[v]; i--)
    if (D.eventKind[items[i]] === D.kind.ready) return { event: items[i], by: D.eventBy[items[i]], woken: D.eventG[items[i]] };
  return null;
}
