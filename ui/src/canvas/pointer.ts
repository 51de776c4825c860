// SPDX-License-Identifier: Apache-2.0

// What mouse, pen and trackpad do over the waterfall:
//
//   move                 a hairline with its time, the row under it, a card on a bar
//   click                selects; on a triangle folds (with alt or shift the whole subtree)
//   double click         fits the time axis to the span
//   drag over the bars   measures an interval, which stays until a click or Esc
//   ctrl/⌘ wheel, pinch  zooms at the pointer
//   shift wheel, swipe   moves in time
//   divider              the width of the tree column; double click: the usual one

import { formatDuration } from "../base/format";
import type { Rows } from "../model/rows";
import type { Trace } from "../model/trace";
import { type Viewport, panViewport, zoomViewport } from "../model/viewport";
import { div } from "./overview";
import { Tooltip } from "./tooltip";
import { gutter, rowHeight } from "./waterfall";
import styles from "./traceView.module.css";

/** What is on the page now, and what pointing at it does. */
export interface PointerTarget {
  readonly trace: Trace;
  readonly rows: Rows;
  /** Custom property of each service's colour, by serviceIndex. */
  readonly serviceTokens: readonly string[];
  readonly root: HTMLElement;
  readonly body: HTMLElement;
  readonly ruler: HTMLElement;
  readonly scroller: HTMLElement;
  readonly content: HTMLElement;
  readonly sticky: HTMLElement;
  geometry: () => { viewport: Viewport; treeWidth: number; barsWidth: number; height: number };
  stickyRow: (index: number) => number | undefined;
  show: (viewport: Viewport) => void;
  select: (row: number) => void;
  fold: (row: number, collapsed: boolean, subtree: boolean) => void;
  fit: (row: number) => void;
  setTreeWidth: (width: number, settled: boolean) => void;
}

export const usualTreeWidth = 420;

export class Pointer {
  readonly #t: PointerTarget;
  readonly #tooltip: Tooltip;
  readonly #hover = div(styles["hover"]!);
  readonly #hairline = div(styles["hairline"]!);
  readonly #hairlineTime = div(styles["hairlineTime"]!);
  readonly #measure = div(styles["measure"]!);
  readonly #measureText = div(styles["measureText"]!);
  readonly #divider = div(styles["divider"]!);
  /** Ends all listeners at once: the elements outlive this. */
  readonly #ended = new AbortController();
  #dragEnded = new AbortController();
  #hovered = -1;
  #measured: Viewport | undefined;
  #drag: { x: number; time: number; moved: boolean } | undefined;
  #time: number | undefined;

