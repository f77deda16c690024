// SPDX-License-Identifier: BSL-1.0
// summary: the window in numbers: totals, and who is at the top by time on a processor, by waiting for one, and by making others wait.

const kTop = 15;

function greatestOf(values, most) {
  const order = [];
  for (let i = 0; i < values.length; i++) if (values[i] > 0) order.push(i);
  return order.sort((a, b) => values[b] - values[a]).slice(0, most);
}

function totalFacts() {
  const { byName } = totals(), all = [0, 1, 2, 3].map((state) => sum(byName.time[state])), slices = sum(byName.slices);
  let onP = 0;
  for (let p = 0; p < M.processors; p++) onP += M.sumsP[0][M.byP.first[p + 1]] - M.sumsP[0][M.byP.first[p]];
  const capacity = D.span * M.processors, readies = new Uint32Array(256);
  for (let e = 0; e < D.count; e++) readies[D.eventKind[e]]++;
  const kind = D.kind;
  const tiles = [
    ["window", duration(D.span), calendar(0)],
    ["processors", String(M.processors), capacity ? `busy ${percent(Math.min(1, onP / capacity))} of the time` : ""],
    ["goroutines", grouped(groups().members.items.length), `${many(groupOrder().length, "name")}, ${grouped(readies[kind.create])} created, ${grouped(readies[kind.end])} ended`],
    ["events", grouped(D.count), `${grouped(D.count / (D.span / 1e9))} a second`],
    ["slices run", grouped(slices), slices ? `${duration(all[kRunning] / slices)} each on average` : ""],
    ["waited for a processor", duration(all[kRunnable]), slices ? `${duration(all[kRunnable] / slices)} before each slice on average` : ""],
    ["switches", grouped(readies[kind.block] + readies[kind.yield] + readies[kind.preempt]), `${grouped(readies[kind.block])} waits, ${grouped(readies[kind.preempt])} preemptions`],
    ["steals", grouped(readies[kind.steal]), `${many(readies[kind.poll], "poll")} of the network`],
  ];
  if (D.meta.stopped) tiles.push(["stopped by", D.meta.stopped, moment(D.meta.stoppedAt, D.span / 1e6)]);
  if (D.meta.lost) tiles.push(["records lost", grouped(D.meta.lost), "overwritten before they could be read; what they said is guessed"]);
  return el("ul", { class: "tiles" }, ...tiles.map(([word, number, note]) => el("li", {}, el("span", { class: "soft" }, word), el("b", {}, number), el("span", { class: "soft" }, note))));
}

function nameTable() {
  const { byName, reasonTime, kinds } = totals(), { members } = groups(), order = groupOrder();
  const reasonsOf = (n) => {
    const reasons = [...reasonTime.subarray(n * kinds, n * kinds + kinds)].map((time, r) => [r, time]).filter(([r, time]) => time > 0 && r > 0).sort((a, b) => b[1] - a[1]);
    return reasons.slice(0, 2).map(([r, time]) => `${reasonWords(r)} ${duration(time)}`).join(", ");
  };
  const columns = [["name"], ["goroutines", true], ["ran", true], ["slices", true], ["longest slice", true], ["runnable", true], ["longest wait to run", true], ["waited", true],
    ["mostly for"], ["waits it ended", true, "how long others had waited when goroutines of this name woke them"]];
  const greatest = Math.max(1, ...order.slice(0, kMostRows).map((n) => byName.time[kRunning][n]));
  const rows = order.slice(0, kMostRows).map((n) => {
    const chip = el("span", { class: "chip" });
    chip.style.background = C.cssOfName(n);
    return [el("span", { class: "name" }, chip, D.meta.names[n] || "(no name)"), grouped(members.first[n + 1] - members.first[n]), duration(byName.time[kRunning][n]), grouped(byName.slices[n]),
      duration(byName.longestRun[n]), duration(byName.time[kRunnable][n]), byName.worst[n] >= 0 ? linkSlice(byName.worst[n], duration(byName.longestWait[n])) : "", duration(byName.time[kWaiting][n]),
      reasonsOf(n), byName.woke[n] ? `${duration(byName.caused[n])} in ${grouped(byName.woke[n])}` : ""];
  });
  return [tableOf(columns, rows, order.slice(0, kMostRows).map((n) => byName.time[kRunning][n] / greatest)), more(order.length, "name")];
}

function topTable(title, hint, values, cellsOf, columns) {
  const top = greatestOf(values, kTop);
  if (!top.length) return el("section", {}, el("h3", {}, title), el("p", { class: "empty" }, "Nothing of the kind in this window."));
  return el("section", {}, el("h3", {}, title), el("p", { class: "soft" }, hint),
    tableOf([["goroutine"], ...columns], top.map((g) => [el("span", {}, chipOf(g), linkG(g)), ...cellsOf(g)]), top.map((g) => values[g] / values[top[0]])));
}

function fillSummary() {
  const into = byId("summary");
  if (!D.count) {
    into.replaceChildren(el("p", { class: "empty" }, "This window has no events. The recorder was off, or nothing ran while it was on: `gossamer record PID --for 2s` records two seconds."), totalFacts());
    return;
  }
  const { byG } = totals(), share = (g) => percent(byG.time[kRunning][g] / D.span);
  into.replaceChildren(totalFacts(), el("h2", {}, "By name"), ...nameTable(), el("h2", {}, "Single goroutines"), el("div", { class: "columns" },
    topTable("Most time running", "Share: of one processor over the whole window.", byG.time[kRunning], (g) => [duration(byG.time[kRunning][g]), share(g), grouped(byG.slices[g])],
      [["ran", true], ["share", true], ["slices", true]]),
    topTable("Longest waits for a processor", "From being made ready to running. The link shows why.", byG.longestWait,
      (g) => [linkSlice(byG.worst[g], duration(byG.longestWait[g])), duration(byG.time[kRunnable][g])], [["longest", true], ["in all", true]]),
    topTable("Others waited for it", "How long those had waited whom it woke: long waits that it ended.", byG.caused,
      (g) => [duration(byG.caused[g]), grouped(byG.woke[g])], [["waited", true], ["wakes", true]])));
}
