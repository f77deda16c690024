// SPDX-License-Identifier: BSL-1.0
// draw: one frame of the timeline: pixels of all visible lanes first, then words, arrows and lines over them.

const kLabels = 230, kAxis = 26;

const C = {};  // colours of the theme, as pixels; words are drawn in C.css
const kReasonKinds = [[/chan|select/i, "chan"], [/sync|sem|mutex|cond|group/i, "sync"], [/sleep/i, "sleep"], [/io/i, "io"]];

function readColours() {
  const style = getComputedStyle(document.documentElement);
  const css = (name) => style.getPropertyValue("--" + name).trim();
  C.css = new Proxy({}, { get: (memory, name) => memory[name] || (memory[name] = css(name)) });
  for (const name of ["ground", "lane", "section", "runnable", "waiting", "mark", "task", "counter"]) C[name] = pixelOf(css(name));
  C.inCall = pixelOf(css("in-call"));
  C.counterFill = mixed(C.counter, C.ground, 0.8);
  C.grid = mixed(C.ground, pixelOf(css("ink")), 0.08);
  const regions = ["region-0", "region-1"].map((name) => pixelOf(css(name)));
  C.region = (row) => regions[row & 1];
  const reasons = D.meta.reasons.map((words) => pixelOf(css("wait-" + reasonKind(words))));
  C.ofReason = (reason) => reasons[reason] || C.waiting;
  // The names with the most time get the colours that are easiest to tell apart; the others share the same in a paler form.
  const palette = [];
  for (let i = 0; i < 9; i++) palette.push(css("name-" + i));
  const names = new Uint32Array(D.meta.names.length), words = [];
  groupOrder().forEach((n, rank) => {
    const base = pixelOf(palette[rank % 9]);
    names[n] = rank < 9 ? base : mixed(base, C.waiting, 0.25 + 0.2 * (Math.floor(rank / 9) % 3));
    words[n] = "#" + [0, 8, 16].map((shift) => (names[n] >> shift & 255).toString(16).padStart(2, "0")).join("");
  });
  C.ofName = (n) => names[n];
  C.cssOfName = (n) => words[n] || css("waiting");
}
function reasonKind(words) {
  const found = kReasonKinds.find(([pattern]) => pattern.test(words));
  return found ? found[1] : "other";
}

const texts = [];
function addText(x0, x1, y, h, words, isDark) {
  if (x1 - x0 > 26 * V.ratio && texts.length < 600) texts.push([Math.max(x0, kLabels * V.ratio), x1, y, h, words, isDark]);
}

function viewNow() {
  const left = kLabels * V.ratio;
  return { t0: V.t0, t1: V.t1, scale: (F.width - left) / (V.t1 - V.t0), left, ratio: V.ratio };
}
// From nanoseconds to CSS pixels and back.
function xOf(t) {
  return kLabels + (t - V.t0) * (V.width - kLabels) / (V.t1 - V.t0);
}
function timeAt(x) {
  return V.t0 + (x - kLabels) * (V.t1 - V.t0) / (V.width - kLabels);
}
function topOf(row) {
  return kAxis + R.y[row] - V.scroll;
}

// A step of 1, 2 or 5 by powers of ten, so that labels stand at least 110 pixels apart.
function axisStep() {
  const least = (V.t1 - V.t0) * 110 / Math.max(1, V.width - kLabels);
  const power = 10 ** Math.floor(Math.log10(Math.max(least, 1)));
  return Math.max(1, [1, 2, 5, 10].find((f) => f * power >= least) * power);
}

