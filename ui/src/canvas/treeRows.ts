// SPDX-License-Identifier: Apache-2.0

// The left column: real DOM rows for what is near the page, so that text can be
// selected, read aloud and found. Elements are pooled and written only when the
// row they show changes. All text goes in by textContent.

import { formatDuration } from "../base/format";
import { type Trace, isError, kindOf, parentProblem, serviceTitleOf, summaryOf, titleOf } from "../model/trace";
import type { Rows } from "../model/rows";
import { noteSameIds } from "../wire/columns";
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
    this.#cell.append(this.#chevron, this.#stripe, this.#label);
    this.#label.append(this.#service, this.#name, this.#summary);
    e.append(this.#cell);
    this.#chevron.dataset["chevron"] = "";
  }

  fill(c: RowContext, row: number, position: number, version: number): void {
    if (this.row === row && this.position === position && this.version === version) return;
    const { trace, rows } = c;
    const e = this.element;
    this.row = row;
    this.position = position;
    this.version = version;

    const below = trace.subtree[row]!;
    const folded = rows.collapsed[row] === 1 && below > 0 && !rows.filtered;
    const failed = isError(trace, row);
    const parent = trace.parent[row]!;
    const service = serviceTitleOf(trace, row);
    const name = titleOf(trace, row);
    const problem = parentProblem(trace, row);
    const twin = (trace.noteBits[row]! & noteSameIds) !== 0 ? "same ids" : "";
    const errorsBelow = trace.errors[row]! - (failed ? 1 : 0);
    const match = c.matches?.[row] === 1;

    const indent = Math.min(Math.max(0, trace.depth[row]! * c.step - c.shift), c.maxIndent);
    if (indent !== this.#indent) {
      this.#indent = indent;
      // Guides stand as wide as the indentation; what follows is six pixels on, as between all parts.
      e.style.paddingLeft = `${indent + 6}px`;
      e.style.backgroundSize = `${indent}px 100%`;
    }
    const token = c.serviceTokens[trace.serviceIndex[row]!]!;
    if (token !== this.#token) {
      this.#token = token;
      this.#stripe.style.background = `var(${token})`;
    }
    // Only the selected row is ever referred to.
    this.#attribute("id", c.selected === row ? `span-row-${row}` : null);
    this.#attribute("aria-level", String(trace.depth[row]! + 1));
    this.#attribute("aria-rowindex", String(position + 1));
    this.#attribute("aria-selected", String(c.selected === row));
    this.#attribute("aria-expanded", below > 0 ? String(!folded) : null);
    this.#attribute(
      "aria-label",
      `${service} ${name}, ${kindOf(trace, row)}, ${formatDuration(trace.duration[row]!)}${failed ? ", error" : ""}${problem === "" ? "" : `, ${problem}`}${twin === "" ? "" : `, ${twin} as another span`}${folded ? `, ${below} folded` : ""}`,
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
    this.#flag("orphan", problem, this.#label);
    this.#flag("twin", twin, this.#label);
    this.#flag("hidden", folded ? `+${below}` : "", null);
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

/**
 * Rows in one container, in the order in which they are read. Scrolling by a
 * little moves elements from one end to the other and leaves the rest alone;
 * a jump writes all of them anew where they stand.
 */
export class TreeRows {
  readonly container: HTMLElement;
  #shown: RowElement[] = [];
  #spare: RowElement[] = [];
  #first = 0;
  #version = 0;

  constructor(container: HTMLElement) {
    this.container = container;
  }

  /** What rows show has changed other than by scrolling (fold, selection, search). */
  invalidate(): void {
    this.#version++;
  }

  /** Shows positions first … last-1; `rowAt(position)` is the row there. */
  render(c: RowContext, first: number, last: number, rowAt: (position: number) => number): void {
    const shown = this.#shown;
    const overlap = Math.min(last, this.#first + shown.length) - Math.max(first, this.#first);
    if (overlap < shown.length / 2) {
      this.#first = first;
    } else {
      for (; this.#first < first; this.#first++) this.#retire(shown.shift()!);
      while (this.#first + shown.length > last) this.#retire(shown.pop()!);
      while (this.#first > first) {
        const e = this.#make();
        this.container.prepend(e.element);
        shown.unshift(e);
        this.#first--;
      }
    }
    while (shown.length < last - first) {
      const e = this.#make();
      this.container.append(e.element);
      shown.push(e);
    }
    while (shown.length > last - first) this.#retire(shown.pop()!);
    for (let i = 0; i < shown.length; i++) shown[i]!.fill(c, rowAt(first + i), first + i, this.#version);
    // Elements that found no new place leave the page; the others were moved above.
    for (const e of this.#spare) if (e.element.parentNode !== null) e.element.remove();
  }

  #make(): RowElement {
    return this.#spare.pop() ?? new RowElement();
  }

  #retire(e: RowElement): void {
    this.#spare.push(e);
  }
}
