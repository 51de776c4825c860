// SPDX-License-Identifier: Apache-2.0

// Decoder of the columnar trace payload (`GET /traces/{id}/columns`).
//
//   offset  size
//   0       8      "CLWTRC01"
//   8       4      u32 LE: H, length of the header
//   12      H      UTF-8 JSON header, space-padded so that (12+H) % 8 == 0
//   12+H    …      columns, little endian, each 8-byte aligned
//
// A column becomes a typed-array view on the payload: nothing is copied, so a
// trace of 100,000 spans decodes in well under a millisecond plus its strings.
// Rows stand in pre-order of the tree; see the fields of TraceColumns.

export const columnsMediaType = "application/vnd.clew.trace-columns";

const magic = "CLWTRC01";

/**
 * `parent` of rows at the top: of a span that has no parent, of one whose parent
 * was not received, and of one whose parents lead back to itself (the tree is
 * cut there).
 */
export const parentNone = -1;
export const parentMissing = -2;
export const parentCycle = -3;

export const statusUnset = 0;
export const statusOk = 1;
export const statusError = 2;

export const flagException = 1;
export const flagRemoteParent = 2;
export const flagNotes = 4;

/**
 * Bits of `noteBits` (span.Notes of the server, never renumbered): no start time
 * was sent; the time lies outside of 1980–2200; the span names itself as its
 * parent; another span of the trace has the same ids and other content.
 */
export const noteNoStart = 1 << 1;
export const noteFarTime = 1 << 4;
export const noteSelfParent = 1 << 10;
export const noteSameIds = 1 << 11;

/** The payload as columns. All arrays of spans have `spans` entries, by row. */
export interface TraceColumns {
  traceId: string;
  spans: number;
  /** Unix ns of the earliest start; all times below are ns after it. */
  startNs: bigint;
  durationNs: number;
  /** Row of the root, -1 when there is none. */
  rootRow: number;
  /** Number of spans whose parent was not received; those in a cycle are not among them. */
  missingParents: number;
  strings: string[];
  /** Text of each bit of `noteBits`. */
  notes: string[];
  /** 8 bytes a row. */
  spanId: Uint8Array;
  /** Row of the parent, or one of the `parent…` constants, all negative. */
  parent: Int32Array;
  depth: Uint32Array;
  /** Number of rows below: 0 for a leaf; the next sibling is at row + subtree + 1. */
  subtree: Uint32Array;
  start: Float64Array;
  duration: Float64Array;
  /** Codes into `strings`. */
  service: Uint32Array;
  name: Uint32Array;
  summary: Uint32Array;
  kind: Uint8Array;
  status: Uint8Array;
  resource: Uint32Array;
  flags: Uint8Array;
  noteBits: Uint32Array;
  /** spans+1 entries: events of row r are eventOff[r] … eventOff[r+1]-1. */
  eventOff: Uint32Array;
  linkCount: Uint32Array;
  eventTime: Float64Array;
  eventName: Uint32Array;
}

interface Header {
  traceId: string;
  spans: number;
  startNs: string;
  durationNs: string;
  rootRow: number;
  missingParents: number;
  strings: string[];
  columns: { name: string; type: string; offset: number; length: number }[];
  events: number;
  links: number;
  notes: string[];
}

const elementSize: Record<string, number> = { u8: 1, u16: 2, u32: 4, i32: 4, f64: 8, bytes8: 8 };

/** Reads a payload. Throws with the reason when it is not one; unknown columns are ignored. */
export function decodeColumns(buffer: ArrayBuffer): TraceColumns {
  if (buffer.byteLength < 12) throw new Error(`trace payload: ${buffer.byteLength} bytes are too few`);
  const found = String.fromCharCode(...new Uint8Array(buffer, 0, 8));
  if (found !== magic) throw new Error(`trace payload: starts with ${JSON.stringify(found)}, not ${magic}`);
  const headerLength = new DataView(buffer).getUint32(8, true);
  const base = 12 + headerLength;
  if (base > buffer.byteLength || base % 8 !== 0) throw new Error(`trace payload: header of ${headerLength} bytes does not fit`);
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 12, headerLength))) as Header;
  const n = header.spans;

  const column = (name: string, type: string, entries: number): { at: number; entries: number } => {
    const c = header.columns.find((x) => x.name === name);
    if (c === undefined) throw new Error(`trace payload: no column ${name}`);
    const want = entries * elementSize[type]!;
    if (c.type !== type || c.length !== want) {
      throw new Error(`trace payload: column ${name} is ${c.type} of ${c.length} bytes, not ${type} of ${want}`);
    }
    const at = base + c.offset;
    if (c.offset % 8 !== 0 || at + c.length > buffer.byteLength) throw new Error(`trace payload: column ${name} does not fit`);
    return { at, entries };
  };
  const u8 = (name: string, entries: number, type = "u8"): Uint8Array => {
    const c = column(name, type, entries);
    return new Uint8Array(buffer, c.at, type === "bytes8" ? entries * 8 : entries);
  };
  const u32 = (name: string, entries: number): Uint32Array => {
    const c = column(name, "u32", entries);
    return new Uint32Array(buffer, c.at, c.entries);
  };
  const f64 = (name: string, entries: number): Float64Array => {
    const c = column(name, "f64", entries);
    return new Float64Array(buffer, c.at, c.entries);
  };
  const parent = column("parent", "i32", n);

  return {
    traceId: header.traceId,
    spans: n,
    startNs: BigInt(header.startNs),
    durationNs: Number(header.durationNs),
    rootRow: header.rootRow,
    missingParents: header.missingParents,
    strings: header.strings,
    notes: header.notes ?? [],
    spanId: u8("spanId", n, "bytes8"),
    parent: new Int32Array(buffer, parent.at, n),
    depth: u32("depth", n),
    subtree: u32("subtree", n),
    start: f64("start", n),
    duration: f64("duration", n),
    service: u32("service", n),
    name: u32("name", n),
    summary: u32("summary", n),
    kind: u8("kind", n),
    status: u8("status", n),
    resource: u32("resource", n),
    flags: u8("flags", n),
    noteBits: u32("notes", n),
    eventOff: u32("eventOff", n + 1),
    linkCount: u32("linkCount", n),
    eventTime: f64("eventTime", header.events),
    eventName: u32("eventName", header.events),
  };
}

const hexDigits = Array.from({ length: 256 }, (_, i) => i.toString(16).padStart(2, "0"));

/** The span id of a row as 16 hex digits. */
export function spanIdHex(columns: TraceColumns, row: number): string {
  let id = "";
  for (let i = row * 8; i < row * 8 + 8; i++) id += hexDigits[columns.spanId[i]!];
  return id;
}

/** The first row with this span id (16 hex digits), or -1. */
export function rowOfSpanId(columns: TraceColumns, id: string): number {
  if (!/^[0-9a-f]{16}$/i.test(id)) return -1;
  const want = Uint8Array.from({ length: 8 }, (_, i) => parseInt(id.slice(2 * i, 2 * i + 2), 16));
  const ids = columns.spanId;
  next: for (let row = 0; row < columns.spans; row++) {
    for (let i = 0; i < 8; i++) if (ids[row * 8 + i] !== want[i]) continue next;
    return row;
  }
  return -1;
}