  constructor(target: PointerTarget) {
    this.#t = target;
    this.#tooltip = new Tooltip(target.root);
    this.#hover.hidden = this.#hairline.hidden = this.#hairlineTime.hidden = this.#measure.hidden = true;
    this.#measure.append(this.#measureText);
    target.content.prepend(this.#hover);
    target.body.append(this.#measure, this.#hairline, this.#divider);
    target.ruler.append(this.#hairlineTime);

    const { body, ruler, scroller, sticky } = target;
    const { signal } = this.#ended;
    for (const e of [scroller, ruler]) {
      e.addEventListener("wheel", this.#wheel, { passive: false, signal });
      e.addEventListener("pointerdown", this.#down, { signal });
    }
    for (const e of [body, ruler]) {
      e.addEventListener("pointermove", this.#move, { signal });
      e.addEventListener("pointerleave", this.#leave, { signal });
    }
    scroller.addEventListener("click", this.#click, { signal });
    scroller.addEventListener("dblclick", (event) => {
      const row = this.#rowAt(event.clientY);
      if (row >= 0 && !isChevron(event.target)) target.fit(row);
    }, { signal });
    sticky.addEventListener("click", (event) => {
      const row = target.stickyRow(Math.floor((event.clientY - body.getBoundingClientRect().top) / rowHeight));
      if (row === undefined) return;
      if (isChevron(event.target)) target.fold(row, true, false);
      else target.select(row);
    }, { signal });
    this.#divider.addEventListener("pointerdown", this.#dividerDown);
    this.#divider.addEventListener("dblclick", () => target.setTreeWidth(usualTreeWidth, true));
  }

  destroy(): void {
    this.#ended.abort();
    this.#dragEnded.abort();
    this.#tooltip.destroy();
    for (const e of [this.#hover, this.#hairline, this.#hairlineTime, this.#measure, this.#divider]) e.remove();
  }

  /** ns after the trace's start under the pointer, undefined when it is not over the bars. */
  get time(): number | undefined {
    return this.#time;
  }

  get measured(): Viewport | undefined {
    return this.#measured;
  }

  clearMeasure(): void {
    this.#measured = undefined;
    this.#measure.hidden = true;
  }

  /** The window of time or the layout changed: what is placed by time moves along. */
  placeMeasure(): void {
    const m = this.#measured;
    this.#measure.hidden = m === undefined;
    if (m === undefined) return;
    const a = this.#xOf(m.from);
    const b = this.#xOf(m.to);
    this.#measure.style.left = `${this.#t.geometry().treeWidth + a}px`;
    this.#measure.style.width = `${Math.max(1, b - a)}px`;
    this.#measureText.textContent = `${formatDuration(m.to - m.from)} · Z zooms here`;
  }

  /** x within the bars -> ns after the trace's start. */
  #timeAt(x: number): number {
    const { viewport, barsWidth } = this.#t.geometry();
    return viewport.from + ((x - gutter) / (barsWidth - 2 * gutter)) * (viewport.to - viewport.from);
  }

  #xOf(time: number): number {
    const { viewport, barsWidth } = this.#t.geometry();
    return gutter + ((time - viewport.from) / (viewport.to - viewport.from)) * (barsWidth - 2 * gutter);
  }

  #barsX(event: MouseEvent): number {
    return event.clientX - this.#t.body.getBoundingClientRect().left - this.#t.geometry().treeWidth;
  }

  #rowAt(clientY: number): number {
    const { body, scroller, rows } = this.#t;
    const position = Math.floor((clientY - body.getBoundingClientRect().top + scroller.scrollTop) / rowHeight);
    return position >= 0 && position < rows.count ? rows.visible[position]! : -1;
  }

  #wheel = (event: WheelEvent): void => {
    const { viewport, barsWidth, height } = this.#t.geometry();
    const { extent } = this.#t.trace;
    // Lines and pages in pixels, for the mice that count so.
    const unit = event.deltaMode === 1 ? 16 : event.deltaMode === 2 ? height : 1;
    if (event.ctrlKey || event.metaKey) {
      event.preventDefault();
      const anchor = this.#timeAt(Math.min(Math.max(this.#barsX(event), gutter), barsWidth - gutter));
      const factor = Math.exp(Math.max(-1, Math.min(1, event.deltaY * unit * 0.0035)));
      this.#t.show(zoomViewport(viewport, factor, anchor, extent));
      return;
    }
    const sideways = event.shiftKey ? event.deltaY || event.deltaX : Math.abs(event.deltaX) > Math.abs(event.deltaY) ? event.deltaX : 0;
    if (sideways !== 0) {
      event.preventDefault();
      const nsPerPixel = (viewport.to - viewport.from) / Math.max(1, barsWidth - 2 * gutter);
      this.#t.show(panViewport(viewport, sideways * unit * nsPerPixel, extent));
    }
  };

  #move = (event: PointerEvent): void => {
    const { body, sticky, rows, trace, serviceTokens } = this.#t;
    const { treeWidth, barsWidth } = this.#t.geometry();
    const x = this.#barsX(event);
    const overBars = x >= 0 && x <= barsWidth;
    this.#time = overBars ? this.#timeAt(x) : undefined;
    this.#hairline.hidden = this.#hairlineTime.hidden = !overBars;
    if (overBars) {
      this.#hairline.style.transform = `translateX(${treeWidth + x}px)`;
      this.#hairlineTime.textContent = formatDuration(Math.max(0, this.#timeAt(x)));
      const w = this.#hairlineTime.offsetWidth;
      this.#hairlineTime.style.transform = `translateX(${Math.min(Math.max(x - w / 2, 0), barsWidth - w)}px)`;
    }
    const overRows = event.clientY >= body.getBoundingClientRect().top && !(event.target instanceof Node && sticky.contains(event.target));
    const row = overRows ? this.#rowAt(event.clientY) : -1;
    if (row !== this.#hovered) {
      this.#hovered = row;
      this.#hover.hidden = row < 0;
      if (row >= 0) this.#hover.style.top = `${rows.positionOf(row) * rowHeight}px`;
    }
    if (this.#drag === undefined && overBars && row >= 0 && this.#onBar(row, x)) {
      this.#tooltip.show(trace, row, serviceTokens[trace.serviceIndex[row]!]!, event.clientX, event.clientY);
    } else {
      this.#tooltip.hide();
    }
  };

  /** Whether x is on the row's bar, give or take some pixels for narrow ones. */
  #onBar(row: number, x: number): boolean {
    const { trace } = this.#t;
    return x >= this.#xOf(trace.start[row]!) - 4 && x <= this.#xOf(trace.start[row]! + trace.duration[row]!) + 4;
  }

  #leave = (): void => {
    this.#hovered = -1;
    this.#hover.hidden = this.#hairline.hidden = this.#hairlineTime.hidden = true;
    this.#time = undefined;
    this.#tooltip.hide();
  };

  #down = (event: PointerEvent): void => {
    const x = this.#barsX(event);
    if (event.button !== 0 || x < 0 || x > this.#t.geometry().barsWidth) return;
    this.#drag = { x: event.clientX, time: this.#timeAt(x), moved: false };
    this.#dragEnded.abort();
    this.#dragEnded = new AbortController();
    const { signal } = this.#dragEnded;
    const done = (): void => {
      this.#dragEnded.abort();
      // The click that ends a drag comes after this and must still see it.
      setTimeout(() => (this.#drag = undefined));
    };
    addEventListener("pointermove", this.#dragMeasure, { signal });
    addEventListener("pointerup", done, { signal });
    addEventListener("pointercancel", done, { signal });
  };

  #dragMeasure = (event: PointerEvent): void => {
    const drag = this.#drag;
    if (drag === undefined || (!drag.moved && Math.abs(event.clientX - drag.x) < 4)) return;
    drag.moved = true;
    const time = this.#timeAt(Math.min(Math.max(this.#barsX(event), gutter), this.#t.geometry().barsWidth - gutter));
    this.#measured = { from: Math.min(drag.time, time), to: Math.max(drag.time, time) };
    this.placeMeasure();
  };

  #click = (event: MouseEvent): void => {
    if (this.#drag?.moved === true) return;
    if (this.#measured !== undefined) this.clearMeasure();
    if (getSelection()?.type === "Range") return; // text was being selected
    const { rows } = this.#t;
    const row = this.#rowAt(event.clientY);
    if (row < 0) return;
    if (isChevron(event.target) && rows.isCollapsible(row)) this.#t.fold(row, rows.collapsed[row] === 0, event.altKey || event.shiftKey);
    else this.#t.select(row);
  };

  #dividerDown = (event: PointerEvent): void => {
    const start = this.#t.geometry().treeWidth - event.clientX;
    let last = this.#t.geometry().treeWidth;
    this.#divider.dataset["active"] = "";
    this.#divider.setPointerCapture(event.pointerId);
    const move = (e: PointerEvent): void => {
      last = start + e.clientX;
      this.#t.setTreeWidth(last, false);
    };
    this.#divider.addEventListener("pointermove", move);
    this.#divider.addEventListener(
      "lostpointercapture",
      () => {
        this.#divider.removeEventListener("pointermove", move);
        delete this.#divider.dataset["active"];
        this.#t.setTreeWidth(last, true);
      },
      { once: true },
    );
    event.preventDefault();
  };
}

function isChevron(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.dataset["chevron"] !== undefined;
}
