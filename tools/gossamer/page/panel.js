// SPDX-License-Identifier: BSL-1.0
// panel: what is known about the selected slice or goroutine, in words with links, and why the slice ran so late.

function factRows(facts) {
  const list = el("dl", {});
  for (const [word, ...what] of facts) if (what.some((w) => w)) list.append(el("dt", {}, word), el("dd", {}, ...what));
  return list;
}
function framesList(pcs) {
  const list = el("ol", { class: "frames" });
  for (const pc of pcs)
    for (const [name, place] of framesOf(pc)) list.append(el("li", {}, el("code", {}, name), place ? el("span", { class: "soft" }, " " + place) : ""));
  return list;
}
function chipOf(g) {
  const chip = el("span", { class: "chip" });
  chip.style.background = C.cssOfName(D.gName[g]);
  return chip;
}

// How a slice began, in a sentence.
function beginOf(slice) {
  const s = M.s, e = s.opened[slice], kind = D.kind;
  if (e < 0) return ["before the window"];
  const by = D.eventBy[e];
  switch (D.eventKind[e]) {
    case kind.ready: return by ? ["woken by ", linkOf(by, D.ns[e])] : ["woken by a timer, the network or a thread outside"];
    case kind.create: return by ? ["created by ", linkOf(by, D.ns[e])] : ["created from outside any goroutine"];
    case kind.yield: return ["gave way by itself"];
    case kind.preempt: return ["its time slice was over"];
    case kind.lost: return ["came back from a call and had lost its processor"];
    case kind.callEnd: return ["came back from a blocking call"];
    case kind.callBegin: return ["announced a blocking call"];
    case kind.retake: return ["the monitor took its processor away"];
    default: return [];
  }
}

function sliceFacts(slice) {
  const s = M.s, g = s.g[slice], state = s.state[slice], length = s.end[slice] - s.start[slice], e = s.opened[slice];
  const before = previousOf(slice), after = nextOf(slice), v = objectOfSlice(slice);
  const around = (other) => (other < 0 ? "" : linkSlice(other, `${kStateWords[s.state[other]]} for ${duration(s.end[other] - s.start[other])}`));
  const isCut = after < 0 && s.end[slice] >= D.span;
  const facts = [
    ["length", el("b", {}, duration(length)), isCut ? " so far (the window ends)" : ""],
    ["from", linkTime(s.start[slice], moment(s.start[slice])), el("span", { class: "soft" }, " " + calendar(s.start[slice]))],
    ["until", linkTime(s.end[slice], moment(s.end[slice]))],
  ];
  if (state === kRunning) {
    facts.push(["processor", s.p[slice] >= 0 ? `P${s.p[slice]}` : "none"]);
    if (e >= 0) facts.push(["thread", threadWords(D.eventThread[e])]);
    if (before >= 0 && s.state[before] === kRunnable)
      facts.push(["runnable", "for ", linkSlice(before, duration(s.end[before] - s.start[before])), " before: ", ...beginOf(before)]);
  } else facts.push(["because", ...beginOf(slice)]);
  if (state === kWaiting) {
    facts.push(["waits for", reasonWords(s.reason[slice])]);
    if (v) facts.push(["object", el("a", { href: "#", "data-object": v, "data-time": s.start[slice] }, hexOf(v))]);
    const use = v ? lastUse(v, s.start[slice]) : null;
    if (use && use.by) facts.push(["last used", linkOf(use.by, D.ns[use.event]), ` ${duration(s.start[slice] - D.ns[use.event])} before`]);
    if (after >= 0) facts.push(["ended by", ...beginOf(after)]);
  }
  facts.push(["before", around(before)], ["after", around(after) || (isCut ? "" : "ended")]);
  return factRows(facts);
}
function threadWords(t) {
  const thread = D.meta.threads[t];
  return !thread ? "" : `${thread.tid}${thread.plain ? " (a plain thread)" : thread.number ? ` (M${thread.number})` : ""}`;
}

function goroutineFacts(g) {
  const { byG } = totals(), id = D.gId[g], time = (state) => duration(byG.time[state][g]);
  const worst = byG.worst[g];
  return factRows([
    ["name", el("span", {}, chipOf(g), nameOf(g))], ["id", String(id)],
    ["created by", D.gCreator[g] ? linkG(D.gCreator[g]) : "", D.gCreatorPc[g] ? ` ${placeOf(D.gCreatorPc[g])}` : ""],
    ["starts in", D.gStartPc[g] ? placeOf(D.gStartPc[g]) : ""],
    ["in this window", `ran ${time(kRunning)} in ${many(byG.slices[g], "slice")}, was runnable ${time(kRunnable)}, waited ${time(kWaiting)}` +
      (byG.time[kInCall][g] ? `, in blocking calls ${time(kInCall)}` : "")],
    ["longest wait to run", worst >= 0 ? linkSlice(worst, duration(byG.longestWait[g])) : ""],
    ["waits it ended", byG.woke[g] ? `${grouped(byG.woke[g])}, ${duration(byG.caused[g])} in all` : ""],
  ]);
}

