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
  /** Indentation of a level, and how far all levels are shifted left, px. */
  step: number;
  shift: number;
  /** Widest indentation, px. */
  maxIndent: number;
}

/**
 * One pooled row. Scrolling rewrites dozens of these a frame, so each write to
 * the DOM is made only when the value differs, and parts that few rows have
 * exist only in rows that needed them.
 */
class RowElement {
  readonly element = document.createElement("div");
  /** What it shows now; -1 = nothing. */
  row = -1;
  position = -1;
  version = -1;
  readonly #cell = document.createElement("div");
  readonly #guides = span(styles["guides"]!);
  readonly #chevron = span(styles["chevron"]!);
  readonly #stripe = span(styles["stripe"]!);
  /** Service, name and summary share one box, so that a row clips once. */
  readonly #label = span(styles["label"]!);
  readonly #service = span(styles["service"]!);
  readonly #name = span(styles["name"]!);
  readonly #summary = span(styles["summary"]!);
  readonly #flags = new Map<string, HTMLSpanElement>();
  readonly #written = new Map<string, string | null>();
  #indent = -1;
  #token = "";

  constructor() {
    const e = this.element;
    e.className = styles["row"]!;
    e.setAttribute("role", "row");
    this.#cell.setAttribute("role", "gridcell");
    this.#cell.style.display = "contents";
    this.#cell.append(this.#guides, this.#chevron, this.#stripe, this.#label);
    this.#label.append(this.#service, this.#name, this.#summary);
    e.append(this.#cell);
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

    const indent = Math.min(Math.max(0, trace.depth[row]! * c.step - c.shift), c.maxIndent);
    if (indent !== this.#indent) {
      this.#indent = indent;
      this.#guides.style.width = `${indent}px`;
    }
    const token = c.serviceTokens[trace.serviceIndex[row]!]!;
    if (token !== this.#token) {
      this.#token = token;
      this.#stripe.style.background = `var(${token})`;
    }
    e.id = `span-row-${row}`;
    this.#attribute("aria-level", String(trace.depth[row]! + 1));
    this.#attribute("aria-rowindex", String(position + 1));
    this.#attribute("aria-selected", String(c.selected === row));
    this.#attribute("aria-expanded", below > 0 ? String(!folded) : null);
    this.#attribute(
      "aria-label",
      `${service} ${name}, ${kindOf(trace, row)}, ${formatDuration(trace.duration[row]!)}${failed ? ", error" : ""}${orphan ? ", parent missing" : ""}${folded ? `, ${below} folded` : ""}`,
    );
    this.#attribute("data-leaf", below === 0 ? "" : null);
    this.#attribute("data-error", failed ? "" : null);
    this.#attribute("data-match", match ? "" : null);
    this.#attribute("data-dim", c.matches !== undefined && !match ? "" : null);

    // A service is named where it changes; below, its stripe says it.
    const sameService = parent >= 0 && trace.service[parent] === trace.service[row];
    text(this.#service, sameService ? "" : service);
    text(this.#name, name);
    text(this.#summary, summaryOf(trace, row));
    this.#flag("failed", failed ? "!" : "", this.#label);
    this.#flag("below", !failed && folded && errorsBelow > 0 ? `! ${errorsBelow}` : "", this.#label);
    this.#flag("orphan", orphan ? "parent missing" : "", this.#label);
    this.#flag("hidden", folded ? `+${below}` : "", null);
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

  #attribute(name: string, value: string | null): void {
    if (this.#written.get(name) === value) return;
    this.#written.set(name, value);
    if (value === null) this.element.removeAttribute(name);
    else this.element.setAttribute(name, value);
  }

  /** A small sign before `before` (null: at the end), there only while it says something. */
  #flag(kind: string, value: string, before: HTMLElement | null): void {
    let e = this.#flags.get(kind);
    if (e === undefined) {
      if (value === "") return;
      e = span(`${styles["flag"]} ${styles[kind]}`);
      this.#flags.set(kind, e);
    }
    if (value === "") {
      if (e.parentNode !== null) e.remove();
      return;
    }
    text(e, value);
    if (e.parentNode === null) this.#cell.insertBefore(e, before);
  }
}

function span(className: string): HTMLSpanElement {
  const e = document.createElement("span");
  e.className = className;
  return e;
}

function text(e: HTMLElement, value: string): void {
  const node = e.firstChild as Text | null;
  if (node === null) {
    if (value !== "") e.append(value);
  } else if (node.data !== value) {
    if (value === "") node.remove();
    else node.data = value;
  }
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
