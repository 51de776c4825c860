// SPDX-License-Identifier: Apache-2.0

// Which rows of a trace stand on the page, and in what order: the tree less
// what is folded away, or only matches with their ancestors.

import type { TraceColumns } from "../wire/columns";

export class Rows {
  readonly trace: TraceColumns;
  /** 1 = the row's subtree is folded away. */
  readonly collapsed: Uint8Array;
  /** Rows shown, top to bottom; the first `count` entries count. */
  readonly visible: Uint32Array;
  count = 0;
  /** Deepest level shown. */
  maxDepth = 0;
  #position: Int32Array;
  #only: Uint8Array | undefined;

  constructor(trace: TraceColumns) {
    this.trace = trace;
    this.collapsed = new Uint8Array(trace.spans);
    this.visible = new Uint32Array(trace.spans);
    this.#position = new Int32Array(trace.spans);
    this.#rebuild();
  }

  /** Position of a row from the top, or -1 when it is folded away or filtered out. */
  positionOf(row: number): number {
    return row >= 0 && row < this.trace.spans ? this.#position[row]! : -1;
  }

  /** The row itself if it is shown, else its nearest ancestor that is; -1 when none is. */
  nearestVisible(row: number): number {
    let r = row;
    while (r >= 0 && this.#position[r]! < 0) r = this.trace.parent[r]!;
    return r >= 0 ? r : -1;
  }

  isCollapsible(row: number): boolean {
    return this.trace.subtree[row]! > 0;
  }

  /** Folds or unfolds one row; false when nothing changed. */
  setCollapsed(row: number, collapsed: boolean): boolean {
    if (!this.isCollapsible(row) || (this.collapsed[row] === 1) === collapsed) return false;
    this.collapsed[row] = collapsed ? 1 : 0;
    this.#rebuild();
    return true;
  }

  /** Folds or unfolds a row and everything below it. */
  setSubtreeCollapsed(row: number, collapsed: boolean): void {
    for (let r = row; r <= row + this.trace.subtree[row]!; r++) {
      this.collapsed[r] = collapsed && this.isCollapsible(r) ? 1 : 0;
    }
    this.#rebuild();
  }

  /** Shows levels 0 … depth: rows at `depth` are folded, those above are not. */
  setDepth(depth: number): void {
    for (let r = 0; r < this.trace.spans; r++) {
      this.collapsed[r] = this.trace.depth[r]! >= depth && this.isCollapsible(r) ? 1 : 0;
    }
    this.#rebuild();
  }

  expandAll(): void {
    this.collapsed.fill(0);
    this.#rebuild();
  }

  /** Unfolds whatever hides a row. */
  reveal(row: number): boolean {
    let changed = false;
    for (let p = this.trace.parent[row]!; p >= 0; p = this.trace.parent[p]!) {
      if (this.collapsed[p] === 1) {
        this.collapsed[p] = 0;
        changed = true;
      }
    }
    if (changed) this.#rebuild();
    return changed;
  }

  /** Replaces the set of folded rows. */
  setCollapsedRows(rows: Iterable<number>): void {
    this.collapsed.fill(0);
    for (const row of rows) if (this.isCollapsible(row)) this.collapsed[row] = 1;
    this.#rebuild();
  }

  /** Folded rows that are not themselves hidden, from the top. */
  collapsedRows(): number[] {
    const out: number[] = [];
    for (let i = 0; i < this.count; i++) if (this.collapsed[this.visible[i]!] === 1) out.push(this.visible[i]!);
    return out;
  }

  /**
   * Shows only these rows (1 = match) and their ancestors, or all rows when undefined.
   * Folding is left out of account while a filter is on: a match is never hidden.
   */
  setOnly(matches: Uint8Array | undefined): void {
    if (matches === undefined) {
      this.#only = undefined;
    } else {
      const keep = matches.slice();
      // Children stand after parents, so one pass from the bottom keeps all ancestors.
      for (let r = this.trace.spans - 1; r >= 0; r--) {
        const parent = this.trace.parent[r]!;
        if (keep[r] === 1 && parent >= 0) keep[parent] = 1;
      }
      this.#only = keep;
    }
    this.#rebuild();
  }

  get filtered(): boolean {
    return this.#only !== undefined;
  }

  #rebuild(): void {
    const { subtree, depth, spans } = this.trace;
    const position = this.#position.fill(-1);
    const only = this.#only;
    let count = 0;
    let maxDepth = 0;
    for (let row = 0; row < spans; ) {
      if (only !== undefined && only[row] === 0) {
        // No match in the whole subtree, or the row would have been kept as an ancestor.
        row += subtree[row]! + 1;
        continue;
      }
      this.visible[count] = row;
      position[row] = count++;
      if (depth[row]! > maxDepth) maxDepth = depth[row]!;
      row += only === undefined && this.collapsed[row] === 1 ? subtree[row]! + 1 : 1;
    }
    this.count = count;
    this.maxDepth = maxDepth;
  }
}
