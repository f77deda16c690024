// SPDX-License-Identifier: BSL-1.0
// minimap: the whole window in a strip: how many goroutines ran and how many were runnable, the part that the timeline shows, the cursor, what was found.

const kMapBins = 2048;

// Mean numbers of running and runnable goroutines in each bin.
const mapBins = lazily(() => {
  const s = M.s, { changes } = s, run = new Float64Array(kMapBins), ready = new Float64Array(kMapBins), width = D.span / kMapBins;
  let running = 0, runnable = 0, last = 0;
  for (let i = 0; i < s.count; i++) {
    if (s.opened[i] >= 0) continue;
    if (s.state[i] === kRunning) running++;
    if (s.state[i] === kRunnable) runnable++;
  }
  const upTo = (t) => {
    while (last < t) {
      const bin = Math.min(kMapBins - 1, Math.floor(last / width)), until = Math.min(t, Math.max((bin + 1) * width, last + width * 1e-6));
      run[bin] += running * (until - last) / width;
      ready[bin] += runnable * (until - last) / width;
      last = until;
    }
  };
  for (let c = 0; c < changes.count; c++) {
    upTo(D.ns[changes.event[c]]);
    running += (changes.to[c] === kRunning) - (changes.from[c] === kRunning);
    runnable += (changes.to[c] === kRunnable) - (changes.from[c] === kRunnable);
  }
  upTo(D.span);
  return { run, ready };
});

const mapPicture = { canvas: null, width: 0, ratio: 0, colours: null };

// The strip itself changes only with size and theme: drawn once and copied.
function drawMapPicture(width, height) {
  const canvas = document.createElement("canvas");
  canvas.width = width * V.ratio; canvas.height = height * V.ratio;
  const c = canvas.getContext("2d");
  c.scale(V.ratio, V.ratio);
  const { run, ready } = mapBins(), columns = Math.max(1, Math.floor(width));
  const mean = (sums, x) => {
    const from = Math.floor(x * kMapBins / columns), to = Math.max(from + 1, Math.floor((x + 1) * kMapBins / columns));
    let sum = 0;
    for (let i = from; i < to; i++) sum += sums[i];
    return sum / (to - from);
  };
  const top = Math.max(1, nearlyGreatest(Array.from({ length: columns }, (_, x) => mean(run, x) + mean(ready, x))));
  for (let x = 0; x < columns; x++) {
    const a = (height - 4) * mean(run, x) / top, b = (height - 4) * mean(ready, x) / top;
    c.fillStyle = C.css.running;
    c.fillRect(x, height - a, 1, a);
    c.fillStyle = C.css.runnable;
    c.fillRect(x, Math.max(0, height - a - b), 1, b);
  }
  Object.assign(mapPicture, { canvas, width, ratio: V.ratio, colours: C.css, top });
}

function drawMinimap() {
  const canvas = byId("minimap"), k = V.ratio, width = canvas.width / k, height = canvas.height / k;
  if (width < 1) return;
  if (mapPicture.width !== width || mapPicture.ratio !== k || mapPicture.colours !== C.css) drawMapPicture(width, height);
  const c = canvas.getContext("2d");
  c.setTransform(1, 0, 0, 1, 0, 0);
  c.fillStyle = C.css.lane;
  c.fillRect(0, 0, canvas.width, canvas.height);
  c.drawImage(mapPicture.canvas, 0, 0);
  c.setTransform(k, 0, 0, k, 0, 0);
  const from = width * V.t0 / D.span, to = Math.max(from + 2, width * V.t1 / D.span);
  c.fillStyle = C.css["map-shade"];
  c.fillRect(0, 0, from, height);
  c.fillRect(to, 0, width - to, height);
  c.strokeStyle = C.css.accent;
  c.lineWidth = 1;
  c.strokeRect(from + 0.5, 0.5, to - from - 1, height - 1);
  c.fillStyle = C.css.accent;
  c.fillRect(from - 1, height / 2 - 8, 3, 16);
  c.fillRect(to - 2, height / 2 - 8, 3, 16);
  c.fillRect(Math.round(width * V.cursor / D.span), 0, 1, height);
  c.fillStyle = C.css["arrow-out"];
  let last = -9;
  for (const e of S.found) {
    const x = Math.round(width * D.ns[e] / D.span);
    if (x - last >= 2) { c.fillRect(x, 0, 1, 5); last = x; }
  }
}