function paintLanes() {
  const view = viewNow(), k = V.ratio;
  texts.length = 0;
  F.pixels.fill(C.ground);
  F.clipTop = kAxis * k;
  const scales = new Map();
  const step = axisStep();
  for (let t = Math.ceil(V.t0 / step) * step; t < V.t1; t += step) {
    const x = Math.round(view.left + (t - V.t0) * view.scale);
    paint(x, kAxis * k, x + 1, F.height, C.grid);
  }
  for (let r = Math.max(0, rowAt(V.scroll)); r < R.count; r++) {
    const top = topOf(r);
    if (top >= V.height) break;
    const y = Math.round(top * k), h = Math.round((R.y[r + 1] - R.y[r]) * k), ref = R.ref[r];
    switch (R.type[r]) {
      case kSection: paint(0, y, F.width, y + h, C.section); break;
      case kProcessor:
        paint(Math.max(view.left, view.left - view.t0 * view.scale), y + k, F.width, y + h - k, C.lane);
        paintProcessor(ref, y + k, h - 2 * k, view);
        break;
      case kGroup: scales.set(r, paintGroup(ref, y + 2 * k, h - 4 * k, view)); break;
      case kGoroutine:
        paintGoroutine(ref, y + k, (kLaneHeight - 1) * k, view);
        paintRegions(ref, y + (kLaneHeight + 1) * k, view);
        paintMarks(ref, y, h, view);
        break;
      case kTaskRow: paintTasks(ref, y + k, h - 2 * k, view); break;
      case kCounter: paintCounter(ref, y + 2 * k, h - 4 * k, view); break;
    }
  }
  return scales;
}

function drawTimeline() {
  const canvas = byId("timeline"), k = V.ratio;
  sizePixels(canvas.width, canvas.height);
  if (!F.width || !F.height) return;
  const scales = paintLanes(), c = canvas.getContext("2d", { alpha: false });
  c.setTransform(1, 0, 0, 1, 0, 0);
  c.putImageData(F.image, 0, 0);
  c.setTransform(k, 0, 0, k, 0, 0);
  c.save();
  c.beginPath();
  c.rect(kLabels, kAxis, V.width - kLabels, V.height - kAxis);
  c.clip();
  drawSliceTexts(c);
  drawSelection(c);
  drawArrows(c);
  c.restore();
  drawLabels(c, scales);
  drawAxis(c);
  drawScrollBar(c);
}

function drawSliceTexts(c) {
  const k = V.ratio;
  c.font = "11px " + C.css.font;
  c.textBaseline = "middle";
  if (!C.charWidth) C.charWidth = c.measureText("abcdefghijklmnopqrstuvwxyz0123").width / 30;
  for (const [x0, x1, y, h, words, isDark] of texts) {
    const room = Math.floor(((Math.min(x1, F.width) - x0) / k - 8) / C.charWidth);
    if (room < 2) continue;
    const text = words();
    c.fillStyle = isDark ? C.css["region-ink"] : "#ffffff";
    c.fillText(text.length <= room ? text : text.slice(0, room - 1) + "…", x0 / k + 4, (y + h / 2) / k + 0.5);
  }
}

function boxOf(slice, row) {
  return [xOf(M.s.start[slice]), topOf(row), Math.max(2, xOf(M.s.end[slice]) - xOf(M.s.start[slice]))];
}
function drawSelection(c) {
  for (const [slice, style, width] of [[V.hover, C.css.ink, 1], [V.slice, C.css.accent, 2]]) {
    if (slice < 0) continue;
    c.strokeStyle = style;
    c.lineWidth = width;
    for (const row of rowsOf(slice)) {
      const [x, y, w] = boxOf(slice, row);
      c.strokeRect(x - 0.5, y + 1, w + 1, (R.type[row] === kProcessor ? kRowHeight[kProcessor] : kLaneHeight) - 1);
    }
  }
  if (V.cursor >= V.t0 && V.cursor <= V.t1) {
    c.fillStyle = C.css.accent;
    c.fillRect(Math.round(xOf(V.cursor)), kAxis, 1, V.height);
  }
}
// Rows in which a slice can be seen: its goroutine's and its processor's.
function rowsOf(slice) {
  const rows = [], g = M.s.g[slice], p = M.s.p[slice];
  if (R.ofG[g] >= 0) rows.push(R.ofG[g]);
  if (M.s.state[slice] === kRunning && p >= 0 && p < M.processors && R.ofP[p] >= 0) rows.push(R.ofP[p]);
  return rows;
}

