// SPDX-License-Identifier: BSL-1.0
// data: what the window says, decoded once from the columns that stand in the page as base64. Everything else reads these arrays.
// Indices: e an event, g a goroutine (0: none), v a value (object, task, count), pc a program counter (0: none), all small numbers.
"use strict";

// The elements are emptied once they are read: the text would stay in memory beside the numbers.
function takeText(id) {
  const element = document.getElementById(id);
  if (!element) throw new Error(`the page has no part "${id}": it was cut short`);
  const text = element.textContent;
  const { width, count } = element.dataset;
  element.remove();
  return { text, width: Number(width), count: Number(count) };
}

function bytesOf(base64) {
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(base64);
  const binary = atob(base64);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i);
  return bytes;
}

// Numbers of 8 bytes stay whole (BigUint64Array); ask for `plain` where they are known to be below 2^53.
function takeColumn(id, plain = false) {
  const { text, width, count } = takeText("c-" + id);
  const bytes = bytesOf(text);
  if (bytes.length !== width * count) throw new Error(`the part "${id}" of the page is damaged`);
  const Kind = { 1: Uint8Array, 2: Uint16Array, 4: Uint32Array, 8: BigUint64Array }[width];
  const numbers = new Kind(bytes.buffer, bytes.byteOffset, count);
  return plain && width === 8 ? Float64Array.from(numbers, Number) : numbers;
}

function decodeWindow() {
  const meta = JSON.parse(takeText("meta").text);
  const kind = meta.kinds;
  const steps = takeColumn("e-ns", true);
  const ns = new Float64Array(steps.length);
  for (let i = 0, at = 0; i < steps.length; i++) ns[i] = at += steps[i];
  const data = {
    meta, kind, ns, count: ns.length, span: Math.max(meta.span, 1),
    eventKind: takeColumn("e-kind"), eventReason: takeColumn("e-reason"), eventG: takeColumn("e-g"), eventBy: takeColumn("e-by"),
    eventA: takeColumn("e-a"), eventPc: takeColumn("e-pc"), eventThread: takeColumn("e-thread"), eventText: takeColumn("e-text"),
    eventStack: takeColumn("e-stack"),
    gId: takeColumn("g-id", true), gName: takeColumn("g-name"), gCreator: takeColumn("g-creator"),
    gCreatorPc: takeColumn("g-creator-pc"), gStartPc: takeColumn("g-start-pc"), gState: takeColumn("g-state"),
    gReason: takeColumn("g-reason"), gObject: takeColumn("g-object"), gStack: takeColumn("g-stack"),
    stackFirst: takeColumn("s-first"), stackPc: takeColumn("s-pc"),
    pc: takeColumn("pc"), pcFirst: takeColumn("pc-first"),
    frameFunction: takeColumn("f-function"), frameFile: takeColumn("f-file"), frameLine: takeColumn("f-line"),
    value: takeColumn("value"),
  };
  data.eventP = Int32Array.from(takeColumn("e-p"), (p) => p - 1);
  return data;
}
