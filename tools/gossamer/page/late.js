// SPDX-License-Identifier: BSL-1.0
// late: why a slice began so late: the critical path walked back, from a slice to who made it runnable, from there to who made that one runnable, and so on.
// A step is {slice, parts, meanwhile}: parts are texts and links, meanwhile what the processors did while it was runnable.

const kMostSteps = 10;

// What each processor did between two moments: names by time, and idle time.
function processorsBetween(from, to) {
  const { byP, s } = M, rows = [];
  for (let p = 0; p < M.processors; p++) {
    const names = new Map();
    let busy = 0, looked = 0;
    let i = Math.max(byP.first[p], firstAfter(byP.items, s.start, byP.first[p], byP.first[p + 1], from) - 1);
    for (; i < byP.first[p + 1] && s.start[byP.items[i]] < to; i++) {
      const slice = byP.items[i], length = Math.min(s.end[slice], to) - Math.max(s.start[slice], from);
      if (length <= 0) continue;
      if (++looked > 20000) break;
      busy += length;
      const n = D.gName[s.g[slice]], seen = names.get(n);
      if (seen) { seen.time += length; if (length > seen.longest) { seen.longest = length; seen.slice = slice; } }
      else names.set(n, { n, time: length, longest: length, slice });
    }
    rows.push({ p, busy, idle: Math.max(0, to - from - busy), names: [...names.values()].sort((a, b) => b.time - a.time), whole: looked <= 20000 });
  }
  return rows;
}

// From a slice of any state to the running one that it led to; -1: none followed in the window.
function runOf(slice) {
  while (slice >= 0 && M.s.state[slice] !== kRunning) slice = nextOf(slice);
  return slice;
}

function waitedFor(slice) {
  const s = M.s, v = objectOfSlice(slice), pcs = stackOfSlice(slice);
  return `${reasonWords(s.reason[slice])}${v ? " of " + hexOf(v) : ""}${pcs.length ? ", " + placeOf(...pcs) : ""}`;
}

// One step back from a running slice. Returns what to say and where to go on: {parts, next, ready, cause}; next -1: the end of the path.
function stepBack(run) {
  const s = M.s, g = s.g[run], before = previousOf(run);
  const here = linkSlice(run, called(g)), when = linkTime(s.start[run]);
  const where = s.p[run] >= 0 ? ` on P${s.p[run]}` : "";
  if (before < 0) return { parts: [here, `${where} was already running when the window began.`], next: -1, ready: -1, cause: "begin" };
  if (s.state[before] !== kRunnable)
    return { parts: [here, ` went on${where} at `, when, `, straight after it was ${kStateWords[s.state[before]]} for ${duration(s.end[before] - s.start[before])}.`],
      next: runBefore(before), ready: -1, cause: "call" };
  const wait = s.end[before] - s.start[before];
  const parts = [here, ` began to run${where} at `, when, wait > 0 ? `; it had been runnable for ${duration(wait)}. ` : ", as soon as it was runnable. "];
  const e = s.opened[before];
  if (e < 0) return { parts: [...parts, "It was already so when the window began."], next: -1, ready: before, cause: "begin" };
  const by = D.eventBy[e], kind = D.kind;
  switch (D.eventKind[e]) {
    case kind.create:
      if (!by) return { parts: [...parts, "It was created then, from outside any goroutine."], next: -1, ready: before, cause: "outside" };
      return { parts: [...parts, linkOf(by, D.ns[e]), ` created it${D.eventPc[e] ? ", " + placeOf(D.eventPc[e]) : ""}.`], next: runningAt(by, D.ns[e]), ready: before,
        cause: "create" };
    case kind.ready: {
      const asleep = previousOf(before);
      const rest = asleep >= 0 && s.state[asleep] === kWaiting ? `: it had waited ${duration(s.end[asleep] - s.start[asleep])} (${waitedFor(asleep)}).` : ".";
      if (!by) return { parts: [...parts, "A timer, the network or a thread outside woke it" + rest], next: -1, ready: before, cause: "outside" };
      return { parts: [...parts, linkOf(by, D.ns[e]), " woke it" + rest], next: runningAt(by, D.ns[e]), ready: before, cause: "wake" };
    }
    case kind.preempt: return { parts: [...parts, "Before that it ran until its time slice was over."], next: runBefore(before), ready: before, cause: "preempt" };
    case kind.yield: return { parts: [...parts, "Before that it gave way by itself."], next: runBefore(before), ready: before, cause: "yield" };
    default: return { parts: [...parts, "Before that it was in a blocking call and had lost its processor."], next: runBefore(before), ready: before, cause: "call" };
  }
}
function linkOf(g, t) {
  const slice = runningAt(g, t);
  return slice < 0 ? linkG(g) : linkSlice(slice, called(g));
}
function runBefore(slice) {
  do slice = previousOf(slice);
  while (slice >= 0 && M.s.state[slice] !== kRunning);
  return slice;
}

// The whole path from `slice` back; arrows: [waker's slice, woken slice, moment] for the timeline.
function explainLate(slice) {
  const s = M.s, steps = [], arrows = [], spent = { runnable: 0, running: 0, calls: 0 };
  let run = runOf(slice), until = run < 0 ? 0 : s.start[run];
  for (; run >= 0 && steps.length < kMostSteps; ) {
    const step = stepBack(run), from = step.ready >= 0 ? s.start[step.ready] : s.start[run];
    const wait = step.ready >= 0 ? s.end[step.ready] - s.start[step.ready] : 0;
    if (steps.length) spent.running += Math.max(0, until - s.start[run]);
    spent.runnable += wait;
    steps.push({ slice: run, parts: step.parts, wait, meanwhile: wait > 0 && steps.length < 3 ? processorsBetween(s.start[step.ready], s.end[step.ready]) : [],
      cause: step.cause });
    if (step.next >= 0) {
      if (s.g[step.next] !== s.g[run]) arrows.push([step.next, run, from]);
      if (step.cause === "call") spent.calls += Math.max(0, from - s.end[step.next]);
    }
    until = step.next >= 0 && s.g[step.next] === s.g[run] ? s.end[step.next] : from;
    if (step.next === run) break;
    run = step.next;
  }
  const last = steps.length ? steps[steps.length - 1] : null;
  return { steps, arrows, spent, isWhole: !last || run < 0, run: steps.length ? steps[0].slice : -1 };
}