// From wakers to woken: the path that led here, and whom the selected slice woke.
function drawArrows(c) {
  if (!V.late) return;
  V.late.arrows.forEach(([from, to, at], i) => drawArrow(c, from, to, at, C.css.accent, i === 0 ? 2 : 1.5, Math.max(0.35, 1 - i * 0.12)));
  for (const e of V.woken) {
    const ready = sliceFrom(e), run = ready < 0 ? -1 : nextOf(ready);
    if (run >= 0 && M.s.state[run] === kRunning) drawArrow(c, V.slice, run, D.ns[e], C.css["arrow-out"], 1.2, 0.8);
  }
}
function drawArrow(c, from, to, at, style, width, alpha) {
  const x0 = xOf(at), x1 = xOf(M.s.start[to]);
  if (Math.max(x0, x1) < kLabels - 50 || Math.min(x0, x1) > V.width + 50) return;
  const pairs = [[R.ofG[M.s.g[from]], R.ofG[M.s.g[to]], kLaneHeight]];
  if (M.s.p[from] >= 0 && M.s.p[to] >= 0 && M.s.p[from] !== M.s.p[to]) pairs.push([R.ofP[M.s.p[from]], R.ofP[M.s.p[to]], kRowHeight[kProcessor]]);
  c.globalAlpha = alpha;
  c.strokeStyle = c.fillStyle = style;
  c.lineWidth = width;
  for (const [rowFrom, rowTo, height] of pairs) {
    if (!(rowFrom >= 0 && rowTo >= 0)) continue;
    const y0 = topOf(rowFrom) + height / 2, y1 = topOf(rowTo) + height / 2;
    const bend = Math.min(60, Math.max(14, Math.abs(x1 - x0) / 2));
    c.beginPath();
    c.moveTo(x0, y0);
    c.bezierCurveTo(x0 + bend, y0, x1 - bend, y1, x1 - 5, y1);
    c.stroke();
    c.beginPath();
    c.moveTo(x1, y1); c.lineTo(x1 - 7, y1 - 4); c.lineTo(x1 - 7, y1 + 4);
    c.fill();
    c.beginPath();
    c.arc(x0, y0, 2.5, 0, 7);
    c.fill();
  }
  c.globalAlpha = 1;
}

function clipped(c, text, room) {
  if (c.measureText(text).width <= room) return text;
  let keep = text.length;
  while (keep > 1 && c.measureText(text.slice(0, keep) + "…").width > room) keep = Math.floor(keep * 0.9);
  return text.slice(0, keep) + "…";
}

function drawLabels(c, scales) {
  c.save();
  c.beginPath();
  c.rect(0, kAxis, V.width, V.height - kAxis);
  c.clip();
  c.textBaseline = "middle";
  for (let r = Math.max(0, rowAt(V.scroll)); r < R.count; r++) {
    const top = topOf(r), ref = R.ref[r], type = R.type[r];
    if (top >= V.height) break;
    const y = top + (type === kGoroutine ? kLaneHeight + 1 : R.y[r + 1] - R.y[r]) / 2;
    const text = (words, x, style, weight, size) => {
      c.font = `${weight || 400} ${size || 12}px ${C.css.font}`;
      c.fillStyle = style;
      c.fillText(clipped(c, words, kLabels - x - 8), x, y + 0.5);
    };
    const chip = (n, x) => { c.fillStyle = C.cssOfName(n); c.fillRect(x, y - 4.5, 9, 9); };
    switch (type) {
      case kSection: {
        const [key, words] = R.sections[ref];
        drawTriangle(c, 9, y, !R.closed.has(key));
        text(words, 20, C.css.ink, 600);
        break;
      }
      case kProcessor: text(`P${ref}`, 20, C.css.ink, 500); break;
      case kGroup: {
        const { members } = groups(), count = members.first[ref + 1] - members.first[ref];
        drawTriangle(c, 14, y, R.open.has(ref));
        chip(ref, 24);
        const number = "× " + grouped(count);
        c.font = "12px " + C.css.font;
        const wide = c.measureText(number).width;
        c.fillStyle = C.css.soft;
        c.fillText(number, kLabels - 10 - wide, y + 0.5);
        c.fillStyle = C.css.ink;
        c.fillText(clipped(c, D.meta.names[ref], kLabels - 58 - wide), 39, y + 0.5);
        c.font = "10px " + C.css.font;
        c.textAlign = "right";
        const scale = "scale " + grouped(scales.get(r));
        c.globalAlpha = 0.75;
        c.fillStyle = C.css.ground;
        c.fillRect(V.width - 18 - c.measureText(scale).width, top + 3, c.measureText(scale).width + 8, 13);
        c.globalAlpha = 1;
        c.fillStyle = C.css.soft;
        c.fillText(scale, V.width - 14, top + 10);
        c.textAlign = "left";
        break;
      }
      case kGoroutine: {
        const alone = groups().members.first[D.gName[ref] + 1] - groups().members.first[D.gName[ref]] === 1;
        const isPinned = R.pinned.includes(ref) && R.ofG[ref] === r;
        chip(D.gName[ref], alone || isPinned ? 24 : 39);
        text(called(ref), alone || isPinned ? 39 : 54, ref === V.g ? C.css.accent : C.css.ink, ref === V.g ? 600 : 400);
        break;
      }
      case kTaskRow: if (R.ref[r] === 0) text(M.tasks.rows < kTaskRows ? "at the same time" : "more share the last row", 39, C.css.soft); break;
      case kCounter: {
        const counter = M.counters[ref];
        text(`${D.meta.texts[counter.text] || "(no name)"}  ${counter.low}…${counter.high}`, 39, C.css.ink);
        break;
      }
      case kNote: text(ref === 0 ? "No processor ran anything." : "No goroutine is named in this window.", 20, C.css.soft);
    }
  }
  c.fillStyle = C.css.line;
  c.fillRect(kLabels - 1, kAxis, 1, V.height);
  c.restore();
}
function drawTriangle(c, x, y, isOpen) {
  c.fillStyle = C.css.soft;
  c.beginPath();
  if (isOpen) { c.moveTo(x - 4, y - 2.5); c.lineTo(x + 4, y - 2.5); c.lineTo(x, y + 3); }
  else { c.moveTo(x - 2.5, y - 4); c.lineTo(x - 2.5, y + 4); c.lineTo(x + 3, y); }
  c.fill();
}

