// SPDX-License-Identifier: BSL-1.0
// search: by goroutine ("17", "G17"), by name, by place (function, file or file:line) or by the text of a region, task or log. Enter goes from hit to hit.

const S = { query: "", found: [], at: -1 };

// Which goroutines, pcs and texts fit; null: all of a kind do not.
function fitting(query) {
  const words = query.toLowerCase(), number = /^g?(\d+)$/i.exec(query);
  const has = (text) => text.toLowerCase().includes(words);
  const names = D.meta.names.map(has), strings = D.meta.strings.map(has), texts = D.meta.texts.map((t) => t !== "" && has(t));
  const goroutine = (g) => (number ? D.gId[g] === Number(number[1]) : names[D.gName[g]]);
  const pcs = new Uint8Array(D.pc.length);
  if (!number)
    for (let pc = 1; pc < D.pc.length; pc++)
      for (let at = D.pcFirst[pc]; at < D.pcFirst[pc + 1] && !pcs[pc]; at++)
        if (strings[D.frameFunction[at]] || strings[D.frameFile[at]] || has(`${D.meta.strings[D.frameFile[at]]}:${D.frameLine[at]}`)) pcs[pc] = 1;
  const stacks = new Uint8Array(D.stackFirst.length);
  for (let k = 1; k + 1 < D.stackFirst.length; k++)
    for (let at = D.stackFirst[k]; at < D.stackFirst[k + 1] && !stacks[k]; at++) stacks[k] = pcs[D.stackPc[at]];
  return { goroutine, pcs, stacks, texts };
}

function search(query) {
  Object.assign(S, { query, found: [], at: -1 });
  if (query) {
    const { goroutine, pcs, stacks, texts } = fitting(query), { start, end } = D.kind;
    const fits = Uint8Array.from({ length: M.goroutines }, (_, g) => (g !== 0 && goroutine(g) ? 1 : 0));
    for (let e = 0; e < D.count; e++) {
      const k = D.eventKind[e];
      if ((k === start && fits[D.eventG[e]]) || (k !== end && ((D.eventPc[e] && pcs[D.eventPc[e]]) || (D.eventStack[e] && stacks[D.eventStack[e]]))) ||
        (D.eventText[e] && texts[D.eventText[e]])) S.found.push(e);
    }
    // One that never started here, but is there.
    if (!S.found.length) S.still = fits.indexOf(1);
  }
  showHits();
  requestDraw();
}
function showHits() {
  const none = S.query && !S.found.length;
  byId("hits").textContent = !S.query ? "" : none ? (S.still > 0 ? "waits all the time" : "nothing") : `${S.at < 0 ? "" : grouped(S.at + 1) + " of "}${grouped(S.found.length)}`;
  byId("search").classList.toggle("none", Boolean(none && !(S.still > 0)));
}

// The next hit after the cursor at first, then one by one, around the end.
function goToHit(step) {
  if (!S.found.length) {
    if (S.query && S.still > 0) selectGoroutine(S.still);
    return;
  }
  if (S.at < 0) {
    S.at = firstAfter(S.found, D.ns, 0, S.found.length, V.cursor - 1) % S.found.length;
    if (step < 0) S.at = (S.at - 1 + S.found.length) % S.found.length;
  } else S.at = (S.at + step + S.found.length) % S.found.length;
  const e = S.found[S.at], begun = D.eventG[e] ? sliceFrom(e) : -1;
  const slice = begun >= 0 ? begun : D.eventG[e] ? sliceAt(D.eventG[e], D.ns[e]) : -1;
  showTab("timeline");
  moveCursor(D.ns[e]);
  if (slice >= 0) selectSlice(slice, true);
  else showTime(D.ns[e]);
  showHits();
}
