// SPDX-License-Identifier: Apache-2.0

// The left column: real DOM rows for what is near the page, so that text can be
// selected, read aloud and found. Elements are pooled and written only when the
// row they show changes. All text goes in by textContent.

import { formatDuration } from "../base/format";
import { type Trace, isError, isOrphan, kindOf, serviceTitleOf, summaryOf, titleOf } from "../model/trace";
import type { Rows } from "../model/rows";
import { rowHeight } from "./waterfall";
import styles from "./treeRows.module.css";

export interface RowContext {
  trace: Trace;
  rows: Rows;
  /** Custom property holding each service's colour, by serviceIndex. */
  serviceTokens: readonly string[];
  matches: Uint8Array | undefined;
  selected: number;
}

class RowElement {
  readonly element = document.createElement("div");
  /** What it shows now; -1 = nothing. */
  row = -1;
  position = -1;
  version = -1;
  readonly #guides = span(styles["guides"]!);
  readonly #chevron = span(styles["chevron"]!);
  readonly #stripe = span(styles["stripe"]!);
  readonly #failed = span(`${styles["flag"]} ${styles["failed"]}`);
  readonly #orphan = span(`${styles["flag"]} ${styles["orphan"]}`);
  readonly #service = span(styles["service"]!);
  readonly #name = span(styles["name"]!);
  readonly #summary = span(styles["summary"]!);
  readonly #hidden = span(`${styles["flag"]} ${styles["hidden"]}`);
  /** Service, name and summary share one box, so that a row clips once. */
  readonly #label = span(styles["label"]!);

  constructor() {
    const e = this.element;
    e.className = styles["row"]!;
    e.setAttribute("role", "row");
    const cell = document.createElement("div");
    cell.setAttribute("role", "gridcell");
    cell.style.display = "contents";
    cell.append(this.#guides, this.#chevron, this.#stripe, this.#failed, this.#orphan, this.#label, this.#hidden);
    this.#label.append(this.#service, this.#name, this.#summary);
    e.append(cell);
    this.#chevron.dataset["chevron"] = "";
  }

  fill(c: RowContext, row: number, position: number, top: number, version: number): void {
    if (this.row === row && this.position === position && this.version === version) return;
    const { trace, rows } = c;
    const e = this.element;
    if (this.position !== position || this.row < 0) e.style.top = `${top}px`;
    this.row = row;
    this.position = position;
    this.version = version;

    const below = trace.subtree[row]!;
    const folded = rows.collapsed[row] === 1 && below > 0 && !rows.filtered;
    const failed = isError(trace, row);
    const parent = trace.parent[row]!;
    const service = serviceTitleOf(trace, row);
    const name = titleOf(trace, row);
    const orphan = isOrphan(trace, row);
    const errorsBelow = trace.errors[row]! - (failed ? 1 : 0);
    const match = c.matches?.[row] === 1;

    e.dataset["row"] = String(row);
    e.id = `span-row-${row}`;
    e.style.setProperty("--depth", String(trace.depth[row]));
    e.style.setProperty("--service", `var(${c.serviceTokens[trace.serviceIndex[row]!]})`);
    e.setAttribute("aria-level", String(trace.depth[row]! + 1));
    e.setAttribute("aria-rowindex", String(position + 1));
    e.setAttribute("aria-selected", String(c.selected === row));
    if (below > 0) e.setAttribute("aria-expanded", String(!folded));
    else e.removeAttribute("aria-expanded");
    e.setAttribute(
      "aria-label",
      `${service} ${name}, ${kindOf(trace, row)}, ${formatDuration(trace.duration[row]!)}${failed ? ", error" : ""}${orphan ? ", parent missing" : ""}${folded ? `, ${below} folded` : ""}`,
    );
    flag(e, "leaf", below === 0);
    flag(e, "error", failed);
    flag(e, "match", match);
    flag(e, "dim", c.matches !== undefined && !match);

    // A service is named where it changes; below, its stripe says it.
    const sameService = parent >= 0 && trace.service[parent] === trace.service[row];
    text(this.#service, sameService ? "" : service);
    const summary = summaryOf(trace, row);
    text(this.#name, name);
    text(this.#summary, summary);
    text(this.#failed, failed ? "!" : folded && errorsBelow > 0 ? `! ${errorsBelow}` : "");
    flag(this.#failed, "below", !failed);
    text(this.#orphan, orphan ? "parent missing" : "");
    text(this.#hidden, folded ? `+${below}` : "");
  }

  hide(): void {
    if (this.row === -1) return;
    this.row = -1;
    this.position = -1;
    this.element.hidden = true;
  }

  show(): void {
    if (this.element.hidden) this.element.hidden = false;
  }
}

function span(className: string): HTMLSpanElement {
  const e = document.createElement("span");
  e.className = className;
  return e;
}

function text(e: HTMLElement, value: string): void {
  if (e.textContent !== value) e.textContent = value;
}

function flag(e: HTMLElement, name: string, on: boolean): void {
  if (on) e.dataset[name] = "";
  else delete e.dataset[name];
}

/** A pool of rows in one container; `render` shows positions first … last-1. */
export class TreeRows {
  readonly container: HTMLElement;
  #pool: RowElement[] = [];
  #version = 0;

  constructor(container: HTMLElement) {
    this.container = container;
  }

  /** What rows show has changed other than by scrolling (fold, selection, search). */
  invalidate(): void {
    this.#version++;
  }

  /** `rowAt(position)` is the row there; `topOf(position)` its top in px within the container. */
  render(c: RowContext, first: number, last: number, rowAt: (position: number) => number, topOf = (p: number): number => p * rowHeight): void {
    const need = last - first;
    while (this.#pool.length < need) {
      const made = new RowElement();
      this.#pool.push(made);
      this.container.append(made.element);
      // Positions map to elements by remainder, so a larger pool moves them all.
      this.#version++;
    }
    const size = this.#pool.length;
    const used = new Set<number>();
    for (let position = first; position < last; position++) {
      const slot = position % size;
      used.add(slot);
      const element = this.#pool[slot]!;
      element.fill(c, rowAt(position), position, topOf(position), this.#version);
      element.show();
    }
    for (let slot = 0; slot < size; slot++) if (!used.has(slot)) this.#pool[slot]!.hide();
  }

  destroy(): void {
    for (const e of this.#pool) e.element.remove();
    this.#pool = [];
  }
}
