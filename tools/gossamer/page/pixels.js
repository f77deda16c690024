// SPDX-License-Identifier: BSL-1.0
// pixels: lanes are painted into one array of pixels, which goes to the canvas in one call: tens of thousands of rectangles cost a millisecond or two.
// A stretch of slices that are thinner than a pixel is one pixel high as its share of time, taken from the sums before each slice: the work is by pixels, not by events.

const F = { pixels: new Uint32Array(0), image: null, width: 0, height: 0, clipTop: 0 };

function sizePixels(width, height) {
  if (F.width === width && F.height === height) return;
  F.image = new ImageData(width, height);
  F.pixels = new Uint32Array(F.image.data.buffer);
  F.width = width; F.height = height;
}

function paint(x0, y0, x1, y1, colour) {
  x0 = Math.max(0, x0 | 0); x1 = Math.min(F.width, x1 | 0); y0 = Math.max(F.clipTop, y0 | 0); y1 = Math.min(F.height, y1 | 0);
  if (x0 >= x1) return;
  if (x1 - x0 === 1) {
    for (let at = y0 * F.width + x0, end = y1 * F.width; at < end; at += F.width) F.pixels[at] = colour;
    return;
  }
  for (let y = y0; y < y1; y++) F.pixels.fill(colour, y * F.width + x0, y * F.width + x1);
}

// "#rrggbb" as the array has it.
function pixelOf(text) {
  const n = parseInt(text.slice(1), 16);
  return (0xff000000 | (n & 0xff) << 16 | n & 0xff00 | n >> 16 & 0xff) >>> 0;
}
function mixed(a, b, share) {
  let out = 0;
  for (const shift of [0, 8, 16]) out |= Math.round((a >> shift & 255) * (1 - share) + (b >> shift & 255) * share) << shift;
  return (out | 0xff000000) >>> 0;
}

// Walks the items of one lane that touch the view. `one(item, x0, x1)` paints what is at least a pixel wide; `some(from, to, x)` a pixel in which the
// items at positions from … to - 1 begin and, but for the last, end.
function walkLane(items, low, high, start, end, view, one, some) {
  const { t0, t1, scale, left } = view;
  let i = Math.max(low, firstAfter(items, start, low, high, t0) - 1), done = left;
  if (i < high && end[items[i]] < t0) i++;
  while (i < high) {
    const item = items[i], from = start[item];
    if (from >= t1) break;
    const x0 = left + (from - t0) * scale, x1 = left + (end[item] - t0) * scale;
    if (x1 - x0 >= 1) {
      one(item, Math.max(done, Math.floor(x0)), Math.max(Math.floor(x1), Math.floor(x0) + 1));
      done = Math.max(done, Math.floor(x1));
      i++;
      continue;
    }
    const x = Math.max(done, Math.floor(x0));
    const border = t0 + (x + 1 - left) / scale;
    let next = gallop(items, start, i, high, border);
    if (next <= i) next = i + 1;
    // A long one that begins in this pixel is painted whole in its turn.
    const isLongLast = next - 1 > i && (end[items[next - 1]] - start[items[next - 1]]) * scale >= 1;
    if (isLongLast) next--;
    some(i, next, x);
    done = x + (isLongLast ? 0 : 1);
    i = next;
  }
}

function paintProcessor(p, y, h, view) {
  const { byP, s } = M, sums = M.sumsP[0], k = view.ratio;
  const one = (slice, x0, x1) => {
    const gap = x1 - x0 > 4 * k ? k : 0;
    paint(x0, y, x1 - gap, y + h, C.ofName(D.gName[s.g[slice]]));
    addText(x0, x1 - gap, y, h, () => called(s.g[slice]));
  };
  const some = (from, to, x) => {
    const share = Math.min(1, (sums[to] - sums[from]) * view.scale);
    const step = Math.max(1, (to - from) >> 3);
    let longest = byP.items[from];
    for (let i = from; i < to; i += step) if (s.end[byP.items[i]] - s.start[byP.items[i]] > s.end[longest] - s.start[longest]) longest = byP.items[i];
    paint(x, y + Math.round(h * (1 - share)), x + 1, y + h, C.ofName(D.gName[s.g[longest]]));
    if (share * h < 1) paint(x, y + h - k, x + 1, y + h, C.ofName(D.gName[s.g[longest]]));
  };
  walkLane(byP.items, byP.first[p], byP.first[p + 1], s.start, s.end, view, one, some);
}

