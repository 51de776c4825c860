// SPDX-License-Identifier: Apache-2.0

// A trace as the trace page works with it: the columns of the payload plus what
// follows from them in linear time. Rows are in pre-order, so a subtree is the
// range row … row+subtree[row], a reverse loop visits children before parents,
// and no tree of objects is ever made.

import { visibleText } from "../base/format";
import { type TraceColumns, flagException, noteFarTime, noteNoStart, noteSelfParent, parentCycle, parentMissing, statusError } from "../wire/columns";

export interface ServiceSummary {
  name: string;
  spans: number;
  errors: number;
  /** Self-time in ns summed over the service's spans. */
  selfTime: number;
}

/** What is derived from the columns; all arrays have one entry a row. */
export interface Derived {
  /** Duration less the time during which at least one child ran, ns. */
  selfTime: Float64Array;
  /** Spans with status error in the subtree, the row itself included. */
  errors: Uint32Array;
  /** Earliest start and latest end of the subtree, ns after the trace's start. */
  subtreeStart: Float64Array;
  subtreeEnd: Float64Array;
  /** Index into `services` (unlike `service`, dense). */
  serviceIndex: Uint16Array;
  services: ServiceSummary[];
  maxDepth: number;
  errorCount: number;
  /** Rows at which a cycle of parents is cut. */
  cycles: number;
  /** Length of the time axis, ns, at least 1; it ends with the latest span but those out of it. */
  extent: number;
  /** Spans whose impossible time would squeeze all others into a pixel: left out of the axis. */
  outOfAxis: number;
}

export interface Trace extends TraceColumns, Derived {}

/**
 * Begins the time axis with the first span that has a possible time: a span
 * without a start time stands in 1970 and one from a broken clock in 2200, and
 * either would leave the rest no room. Changes times and startNs in place;
 * the spans themselves stay, outside of the axis.
 */
export function trimAxis(c: TraceColumns): { extent: number; outOfAxis: number } {
  const impossible = noteNoStart | noteFarTime;
  let from = Infinity;
  let to = -Infinity;
  let all = 1;
  let out = 0;
  for (let row = 0; row < c.spans; row++) {
    const end = c.start[row]! + c.duration[row]!;
    if (end > all) all = end;
    if ((c.noteBits[row]! & impossible) !== 0) {
      out++;
      continue;
    }
    if (c.start[row]! < from) from = c.start[row]!;
    if (end > to) to = end;
  }
  // Nothing to gain where all are impossible, or they lie among the others.
  if (out === 0 || out === c.spans || to - from > all / 20) return { extent: all, outOfAxis: 0 };
  for (let row = 0; row < c.spans; row++) c.start[row] = c.start[row]! - from;
  for (let e = 0; e < c.eventTime.length; e++) c.eventTime[e] = c.eventTime[e]! - from;
  c.startNs += BigInt(from);
  c.durationNs = to - from;
  return { extent: Math.max(1, to - from), outOfAxis: out };
}

/** Computes what the page needs beyond the payload, after trimAxis. Linear in spans. */
export function derive(c: TraceColumns): Derived {
  const n = c.spans;
  const selfTime = new Float64Array(n);
  const errors = new Uint32Array(n);
  const subtreeStart = new Float64Array(n);
  const subtreeEnd = new Float64Array(n);
  const serviceIndex = new Uint16Array(n);
  const services: ServiceSummary[] = [];
  const indexOfCode = new Map<number, number>();
  // Right edge of the time that children seen so far cover, per parent. Children
  // come in order of their start, so one number is enough to take their union;
  // where they do not (aligned clocks), the parent is done again below.
  const covered = new Float64Array(n).fill(-Infinity);
  const latest = new Float64Array(n).fill(-Infinity);
  const unordered = new Set<number>();
  let maxDepth = 0;
  let errorCount = 0;
  let cycles = 0;
  const { extent, outOfAxis } = trimAxis(c);

  for (let row = 0; row < n; row++) {
    const start = c.start[row]!;
    const end = start + c.duration[row]!;
    selfTime[row] = c.duration[row]!;
    subtreeStart[row] = start;
    subtreeEnd[row] = end;
    if (c.depth[row]! > maxDepth) maxDepth = c.depth[row]!;
    const failed = c.status[row] === statusError ? 1 : 0;
    errors[row] = failed;
    errorCount += failed;

    const code = c.service[row]!;
    let index = indexOfCode.get(code);
    if (index === undefined) {
      // Past 65,535 services the rest share the last entry: a trace with more is not about services.
      index = Math.min(services.length, 0xffff);
      indexOfCode.set(code, index);
      services[index] ??= { name: c.strings[code]!, spans: 0, errors: 0, selfTime: 0 };
    }
    serviceIndex[row] = index;
    services[index]!.spans++;
    services[index]!.errors += failed;

    const parent = c.parent[row]!;
    if (parent >= 0) {
      const from = Math.max(start, c.start[parent]!, covered[parent]!);
      const to = Math.min(end, c.start[parent]! + c.duration[parent]!);
      if (to > from) {
        selfTime[parent] = selfTime[parent]! - (to - from);
        covered[parent] = to;
      }
      if (start < latest[parent]!) unordered.add(parent);
      latest[parent] = start;
    } else if (parent === parentCycle) {
      cycles++;
    }
  }
  for (const row of unordered) {
    const busy = coveredByChildren(c, row);
    selfTime[row] = c.duration[row]!;
    for (let i = 0; i < busy.length; i += 2) selfTime[row] = selfTime[row]! - (busy[i + 1]! - busy[i]!);
  }
  for (let row = n - 1; row >= 0; row--) {
    services[serviceIndex[row]!]!.selfTime += selfTime[row]!;
    const parent = c.parent[row]!;
    if (parent < 0) continue;
    errors[parent] = errors[parent]! + errors[row]!;
    if (subtreeStart[row]! < subtreeStart[parent]!) subtreeStart[parent] = subtreeStart[row]!;
    if (subtreeEnd[row]! > subtreeEnd[parent]!) subtreeEnd[parent] = subtreeEnd[row]!;
  }
  return { selfTime, errors, subtreeStart, subtreeEnd, serviceIndex, services, maxDepth, errorCount, cycles, extent, outOfAxis };
}

