// SPDX-License-Identifier: Apache-2.0

// Which rows are folded, as the URL says it: by depth where that is the whole
// truth, else as a list of span ids.

import { rowOfSpanId, spanIdHex } from "../wire/columns";
import { Rows } from "./rows";

/** Ids of more folded rows than this would make an address that proxies refuse. */
const maxListed = 100;

export interface FoldState {
  depth?: string | undefined;
  collapsed?: string | undefined;
}

export function formatFold(rows: Rows): FoldState {
  const folded = rows.collapsedRows();
  if (folded.length === 0) return {};
  const { depth } = rows.trace;
  const level = folded.reduce((min, row) => Math.min(min, depth[row]!), Infinity);
  let byDepth = true;
  for (let i = 0; i < rows.count && byDepth; i++) {
    const row = rows.visible[i]!;
    if (rows.isCollapsible(row)) byDepth = (rows.collapsed[row] === 1) === depth[row]! >= level;
  }
  if (byDepth) return { depth: String(level) };
  return { collapsed: folded.slice(0, maxListed).map((row) => spanIdHex(rows.trace, row)).join(",") };
}

/** Rows to fold for a state of the URL; rows of ids that are not in the trace are left out. */
export function parseFold(rows: Rows, state: FoldState): number[] {
  const { trace } = rows;
  if (state.collapsed !== undefined) {
    return state.collapsed.split(",").map((id) => rowOfSpanId(trace, id)).filter((row) => row >= 0);
  }
  if (state.depth === undefined) return [];
  const level = Number(state.depth);
  const out: number[] = [];
  for (let row = 0; row < trace.spans; row++) if (trace.depth[row]! >= level && rows.isCollapsible(row)) out.push(row);
  return out;
}
