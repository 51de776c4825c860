// SPDX-License-Identifier: Apache-2.0

// The critical path: the stretches of spans that decided when the trace's root
// ended. Going back from the end of a span, the child that ended last before
// the present moment is what was waited for; the span itself is on the path
// where no child was. A child that outlives its parent (an asynchronous one)
// was not waited for and is left out.

import type { TraceColumns } from "../wire/columns";

export interface CriticalPath {
  /** Segments by row: row[i] is on the path from from[i] to to[i]; ordered by row, then time. */
  row: Uint32Array;
  from: Float64Array;
  to: Float64Array;
  /** First segment of each row, spans+1 entries. */
  offset: Uint32Array;
}

/** Path below `root` (a row). O(n log n): each row's children are sorted by end once. */
export function criticalPath(t: TraceColumns, root: number): CriticalPath {
  const rows: number[] = [];
  const froms: number[] = [];
  const tos: number[] = [];
  if (root >= 0 && root < t.spans) {
    const stack: { row: number; from: number; to: number }[] = [
      { row: root, from: t.start[root]!, to: t.start[root]! + t.duration[root]! },
    ];
    while (stack.length > 0) {
      const { row, from, to } = stack.pop()!;
      // Children by end, latest first; those that end after the parent were not waited for.
      const children: number[] = [];
      const parentEnd = t.start[row]! + t.duration[row]!;
      for (let c = row + 1; c <= row + t.subtree[row]!; c += t.subtree[c]! + 1) {
        if (t.start[c]! + t.duration[c]! <= parentEnd) children.push(c);
      }
      children.sort((a, b) => t.start[b]! + t.duration[b]! - (t.start[a]! + t.duration[a]!) || b - a);
      let now = to;
      for (const c of children) {
        const end = t.start[c]! + t.duration[c]!;
        const start = Math.max(t.start[c]!, from);
        if (end > now || end <= from || t.duration[c] === 0) continue;
        if (now > end) {
          rows.push(row);
          froms.push(end);
          tos.push(now);
        }
        stack.push({ row: c, from: start, to: end });
        now = start;
        if (now <= from) break;
      }
      if (now > from) {
        rows.push(row);
        froms.push(from);
        tos.push(now);
      }
    }
  }
  const order = rows.map((_, i) => i).sort((a, b) => rows[a]! - rows[b]! || froms[a]! - froms[b]!);
  const offset = new Uint32Array(t.spans + 1);
  for (const r of rows) offset[r + 1]!++;
  for (let r = 0; r < t.spans; r++) offset[r + 1] = offset[r + 1]! + offset[r]!;
  return {
    row: Uint32Array.from(order, (i) => rows[i]!),
    from: Float64Array.from(order, (i) => froms[i]!),
    to: Float64Array.from(order, (i) => tos[i]!),
    offset,
  };
}