/**
 * The time that children of a row run, as merged [from, to, from, to, …] clipped
 * to the row's own time. What is not in it is self-time.
 */
export function coveredByChildren(t: TraceColumns, row: number): Float64Array {
  const out: number[] = [];
  const start = t.start[row]!;
  const end = start + t.duration[row]!;
  const last = row + t.subtree[row]!;
  let ordered = true;
  let children: number[] = [];
  for (let child = row + 1; child <= last; child += t.subtree[child]! + 1) {
    if (children.length > 0 && t.start[child]! < t.start[children[children.length - 1]!]!) ordered = false;
    children.push(child);
  }
  // Rows stand in order of their start as sent; aligned clocks may change it.
  if (!ordered) children = children.sort((a, b) => t.start[a]! - t.start[b]!);
  for (const child of children) {
    const from = Math.max(start, t.start[child]!);
    const to = Math.min(end, t.start[child]! + t.duration[child]!);
    if (to <= from) continue;
    if (out.length > 0 && from <= out[out.length - 1]!) {
      if (to > out[out.length - 1]!) out[out.length - 1] = to;
    } else {
      out.push(from, to);
    }
  }
  return Float64Array.from(out);
}

export function nameOf(t: TraceColumns, row: number): string {
  return t.strings[t.name[row]!]!;
}

export function serviceOf(t: TraceColumns, row: number): string {
  return t.strings[t.service[row]!]!;
}

/**
 * What the conventional summary adds to the name: "200" for "GET /cart 200"
 * beside "GET /cart", the whole of it where they differ, "" where it says no
 * more than the name.
 */
export function summaryOf(t: TraceColumns, row: number): string {
  const summary = t.strings[t.summary[row]!]!;
  const name = nameOf(t, row);
  if (summary === "" || summary === name) return "";
  if (name !== "" && summary.startsWith(`${name} `)) return visibleText(summary.slice(name.length + 1));
  return summary.split(/[\s./]+/).every((word) => name.includes(word)) ? "" : visibleText(summary);
}

export function isError(t: TraceColumns, row: number): boolean {
  return t.status[row] === statusError;
}

export function hasException(t: TraceColumns, row: number): boolean {
  return (t.flags[row]! & flagException) !== 0;
}

export function isOrphan(t: TraceColumns, row: number): boolean {
  return t.parent[row] === parentMissing;
}

/** Whether the tree is cut above the row, because its parents lead back to it. */
export function isCycle(t: TraceColumns, row: number): boolean {
  return t.parent[row] === parentCycle;
}

/** What is wrong with the parent of a row, in a few words; "" where nothing is. */
export function parentProblem(t: TraceColumns, row: number): string {
  return isOrphan(t, row) ? "parent missing" : isCycle(t, row) ? "parent is in a cycle" : "";
}

/** The same as a sentence for people who look at that span alone. */
export function parentProblemText(t: TraceColumns, row: number): string {
  if (isOrphan(t, row)) return "Its parent was not received: lost, still on its way, sampled away or never exported.";
  if (!isCycle(t, row)) return "";
  return (t.noteBits[row]! & noteSelfParent) !== 0
    ? "It names itself as its parent; Clew shows it at the top."
    : "Its chain of parents leads back to it; Clew shows it cut here.";
}

/** Texts of the notes on a row. */
export function notesOf(t: TraceColumns, row: number): string[] {
  const bits = t.noteBits[row]!;
  return bits === 0 ? [] : t.notes.filter((_, bit) => (bits & (1 << bit)) !== 0);
}

const kindNames = ["unspecified", "internal", "server", "client", "producer", "consumer"];

export function kindOf(t: TraceColumns, row: number): string {
  return kindNames[t.kind[row]!] ?? "unspecified";
}

/** Name of a row for people: control characters visible, never empty. */
export function titleOf(t: TraceColumns, row: number): string {
  const name = nameOf(t, row);
  return name.trim() === "" ? "(no name)" : visibleText(name);
}

/** Service of a row for people. */
export function serviceTitleOf(t: TraceColumns, row: number): string {
  return serviceTitle(serviceOf(t, row));
}

export function serviceTitle(name: string): string {
  return name.trim() === "" ? "(no service)" : visibleText(name);
}

/** Rows from the top of the tree down to the row's parent. */
export function ancestorsOf(t: TraceColumns, row: number): number[] {
  const out: number[] = [];
  for (let p = t.parent[row]!; p >= 0; p = t.parent[p]!) out.push(p);
  return out.reverse();
}
