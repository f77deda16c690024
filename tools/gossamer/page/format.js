// SPDX-License-Identifier: BSL-1.0
// format: numbers, times, places and goroutines in words; and elements made without ever reading text as markup.

// What the page is made of: filled by main.js before anything is drawn.
let D = null;  // data
let M = null;  // model

const kUnits = [[1e9, "s"], [1e6, "ms"], [1e3, "µs"], [1, "ns"]];

// Three digits and a unit: "1.24 ms".
function duration(ns) {
  if (ns < 0) return "−" + duration(-ns);
  for (const [size, unit] of kUnits) {
    if (ns < size * 0.9995 && size > 1) continue;
    const n = ns / size;
    return (n >= 99.95 || size === 1 ? n.toFixed(0) : n >= 9.995 ? n.toFixed(1) : n.toFixed(2)) + " " + unit;
  }
}

// A moment of the window, exact enough to tell it from its neighbours at a distance of `step` ns.
function moment(ns, step = 1) {
  const digits = Math.max(0, Math.min(9, 9 - Math.floor(Math.log10(Math.max(step, 1)))));
  return (ns / 1e9).toFixed(digits) + " s";
}

function calendar(ns) {
  const real = BigInt(D.meta.beginReal) + BigInt(Math.round(ns));
  if (real <= 0n) return "";
  const date = new Date(Number(real / 1000000n));
  const two = (n) => String(n).padStart(2, "0");
  const micros = String(real % 1000000000n / 1000n).padStart(6, "0");
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ` +
    `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.${micros}`;
}

function grouped(n) {
  return Math.round(n).toString().replace(/\B(?=(\d{3})+$)/g, "\u202f");
}
function percent(share) {
  return share >= 0.0995 || share === 0 ? (100 * share).toFixed(0) + "%" : (100 * share).toFixed(1) + "%";
}
function many(n, thing) {
  return `${grouped(n)} ${thing}${n === 1 ? "" : "s"}`;
}

function nameOf(g) {
  return D.meta.names[D.gName[g]] || "(no name)";
}
function called(g) {
  return `G${D.gId[g]} ${nameOf(g)}`;
}
function hexOf(v) {
  return "0x" + D.value[v].toString(16);
}
function reasonWords(reason) {
  return D.meta.reasons[reason] || "reason not known";
}

// "handler at server.cc:88": of what was inlined there, and of the callers where they are known, the innermost function that is the program's own.
function placeOf(...pcs) {
  const pc = pcs[0];
  if (!pc) return "";
  const at = D.pcFirst[pc];
  if (at === D.pcFirst[pc + 1]) return "0x" + D.pc[pc].toString(16);
  for (const outer of pcs)
    for (let k = D.pcFirst[outer]; k < D.pcFirst[outer + 1]; k++)
      if (!/^(gossamer|std)::/.test(D.meta.strings[D.frameFunction[k]])) return frameWords(k);
  return frameWords(at);
}
function frameWords(at) {
  const file = D.meta.strings[D.frameFile[at]];
  const line = D.frameLine[at];
  return D.meta.strings[D.frameFunction[at]] + (file ? ` at ${shortFile(file)}${line ? ":" + line : ""}` : "");
}
function shortFile(file) {
  return file.split("/").slice(-2).join("/");
}
// Every frame of a pc, innermost first: [function, "file:line"].
function framesOf(pc) {
  const frames = [];
  for (let at = D.pcFirst[pc]; at < D.pcFirst[pc + 1]; at++) {
    const file = D.meta.strings[D.frameFile[at]];
    frames.push([D.meta.strings[D.frameFunction[at]], file ? `${file}:${D.frameLine[at]}` : ""]);
  }
  return frames.length ? frames : [["0x" + D.pc[pc].toString(16), ""]];
}

// A text of a region, task, log or counter; of a log the key and the value.
function textOf(e) {
  const text = D.meta.texts[D.eventText[e]] || "";
  const at = text.indexOf("\0");
  return at < 0 ? text : at === 0 ? text.slice(1) : `${text.slice(0, at)}: ${text.slice(at + 1)}`;
}

// el("td", {class: "n"}, "text", otherElement): text goes in as text, whatever it holds.
function el(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (name === "onclick") element.addEventListener("click", value);
    else if (value !== undefined && value !== null && value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((c) => c !== null && c !== undefined && c !== ""));
  return element;
}
function svg(tag, attributes, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes || {})) element.setAttribute(name, value);
  element.append(...children);
  return element;
}
const byId = (id) => document.getElementById(id);

// A table: columns are [title, number?]; cells are texts or elements. `bars`: share of the first number's column, as a faint bar.
function tableOf(columns, rows, shares) {
  const head = el("tr", {}, ...columns.map(([title, isNumber, hint]) => el("th", { class: isNumber ? "n" : "", title: hint }, title)));
  const body = rows.map((cells, i) => {
    const row = el("tr", {}, ...cells.map((cell, c) => el("td", { class: columns[c][1] ? "n" : "" }, cell)));
    if (shares) row.style.setProperty("--share", percent(Math.min(1, shares[i])));
    return row;
  });
  return el("table", { class: shares ? "bars" : "" }, el("thead", {}, head), el("tbody", {}, ...body));
}

// Links carry what they lead to; input.js follows them.
function linkG(g, text) {
  return el("a", { href: "#", "data-g": g, title: "show this goroutine" }, text || called(g));
}
function linkSlice(s, text) {
  return el("a", { href: "#", "data-slice": s, title: "show this slice" }, text);
}
function linkTime(ns, text) {
  return el("a", { href: "#", "data-time": ns, title: "show this moment" }, text || moment(ns, 1000));
}