function drawAxis(c) {
  c.fillStyle = C.css.panel;
  c.fillRect(0, 0, V.width, kAxis);
  c.fillStyle = C.css.line;
  c.fillRect(0, kAxis - 1, V.width, 1);
  const step = axisStep();
  c.font = "11px " + C.css.font;
  c.textBaseline = "middle";
  c.fillStyle = C.css.soft;
  c.fillText(`${duration(Math.min(V.t1 - V.t0, D.span))} of ${duration(D.span)}`, 20, kAxis / 2);
  for (let t = Math.max(0, Math.ceil(V.t0 / step) * step); t < Math.min(V.t1, D.span * 1.0001); t += step) {
    const x = xOf(t);
    c.fillStyle = C.css.line;
    c.fillRect(Math.round(x), kAxis - 6, 1, 5);
    c.fillStyle = C.css.soft;
    if (x < V.width - 60 && Math.abs(x + 24 - xOf(V.cursor)) > 66) c.fillText(axisWords(t, step), Math.round(x) + 4, kAxis / 2);
  }
  if (V.cursor >= V.t0 && V.cursor <= V.t1) {
    const x = Math.round(xOf(V.cursor)), words = moment(V.cursor, (V.t1 - V.t0) / 1000);
    const wide = c.measureText(words).width + 10, at = Math.min(Math.max(kLabels, x - wide / 2), V.width - wide);
    c.fillStyle = C.css.accent;
    c.fillRect(at, 3, wide, kAxis - 7);
    c.fillStyle = C.css["accent-ink"];
    c.fillText(words, at + 5, kAxis / 2 - 0.5);
  }
  if (V.range) {
    const from = xOf(Math.min(...V.range)), to = xOf(Math.max(...V.range));
    c.globalAlpha = 0.2;
    c.fillStyle = C.css.accent;
    c.fillRect(from, 0, to - from, V.height);
    c.globalAlpha = 1;
  }
}
// All labels of one axis have the same unit and as many digits as the step needs.
function axisWords(t, step) {
  const [size, unit] = kUnits.find(([size]) => V.t1 >= size * 1.0001) || kUnits[3];
  return `${t < 1 ? "0" : (t / size).toFixed(Math.max(0, Math.ceil(Math.log10(size / step) - 0.001)))} ${unit}`;
}

function drawScrollBar(c) {
  const inside = V.height - kAxis;
  if (R.height <= inside) return;
  const h = Math.max(30, inside * inside / R.height), y = kAxis + (inside - h) * V.scroll / (R.height - inside);
  c.globalAlpha = 0.45;
  c.fillStyle = C.css.soft;
  c.fillRect(V.width - 9, y, 6, h);
  c.globalAlpha = 1;
}
