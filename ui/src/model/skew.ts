// SPDX-License-Identifier: Apache-2.0

// Clocks that disagree. A span cannot start before the one that caused it, so a
// child of another process that does so shows that its process's clock is
// behind, by at least the difference. Times are shown as they were sent unless
// the reader asks for them aligned; then all spans of that process move by one
// amount, so that what they say about each other stays true.

import type { TraceColumns } from "../wire/columns";
import { type Trace, derive, serviceOf } from "./trace";

/** Differences below this are jitter of well-kept clocks, and left alone. */
const tolerance = 50_000;

export interface Skew {
  /** ns to add to times of a process, by `resource`. */
  byResource: Map<number, number>;
  /** The processes, largest difference first. */
  clocks: { service: string; behind: number; spans: number }[];
}

/** Finds processes whose clock is behind their callers'. Undefined when all agree. */
export function findSkew(t: TraceColumns): Skew | undefined {
  const evidence = new Map<number, number[]>();
  for (let row = 0; row < t.spans; row++) {
    const parent = t.parent[row]!;
    if (parent < 0 || t.resource[parent] === t.resource[row]) continue;
    const early = t.start[parent]! - t.start[row]!;
    if (early <= tolerance) continue;
    // The call most likely spent as long on its way there as back.
    const slack = Math.max(0, t.duration[parent]! - t.duration[row]!) / 2;
    const list = evidence.get(t.resource[row]!);
    if (list === undefined) evidence.set(t.resource[row]!, [early + slack]);
    else list.push(early + slack);
  }
  if (evidence.size === 0) return undefined;

  const byResource = new Map<number, number>();
  for (const [resource, list] of evidence) {
    list.sort((a, b) => a - b);
    byResource.set(resource, Math.round(list[list.length >> 1]!));
  }
  const clocks = new Map<number, { service: string; behind: number; spans: number }>();
  for (let row = 0; row < t.spans; row++) {
    const resource = t.resource[row]!;
    const behind = byResource.get(resource);
    if (behind === undefined) continue;
    const clock = clocks.get(resource);
    if (clock === undefined) clocks.set(resource, { service: serviceOf(t, row), behind, spans: 1 });
    else clock.spans++;
  }
  return { byResource, clocks: [...clocks.values()].sort((a, b) => b.behind - a.behind) };
}

/** The trace as it would be had those clocks agreed. Shares what does not change; `trace` stays as it is. */
export function alignClocks(trace: Trace, skew: Skew): Trace {
  const start = trace.start.slice();
  const eventTime = trace.eventTime.slice();
  let earliest = Infinity;
  for (let row = 0; row < trace.spans; row++) {
    const by = skew.byResource.get(trace.resource[row]!) ?? 0;
    start[row] = start[row]! + by;
    if (start[row]! < earliest) earliest = start[row]!;
    for (let e = trace.eventOff[row]!; e < trace.eventOff[row + 1]!; e++) eventTime[e] = eventTime[e]! + by;
  }
  if (trace.outOfAxis === 0) {
    // The axis begins with the first span that there is now.
    for (let row = 0; row < trace.spans; row++) start[row] = start[row]! - earliest;
    for (let e = 0; e < eventTime.length; e++) eventTime[e] = eventTime[e]! - earliest;
  } else {
    earliest = 0;
  }
  const columns: TraceColumns = { ...trace, start, eventTime, startNs: trace.startNs + BigInt(Math.round(earliest)) };
  const derived = derive(columns);
  return { ...columns, ...derived, durationNs: derived.extent };
}
