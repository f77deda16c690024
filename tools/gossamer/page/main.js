// SPDX-License-Identifier: BSL-1.0
// main: reads the window, shows it, and follows what the address says: #t=FROM,TO (ns), g=ID, at=NS, tab=…, side=…, map=ready|length|reason|place, selftest.

function facts() {
  const meta = D.meta, words = [meta.program, meta.pid ? `process ${meta.pid}` : "", calendar(0), duration(D.span), many(D.count, "event")];
  byId("facts").textContent = words.filter(Boolean).join("  ·  ");
  byId("facts").title = words.filter(Boolean).join("\n");
  byId("lost").hidden = !meta.lost;
  byId("lost").textContent = `${grouped(meta.lost)} records lost`;
  byId("stopped").hidden = !meta.stopped;
  byId("stopped").textContent = `stopped: ${meta.stopped}`;
  byId("stopped").title = `${meta.stopped}\nat ${moment(meta.stoppedAt, D.span / 1e6)}${meta.stoppedG ? ", " + called(meta.stoppedG) : ""}`;
}
// To the moment at which the recorder stopped, and who made it.
function goToStop() {
  showTab("timeline");
  if (D.meta.stoppedG) selectGoroutine(D.meta.stoppedG);
  showTime(D.meta.stoppedAt);
}
function legend() {
  const waits = new Map();
  const used = new Set();
  for (let i = 0; i < M.s.count; i++) if (M.s.state[i] === kWaiting) used.add(reasonKind(reasonWords(M.s.reason[i])));
  for (const [kind, words] of [["chan", "channel, select"], ["sync", "lock, condition, group"], ["sleep", "sleep"], ["io", "network"], ["other", "other"]])
    if (used.has(kind)) waits.set(kind, words);
  const item = (colour, words, cls) => {
    const chip = el("i", { class: cls || "" });
    chip.style.background = `var(--${colour})`;
    return el("span", {}, chip, words);
  };
  byId("legend").replaceChildren(item("name-0", "running, in the colour of its name"), item("runnable", "runnable: waits for a processor"),
    ...[...waits].map(([kind, words]) => item("wait-" + kind, "waits: " + words, "thin")), item("in-call", "blocking call", "half"),
    ...(M.regions.count ? [item("region-0", "region")] : []), item("accent", "woken by", "thin"), item("arrow-out", "woke", "thin"));
}

function followAddress() {
  const words = new URLSearchParams(location.hash.slice(1));
  const range = (words.get("t") || "").split(",").map(Number);
  if (range.length === 2 && range[1] > range[0]) setView(range[0], range[1]);
  if (words.has("at")) moveCursor(Number(words.get("at")));
  if (words.has("g")) {
    const g = D.gId.indexOf(Number(words.get("g")));
    if (g > 0) selectGoroutine(g);
    if (range.length === 2 && range[1] > range[0]) setView(range[0], range[1]);
  }
  if (words.has("open")) { D.meta.names.forEach((_, n) => R.open.add(n)); buildRows(); }
  if (words.has("side") && byId("show-" + words.get("side"))) showSide(words.get("side"));
  if (words.has("map")) byId("latency-what").value = words.get("map");
  if (words.has("tab") && byId("tab-" + words.get("tab"))) showTab(words.get("tab"));
  if (words.has("selftest")) runSelftest();
}

function main() {
  const begun = performance.now();
  try {
    D = decodeWindow();
  } catch (problem) {
    document.body.replaceChildren(el("p", { class: "empty" }, `This page cannot be shown: ${problem.message}.`));
    return;
  }
  const decoded = performance.now();
  M = makeModel(D);
  const modelled = performance.now();
  openFewGroups();
  buildRows();
  readColours();
  facts();
  legend();
  fillLatencyNames();
  fillPanel();
  listen();
  resize();
  showAll();
  drawAll();
  V.times = { decode: decoded - begun, model: modelled - decoded, first: performance.now() - modelled };
  followAddress();
}
document.addEventListener("DOMContentLoaded", main);