function paintGoroutine(g, y, h, view) {
  const { byG, s, sumsG } = M, colour = C.ofName(D.gName[g]), k = view.ratio;
  const thin = Math.max(k, Math.round(h * 0.28)), middle = y + ((h - thin) >> 1);
  const one = (slice, x0, x1) => {
    const gap = x1 - x0 > 4 * k ? k : 0;
    switch (s.state[slice]) {
      case kRunning:
        paint(x0, y, x1 - gap, y + h, colour);
        addText(x0, x1 - gap, y, h, () => (s.p[slice] >= 0 ? `P${s.p[slice]}` : "running"));
        break;
      case kRunnable: paint(x0, y, x1 - gap, y + h, C.runnable); break;
      case kWaiting:
        paint(x0, middle, x1 - gap, middle + thin, C.ofReason(s.reason[slice]));
        break;
      default: paint(x0, y + (h >> 2), x1 - gap, y + h - (h >> 2), C.inCall);
    }
  };
  const some = (from, to, x) => {
    const run = Math.min(1, (sumsG[0][to] - sumsG[0][from]) * view.scale);
    const ready = Math.min(1 - run, (sumsG[1][to] - sumsG[1][from]) * view.scale);
    paint(x, middle, x + 1, middle + thin, C.waiting);
    const runTop = y + h - Math.round(h * run), readyTop = runTop - Math.round(h * ready);
    paint(x, readyTop, x + 1, runTop, C.runnable);
    paint(x, runTop, x + 1, y + h, colour);
    if (run * h < 0.5 && sumsG[0][to] > sumsG[0][from]) paint(x, y + h - k, x + 1, y + h, colour);
  };
  walkLane(byG.items, byG.first[g], byG.first[g + 1], s.start, s.end, view, one, some);
}

function paintRegions(g, y, view) {
  const { regions, regionsBy } = M, k = view.ratio, h = (kRegionHeight - 1) * k;
  for (let row = 0; row < M.regionDepth[g]; row++, y += kRegionHeight * k) {
    const key = g * kRegionRows + row;
    walkLane(regionsBy.items, regionsBy.first[key], regionsBy.first[key + 1], regions.start, regions.end, view, (r, x0, x1) => {
      paint(x0, y, Math.max(x0 + 1, x1 - (x1 - x0 > 3 * k ? k : 0)), y + h, C.region(row));
      addText(x0, x1, y, h, () => D.meta.texts[regions.text[r]], true);
    }, (from, to, x) => paint(x, y, x + 1, y + h, C.region(row)));
  }
}

function paintMarks(g, y, h, view) {
  const { items, first } = M.marksByG, k = view.ratio;
  let last = -9;
  for (let i = firstAfter(items, D.ns, first[g], first[g + 1], view.t0 - 1); i < first[g + 1]; ) {
    const t = D.ns[items[i]];
    if (t > view.t1) break;
    const x = Math.floor(view.left + (t - view.t0) * view.scale);
    if (x !== last) paint(x - k, y, x + k, y + 4 * k, C.mark);
    last = x;
    i = gallop(items, D.ns, i, first[g + 1], view.t0 + (x + 1 - view.left) / view.scale);
  }
}

