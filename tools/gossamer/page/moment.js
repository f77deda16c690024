// SPDX-License-Identifier: BSL-1.0
// moment: the state of everything at the cursor: how many run, are runnable or wait, by name and by reason; and who waits for which object.

const kMostRows = 100, kMostLetters = 18;

function stateCells(row) {
  return row.map((n) => (n ? grouped(n) : el("span", { class: "none" }, "·")));
}

function fillMoment() {
  const now = momentOf(V.cursor), total = now.states.reduce((a, b) => a + b, 0);
  byId("moment-time").textContent = moment(V.cursor, D.span / 1e6);
  byId("moment-real").textContent = calendar(V.cursor);
  byId("moment-slider").value = String(Math.round(V.cursor / D.span * 10000));
  const into = byId("moment-tables");
  if (!total) {
    into.replaceChildren(el("p", { class: "empty" }, "No goroutine existed at this moment, as far as the window tells."));
    return;
  }
  const names = [...now.names].sort((a, b) => b[1][0] + b[1][1] - a[1][0] - a[1][1] || sum(b[1]) - sum(a[1]));
  const reasons = [...now.reasons].sort((a, b) => b[1] - a[1]);
  const states = el("ul", { class: "states" });
  now.states.forEach((n, state) => states.append(el("li", { class: "state-" + state }, el("b", {}, grouped(n)), " " + kStateWords[state])));
  const running = el("ul", { class: "running" });
  for (let p = 0; p < Math.min(M.processors, 64); p++) {
    const slice = sliceOnP(p, V.cursor);
    if (slice >= 0) running.append(el("li", {}, `P${p} `, chipOf(M.s.g[slice]), linkSlice(slice, called(M.s.g[slice])), el("span", { class: "soft" }, ` for ${duration(V.cursor - M.s.start[slice])}`)));
  }
  const columns = [["name"], ["running", true], ["runnable", true], ["waiting", true], ["in call", true]];
  const rows = names.slice(0, kMostRows).map(([n, row]) => [D.meta.names[n] || "(no name)", ...stateCells(row)]);
  into.replaceChildren(states, running, el("h3", {}, "By name"), tableOf(columns, rows), more(names.length, "name"),
    ...(reasons.length ? [el("h3", {}, "Waiting, by reason"), tableOf([["reason"], ["goroutines", true]],
      reasons.map(([r, n]) => [reasonWords(r), grouped(n)]), reasons.map(([, n]) => n / now.states[kWaiting]))] : []));
}
function sum(list) {
  return list.reduce((a, b) => a + b, 0);
}
function more(count, thing) {
  return count > kMostRows ? el("p", { class: "soft" }, `and ${many(count - kMostRows, "more " + thing)}`) : "";
}

function namesWords(names, most) {
  const list = [...names].sort((a, b) => b[1] - a[1]);
  const words = list.slice(0, most).map(([n, count]) => `${D.meta.names[n] || "(no name)"}${count > 1 ? " × " + grouped(count) : ""}`);
  return words.join(", ") + (list.length > most ? `, ${list.length - most} more` : "");
}

function fillWaits() {
  byId("waits-time").textContent = moment(V.cursor, D.span / 1e6);
  const objects = [...momentOf(V.cursor).objects.values()].sort((a, b) => b.count - a.count || M.s.start[a.longest] - M.s.start[b.longest]);
  const into = byId("waits-tables");
  if (!objects.length) {
    into.replaceChildren(el("p", { class: "empty" }, "Nobody waits for an object at this moment."));
    return;
  }
  for (const o of objects) o.use = lastUse(o.v, V.cursor);
  const rows = objects.slice(0, kMostRows).map((o) => [
    el("span", {}, reasonWords(o.reason), el("br"), el("code", { class: "soft" }, hexOf(o.v))),
    el("span", {}, el("b", {}, grouped(o.count)), " ", namesWords(o.names, 2).replace(/ × .*?(?=,|$)/g, o.names.size > 1 ? "$&" : "")),
    linkSlice(o.longest, duration(V.cursor - M.s.start[o.longest])), useWords(o.use),
  ]);
  into.replaceChildren(waitDrawing(objects.slice(0, 7)), tableOf([["object"], ["waiting"], ["longest", true],
    ["last used", false, "who woke the last one that waited for it, and who got it then"]], rows), more(objects.length, "object"));
}
function useWords(use) {
  if (!use) return el("span", { class: "soft" }, "not in this window");
  return el("span", {}, use.by ? linkOf(use.by, D.ns[use.event]) : "timer, network, outside", el("span", { class: "soft" }, ` ${duration(V.cursor - D.ns[use.event])} ago, for `),
    linkG(use.woken));
}

// The biggest groups: who waits on the left, the object in the middle, who used it last on the right and what that one does now. Another object that the user
// itself waits for is joined by a line: a chain.
function waitDrawing(objects) {
  const step = 46, width = 440, height = objects.length * step + 6;
  const picture = svg("svg", { viewBox: `0 0 ${width} ${height}`, class: "waits", role: "img", "aria-label": "who waits for what" });
  const place = new Map(objects.map((o, i) => [o.v, i])), chains = [];
  const label = (x, y, words, anchor, cls) => svg("text", { x, y, "text-anchor": anchor, class: cls || "" }, words.length > kMostLetters ? words.slice(0, kMostLetters - 1) + "…" : words);
  const arrow = (from, to, y, cls, wide) => picture.append(svg("path", { d: `M${from} ${y} H${to - 7}`, class: "edge " + cls, "stroke-width": wide }),
    svg("path", { d: `M${to} ${y} l-8 -4.5 v9 z`, class: "head" }));
  objects.forEach((o, i) => {
    const y = i * step + 24, user = o.use ? o.use.by : 0, slice = user ? sliceAt(user, V.cursor) : -1;
    picture.append(label(128, y - 3, namesWords(o.names, 1), "end"), label(128, y + 11, "longest " + duration(V.cursor - M.s.start[o.longest]), "end", "soft"));
    arrow(133, 160, y, "", Math.min(8, 1.2 + Math.log2(o.count)));
    picture.append(svg("rect", { x: 160, y: y - 17, width: 122, height: 34, rx: 4, class: "object" }), label(221, y - 3, reasonWords(o.reason), "middle"),
      label(221, y + 11, hexOf(o.v), "middle", "soft"));
    if (!o.use) return;
    arrow(282, 310, y, "dashed", 1.2);
    const link = svg("g", user ? { "data-g": user, class: "link" } : {}), state = slice >= 0 ? M.s.state[slice] : kGone;
    link.append(label(315, y - 3, user ? called(user) : "timer, network, outside", "start"));
    link.append(label(315, y + 11, !user ? "" : state === kWaiting ? reasonWords(M.s.reason[slice]) : kStateWords[state], "start", state === kRunnable ? "late" : "soft"));
    picture.append(link);
    const other = slice >= 0 ? objectOfSlice(slice) : 0;
    if (other && place.has(other) && place.get(other) !== i) chains.push([y, place.get(other) * step + 24]);
  });
  for (const [from, to] of chains)
    picture.append(svg("path", { d: `M${width - 8} ${from + 4} C${width} ${(from + to) / 2} ${width} ${(from + to) / 2} 296 ${to + (to > from ? -12 : 12)} L283 ${to + (to > from ? -12 : 12)}`, class: "edge chain" }), svg("path", { d: `M283 ${to + (to > from ? -12 : 12)} l8 -4 v8 z`, class: "chain-head" }));
  return picture;
}
