// SPDX-License-Identifier: Apache-2.0

// Encoder of the columnar trace payload, for the fixture server and the unit
// tests. The real one is the server's; both follow the layout in
// src/wire/columns.ts.

const arrays = { u8: Uint8Array, u16: Uint16Array, u32: Uint32Array, i32: Int32Array, f64: Float64Array, bytes8: Uint8Array };

/**
 * @param {object} header everything of the JSON header but `columns`
 * @param {[name: string, type: string, values: ArrayLike<number>][]} columns
 * @returns {ArrayBuffer}
 */
export function encodeColumns(header, columns) {
  let offset = 0;
  const placed = columns.map(([name, type, values]) => {
    const data = arrays[type].from(values);
    const at = offset;
    offset += Math.ceil(data.byteLength / 8) * 8;
    return { name, type, data, at };
  });
  const described = placed.map(({ name, type, data, at }) => ({ name, type, offset: at, length: data.byteLength }));
  let json = new TextEncoder().encode(JSON.stringify({ ...header, columns: described }));
  const padding = (8 - ((12 + json.length) % 8)) % 8;
  const padded = new Uint8Array(json.length + padding).fill(0x20);
  padded.set(json);
  const out = new Uint8Array(12 + padded.length + offset);
  out.set(new TextEncoder().encode("CLWTRC01"));
  new DataView(out.buffer).setUint32(8, padded.length, true);
  out.set(padded, 12);
  for (const { data, at } of placed) {
    out.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), 12 + padded.length + at);
  }
  return out.buffer;
}

const kinds = ["unspecified", "internal", "server", "client", "producer", "consumer"];

const byStart = (a, b) => a.start - b.start || (a.spanId < b.spanId ? -1 : 1);

/** One span of each cycle of parents: the first by start, above which it is cut. */
function cyclesOf(spans, byId) {
  const cut = new Set();
  const known = new Set();
  for (const s of spans) {
    const path = [];
    let p = s;
    for (; p !== undefined && !known.has(p); p = byId.get(p.parentSpanId)) {
      known.add(p);
      path.push(p);
    }
    const at = path.indexOf(p);
    if (at >= 0) cut.add(path.slice(at).sort(byStart)[0]);
  }
  return cut;
}

/**
 * Lays spans out as the payload wants them: pre-order, children by (start, id),
 * roots, orphans and where a cycle of parents is cut in start order.
 *
 * @param {string} traceId
 * @param {bigint} baseNs unix ns that the spans' times count from
 * @param {import("./columns.mjs").FixtureSpan[]} spans
 * @returns {{ order: import("./columns.mjs").FixtureSpan[], buffer: ArrayBuffer }}
 */
export function encodeTrace(traceId, baseNs, spans) {
  const byId = new Map(spans.map((s) => [s.spanId, s]));
  const cut = cyclesOf(spans, byId);
  const children = new Map();
  const tops = [];
  for (const s of spans) {
    if (s.parentSpanId !== "" && byId.has(s.parentSpanId) && !cut.has(s)) {
      const list = children.get(s.parentSpanId);
      if (list === undefined) children.set(s.parentSpanId, [s]);
      else list.push(s);
    } else {
      tops.push(s);
    }
  }
  tops.sort(byStart);
  for (const list of children.values()) list.sort(byStart);

  const n = spans.length;
  const order = [];
  const parent = new Int32Array(n);
  const depth = new Uint32Array(n);
  const subtree = new Uint32Array(n);
  const stack = tops.toReversed().map((span) => ({ span, parent: span.parentSpanId === "" ? -1 : cut.has(span) ? -3 : -2, depth: 0 }));
  while (stack.length > 0) {
    const top = stack.pop();
    const row = order.length;
    order.push(top.span);
    parent[row] = top.parent;
    depth[row] = top.depth;
    const list = children.get(top.span.spanId) ?? [];
    for (let i = list.length - 1; i >= 0; i--) stack.push({ span: list[i], parent: row, depth: top.depth + 1 });
  }
  for (let row = n - 1; row >= 0; row--) if (parent[row] >= 0) subtree[parent[row]] += subtree[row] + 1;

  const strings = [""];
  const codes = new Map([["", 0]]);
  const code = (s) => {
    let c = codes.get(s);
    if (c === undefined) {
      c = strings.length;
      strings.push(s);
      codes.set(s, c);
    }
    return c;
  };
  const resources = new Map();
  const spanId = new Uint8Array(n * 8);
  const eventOff = new Uint32Array(n + 1);
  const eventTime = [];
  const eventName = [];
  const notes = [];
  const noteBits = new Uint32Array(n);
  let links = 0;
  let origin = Infinity;
  let end = -Infinity;
  for (const s of order) {
    origin = Math.min(origin, s.start);
    end = Math.max(end, s.start + s.duration);
  }
  order.forEach((s, row) => {
    for (let i = 0; i < 8; i++) spanId[row * 8 + i] = parseInt(s.spanId.slice(2 * i, 2 * i + 2), 16);
    for (const e of s.events) {
      eventTime.push(e.time - origin);
      eventName.push(code(e.name));
    }
    eventOff[row + 1] = eventTime.length;
    links += s.links.length;
    if (!resources.has(s.service)) resources.set(s.service, resources.size);
    for (const note of s.notes ?? []) {
      if (!notes.includes(note)) notes.push(note);
      noteBits[row] |= 1 << notes.indexOf(note);
    }
  });
  const column = (f) => order.map(f);
  const header = {
    traceId,
    spans: n,
    startNs: String(baseNs + BigInt(n === 0 ? 0 : origin)),
    durationNs: String(n === 0 ? 0 : end - origin),
    rootRow: parent.indexOf(-1),
    missingParents: parent.filter((p) => p === -2).length,
    strings,
    events: eventTime.length,
    links,
    notes,
  };
  const service = column((s) => code(s.service));
  const name = column((s) => code(s.name));
  const summary = column((s) => code(s.summary ?? ""));
  const buffer = encodeColumns(header, [
    ["spanId", "bytes8", spanId],
    ["parent", "i32", parent],
    ["depth", "u32", depth],
    ["subtree", "u32", subtree],
    ["start", "f64", column((s) => s.start - origin)],
    ["duration", "f64", column((s) => s.duration)],
    ["service", "u32", service],
    ["name", "u32", name],
    ["kind", "u8", column((s) => kinds.indexOf(s.kind))],
    ["status", "u8", column((s) => ({ unset: 0, ok: 1, error: 2 })[s.status])],
    ["resource", "u32", column((s) => resources.get(s.service))],
    ["flags", "u8", column((s) => (s.events.some((e) => e.name === "exception") ? 1 : 0) | (s.remote ? 2 : 0) | (s.notes?.length ? 4 : 0))],
    ["notes", "u32", noteBits],
    ["eventOff", "u32", eventOff],
    ["linkCount", "u32", column((s) => s.links.length)],
    ["eventTime", "f64", eventTime],
    ["eventName", "u32", eventName],
    ["summary", "u32", summary],
  ]);
  return { order, buffer };
}