// Mean numbers of running and runnable goroutines of a name in each pixel, on one another; the scale is nearly the greatest of them, rounded up.
function paintGroup(n, y, h, view) {
  const all = groups(), width = F.width - view.left, run = new Float32Array(width), ready = new Float32Array(width);
  const step = 1 / view.scale, { at, first } = all, shown = [];
  let i = firstAfterNumber(at, first[n], first[n + 1], view.t0);
  let runBefore = integral(all, all.running, all.runningLast, n, i, view.t0), readyBefore = integral(all, all.runnable, all.runnableLast, n, i, view.t0);
  for (let x = 0; x < width; x++) {
    const t = view.t0 + (x + 1) * step;
    let hop = 1;
    while (i + hop < first[n + 1] && at[i + hop] <= t) { i += hop; hop *= 2; }
    i = firstAfterNumber(at, i, Math.min(first[n + 1], i + hop + 1), t);
    const runNow = integral(all, all.running, all.runningLast, n, i, t), readyNow = integral(all, all.runnable, all.runnableLast, n, i, t);
    run[x] = Math.max(0, (runNow - runBefore) / step); ready[x] = Math.max(0, (readyNow - readyBefore) / step);
    if (t >= 0 && t <= D.span + step) shown.push(run[x] + ready[x]);
    runBefore = runNow; readyBefore = readyNow;
  }
  const top = roundUp(nearlyGreatest(shown)), colour = C.ofName(n);
  const end = Math.min(width, Math.ceil((D.span - view.t0) * view.scale));
  for (let x = Math.max(0, Math.floor(-view.t0 * view.scale)); x < end; x++) {
    const runTop = y + h - Math.round(h * Math.min(1, run[x] / top)), readyTop = Math.max(y, runTop - Math.round(h * ready[x] / top));
    paint(view.left + x, readyTop, view.left + x + 1, runTop, C.runnable);
    paint(view.left + x, runTop, view.left + x + 1, y + h, colour);
  }
  return top;
}
function firstAfterNumber(at, low, high, t) {
  while (low < high) {
    const middle = (low + high) >> 1;
    if (at[middle] <= t) low = middle + 1;
    else high = middle;
  }
  return low;
}
// The scale is that of all but the highest peaks: one burst must not flatten the rest.
function nearlyGreatest(numbers) {
  const sorted = Float64Array.from(numbers).sort();
  return sorted.length ? Math.max(sorted[Math.floor((sorted.length - 1) * 0.985)], sorted[sorted.length - 1] / 4) : 0;
}
function roundUp(n) {
  if (n <= 1) return 1;
  const power = 10 ** Math.floor(Math.log10(n));
  return [1, 2, 5, 10].find((f) => f * power >= n * 0.999) * power;
}

function paintTasks(row, y, h, view) {
  const { tasks } = M, { items, first } = tasks.byRow, k = view.ratio;
  walkLane(items, first[row], first[row + 1], tasks.start, tasks.end, view, (task, x0, x1) => {
    paint(x0, y, x1 - (x1 - x0 > 3 * k ? k : 0), y + h, C.task);
    addText(x0, x1, y, h, () => D.meta.texts[tasks.text[task]], true);
  }, (from, to, x) => paint(x, y, x + 1, y + h, C.task));
}

// The least and the greatest of values[from … to - 1], by blocks.
function rangeOf(counter, from, to) {
  let low = Infinity, high = -Infinity;
  for (let i = from; i < to; ) {
    const block = i / kCounterBlock;
    if (Number.isInteger(block) && i + kCounterBlock <= to) {
      low = Math.min(low, counter.lows[block]); high = Math.max(high, counter.highs[block]);
      i += kCounterBlock;
    } else {
      low = Math.min(low, counter.value[i]); high = Math.max(high, counter.value[i]);
      i++;
    }
  }
  return [low, high];
}
// A counter as steps; where several values fall into one pixel, from the lowest to the highest of them.
function paintCounter(c, y, h, view) {
  const counter = M.counters[c], { at, value, low, high } = counter, k = view.ratio;
  const yOf = (v) => y + h - k - Math.round((h - 2 * k) * (high > low ? (v - low) / (high - low) : 0.5));
  let i = Math.max(0, firstAfterNumber(at, 0, at.length, view.t0) - 1), last = null;
  while (i < at.length && at[i] < view.t1) {
    const x = Math.max(view.left, Math.floor(view.left + (at[i] - view.t0) * view.scale));
    const border = view.t0 + (x + 1 - view.left) / view.scale;
    const next = Math.max(i + 1, firstAfterNumber(at, i, at.length, border)), [least, most] = rangeOf(counter, i, next);
    const from = last === null ? least : Math.min(least, last), to = last === null ? most : Math.max(most, last);
    last = value[next - 1];
    const until = next < at.length ? Math.floor(view.left + (at[next] - view.t0) * view.scale) : Math.floor(view.left + (D.span - view.t0) * view.scale);
    paint(x, yOf(last) + k, Math.max(x + 1, until), y + h, C.counterFill);
    paint(x, yOf(to), x + k, yOf(from) + k, C.counter);
    paint(x, yOf(last), until, yOf(last) + k, C.counter);
    i = next;
  }
}
