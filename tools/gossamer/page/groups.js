// SPDX-License-Identifier: BSL-1.0
// groups: what goroutines of one name did together, and what happened to each object. Sums are kept as integrals over time: the mean number of running
// goroutines between any two moments is one subtraction, at every zoom level.

function makeGroups() {
  const names = D.meta.names.length, s = M.s, { changes } = s;
  const members = listsBy(M.goroutines, names, (g) => (g === 0 || M.byG.first[g] === M.byG.first[g + 1] ? -1 : D.gName[g]));
  const lists = listsBy(changes.count, names, (c) => D.gName[D.eventG[changes.event[c]]]);
  const at = new Float64Array(lists.items.length), running = new Float64Array(at.length), runnable = new Float64Array(at.length);
  const runningFirst = new Uint32Array(names), runnableFirst = new Uint32Array(names), peak = new Uint32Array(names);
  for (let i = 0; i < s.count; i++) {
    if (s.opened[i] >= 0) continue;
    if (s.state[i] === kRunning) runningFirst[D.gName[s.g[i]]]++;
    if (s.state[i] === kRunnable) runnableFirst[D.gName[s.g[i]]]++;
  }
  for (let n = 0; n < names; n++) {
    let run = runningFirst[n], ready = runnableFirst[n], last = 0, sumRun = 0, sumReady = 0;
    peak[n] = run + ready;
    for (let i = lists.first[n]; i < lists.first[n + 1]; i++) {
      const c = lists.items[i], now = D.ns[changes.event[c]];
      sumRun += run * (now - last); sumReady += ready * (now - last);
      at[i] = last = now; running[i] = sumRun; runnable[i] = sumReady;
      run += (changes.to[c] === kRunning) - (changes.from[c] === kRunning);
      ready += (changes.to[c] === kRunnable) - (changes.from[c] === kRunnable);
      peak[n] = Math.max(peak[n], run + ready);
    }
    runningFirst[n] = run; runnableFirst[n] = ready;  // from here on: the numbers after the last change
  }
  return { members, first: lists.first, at, running, runnable, runningLast: runningFirst, runnableLast: runnableFirst, peak };
}

// The integral of `sums` of group n from the window's begin to t; i: how many changes lie before t.
function integral(groups, sums, last, n, i, t) {
  const first = groups.first[n], end = groups.first[n + 1];
  if (i > first && i < end) {
    const width = groups.at[i] - groups.at[i - 1];
    return width > 0 ? sums[i - 1] + (sums[i] - sums[i - 1]) * (t - groups.at[i - 1]) / width : sums[i - 1];
  }
  if (first === end) return last[n] * t;
  if (i <= first) return groups.at[first] > 0 ? sums[first] * t / groups.at[first] : 0;
  return sums[end - 1] + last[n] * (t - groups.at[end - 1]);
}

// Totals of each name and each goroutine, once.
function makeTotals() {
  const s = M.s, names = D.meta.names.length, gs = M.goroutines;
  const table = (n) => ({ time: [0, 1, 2, 3].map(() => new Float64Array(n)), slices: new Uint32Array(n), longestWait: new Float64Array(n),
    longestRun: new Float64Array(n), worst: new Int32Array(n).fill(-1), caused: new Float64Array(n), woke: new Uint32Array(n) });
  const byName = table(names), byG = table(gs);
  let kinds = 1;
  for (let i = 0; i < s.count; i++) kinds = Math.max(kinds, s.reason[i] + 1);
  const reasonTime = new Float64Array(kinds * names);
  const note = (t, k, i, state, length) => {
    if (state === kRunning) {
      t.slices[k]++;
      if (length > t.longestRun[k]) t.longestRun[k] = length;
    } else if (state === kRunnable && length > t.longestWait[k]) { t.longestWait[k] = length; t.worst[k] = i; }
  };
  for (let i = 0; i < s.count; i++) {
    const g = s.g[i], n = D.gName[g], state = s.state[i], length = s.end[i] - s.start[i];
    byG.time[state][g] += length; byName.time[state][n] += length;
    if (state === kWaiting) reasonTime[n * kinds + s.reason[i]] += length;
    note(byG, g, i, state, length);
    note(byName, n, i, state, length);
    // Who ends a wait was what the other waited for.
    if (state !== kRunnable || s.opened[i] < 0 || D.eventKind[s.opened[i]] !== D.kind.ready) continue;
    const waker = D.eventBy[s.opened[i]], before = previousOf(i);
    if (!waker || before < 0 || s.state[before] !== kWaiting) continue;
    const waited = s.end[before] - s.start[before];
    byG.caused[waker] += waited; byG.woke[waker]++; byName.caused[D.gName[waker]] += waited; byName.woke[D.gName[waker]]++;
  }
  return { byName, byG, reasonTime, kinds };
}

// Which object an event of waiting or waking was about (0: none), and those events by object.
function makeUses() {
  const s = M.s, objectOf = new Uint32Array(D.count);
  for (let i = 0; i < s.count; i++) {
    if (s.state[i] !== kWaiting) continue;
    const v = objectOfSlice(i);
    if (!v) continue;
    if (s.opened[i] >= 0) objectOf[s.opened[i]] = v;
    const next = nextOf(i);
    if (next >= 0 && s.opened[next] >= 0 && D.eventKind[s.opened[next]] === D.kind.ready) objectOf[s.opened[next]] = v;
  }
  return listsBy(D.count, D.value.length, (e) => (objectOf[e] ? objectOf[e] : -1));
}

// Each is made when it is first asked for: a page that opens at once is worth more than one that knows everything.
const lazily = (make) => { let made = null; return () => made || (made = make()); };
const groups = lazily(makeGroups);
const totals = lazily(makeTotals);
const uses = lazily(makeUses);