function wakesList(slice) {
  if (!V.woken.length) return null;
  const list = el("ul", {});
  for (const e of V.woken.slice(0, 12)) {
    const ready = sliceFrom(e), word = D.eventKind[e] === D.kind.create ? "created " : "woke ";
    list.append(el("li", {}, word, ready >= 0 ? linkSlice(ready, called(D.eventG[e])) : linkG(D.eventG[e]), ` after ${duration(D.ns[e] - M.s.start[slice])}`));
  }
  const more = V.woken.length - 12;
  if (more > 0) list.append(el("li", { class: "soft" }, `and ${V.woken.length >= kMostWoken ? "at least " : ""}${grouped(more)} more`));
  return el("section", {}, el("h3", {}, "Woke and created"), list);
}

// "P0 ran worker 3.1 ms; P1 was idle".
function meanwhileWords(rows, wait) {
  if (!rows.length) return null;
  const idle = rows.filter((r) => r.idle > wait * 0.05).sort((a, b) => b.idle - a.idle);
  const list = el("ul", { class: "meanwhile" });
  list.append(el("li", {}, idle.length === 0 ? (rows.length === 1 ? "The processor was busy all that time." : `All ${rows.length} processors were busy all that time.`)
    : `Idle meanwhile: ${idle.slice(0, 4).map((r) => `P${r.p} for ${duration(r.idle)}`).join(", ")}${idle.length > 4 ? `, and ${idle.length - 4} more` : ""}.`));
  const busy = rows.filter((r) => r.names.length).sort((a, b) => b.names[0].time - a.names[0].time);
  for (const r of busy.slice(0, 6)) {
    const item = el("li", {}, `P${r.p} ran `);
    r.names.slice(0, 3).forEach((seen, i) => item.append(i ? ", " : "", linkSlice(seen.slice, D.meta.names[seen.n] || "(no name)"), ` ${duration(seen.time)}`));
    if (r.names.length > 3) item.append(` and ${many(r.names.length - 3, "other name")}`);
    if (!r.whole) item.append(" (the first 20 000 slices)");
    list.append(item);
  }
  if (busy.length > 6) list.append(el("li", { class: "soft" }, `and ${many(busy.length - 6, "more processor")}`));
  return list;
}

function lateSection() {
  const late = V.late;
  if (!late || !late.steps.length) return el("section", {}, el("h3", {}, "Why so late?"), el("p", { class: "soft" }, "It did not run again in this window."));
  const list = el("ol", { class: "late" });
  for (const step of late.steps) list.append(el("li", {}, ...step.parts, meanwhileWords(step.meanwhile, step.wait) || ""));
  const { spent } = late, all = spent.runnable + spent.running + spent.calls;
  const sum = late.steps.length > 1
    ? `Along this path ${duration(spent.runnable)} went by runnable, ${duration(spent.running)} running${spent.calls ? `, ${duration(spent.calls)} in blocking calls` : ""}` +
      (all ? `: ${percent(spent.runnable / all)} was waiting for a processor.` : ".")
    : "";
  const end = late.isWhole ? "" : `The path goes on; it is shown for ${kMostSteps} steps.`;
  return el("section", {}, el("h3", {}, "Why did it run so late?"), list, el("p", { class: "soft" }, [sum, end].filter(Boolean).join(" ")));
}

function logsList(g, slice) {
  const { items, first } = M.marksByG, list = el("ul", {});
  const from = slice >= 0 ? M.s.start[slice] : 0, to = slice >= 0 ? M.s.end[slice] : D.span;
  let i = firstAfter(items, D.ns, first[g], first[g + 1], from - 1), shown = 0;
  for (; i < first[g + 1] && D.ns[items[i]] <= to && shown < 20; i++, shown++)
    list.append(el("li", {}, linkTime(D.ns[items[i]]), " ", el("code", {}, textOf(items[i]))));
  return shown ? el("section", {}, el("h3", {}, "Logs"), list) : null;
}

function fillPanel() {
  const panel = byId("selection");
  if (V.g <= 0) {
    panel.replaceChildren(el("p", { class: "empty" }, "Click a slice to see when it ran, who woke it and why it ran when it did. ",
      "The wheel zooms, dragging moves, ? shows all keys."));
    return;
  }
  const slice = V.slice, g = V.g, state = slice >= 0 ? M.s.state[slice] : kUnknown;
  const parts = [el("h2", {}, chipOf(g), linkG(g), slice >= 0 ? el("span", { class: "state state-" + state }, kStateWords[state]) : "")];
  if (slice >= 0) {
    const go = (other, words, key) => el("button", { onclick: () => selectSlice(other, true), disabled: other < 0, title: `key ${key}` }, words);
    parts.push(el("p", { class: "buttons" }, go(previousOf(slice), "◀ before", "p"), go(nextOf(slice), "after ▶", "n"),
      el("button", { onclick: fitSelection, title: "key f" }, "fit")));
    parts.push(sliceFacts(slice));
    const pcs = stackOfSlice(slice);
    if (state === kWaiting && pcs.length) parts.push(el("section", {}, el("h3", {}, "Where it waits"), framesList(pcs)));
    const e = M.s.opened[slice];
    if (state === kRunnable && e >= 0 && D.eventStack[e])
      parts.push(el("section", {}, el("h3", {}, "Where that was done"), framesList(D.stackPc.subarray(D.stackFirst[D.eventStack[e]], D.stackFirst[D.eventStack[e] + 1]))));
    if (state === kRunning || state === kRunnable) parts.push(lateSection());
    parts.push(wakesList(slice));
  }
  parts.push(el("section", {}, el("h3", {}, "The goroutine"), goroutineFacts(g)), logsList(g, slice));
  panel.replaceChildren(...parts.filter(Boolean));
}
