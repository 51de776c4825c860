// SPDX-License-Identifier: Apache-2.0

// The strip above the waterfall: minimap, the window of time as two shades with
// handles, and a bracket over the rows that are on the page.
//
//   drag on the map            a new window
//   drag the window (zoomed)   moves it;  with shift: a new window
//   drag a handle              moves that edge
//   double click               the whole trace

import type { Rows } from "../model/rows";
import type { Trace } from "../model/trace";
import { type Viewport, clampViewport, isWhole, panViewport } from "../model/viewport";
import { Minimap } from "./minimap";
import { Surface } from "./surface";
import type { CanvasTheme } from "./theme";
import { gutter } from "./waterfall";
import styles from "./traceView.module.css";

export interface OverviewEvents {
  /** A window was chosen; `settled` is false while the pointer is still down. */
  onWindow: (viewport: Viewport, settled: boolean) => void;
}

type Drag =
  | { kind: "new"; anchor: number; x: number }
  | { kind: "pan"; grabbed: number; start: Viewport }
  | { kind: "from" | "to" };

export class Overview {
  readonly #host: HTMLElement;
  readonly #map = div(styles["map"]!);
  readonly #shades = [div(`${styles["shade"]} ${styles["shadeLeft"]}`), div(`${styles["shade"]} ${styles["shadeRight"]}`)] as const;
  readonly #handles = [div(styles["handle"]!), div(styles["handle"]!)] as const;
  readonly #bracket = div(styles["bracket"]!);
  readonly #brush = div(styles["brush"]!);
  readonly #surface: Surface;
  readonly #minimap = new Minimap();
  readonly #events: OverviewEvents;
  readonly #trace: Trace;
  #viewport: Viewport;
  #drag: Drag | undefined;
  #stale = true;
  #placedWidth = -1;
  #placedBracket = "";

  constructor(host: HTMLElement, trace: Trace, events: OverviewEvents) {
    this.#host = host;
    this.#trace = trace;
    this.#events = events;
    this.#viewport = { from: 0, to: trace.extent };
    const canvas = document.createElement("canvas");
    canvas.className = styles["mapCanvas"]!;
    this.#surface = new Surface(canvas);
    this.#map.append(canvas, ...this.#shades, this.#brush, this.#bracket, ...this.#handles);
    this.#brush.hidden = true;
    host.append(this.#map);
    this.#map.addEventListener("pointerdown", this.#down);
    this.#map.addEventListener("pointermove", this.#move);
    this.#map.addEventListener("pointerup", this.#up);
    this.#map.addEventListener("pointercancel", this.#up);
    this.#map.addEventListener("dblclick", () => events.onWindow({ from: 0, to: trace.extent }, true));
  }

  /** Rows, theme or size changed: the picture is painted anew. */
  invalidate(): void {
    this.#minimap.invalidate();
    this.#stale = true;
  }

  get width(): number {
    return this.#surface.width;
  }

  resize(width: number, height: number): void {
    this.#map.style.width = `${width}px`;
    if (this.#surface.resize(width, height)) this.invalidate();
  }

  /** `shown` is the share of rows on the page, from and to in 0–1. */
  draw(rows: Rows, theme: CanvasTheme, colors: readonly string[], viewport: Viewport, shown: { from: number; to: number }): void {
    if (this.#stale) {
      this.#stale = false;
      this.#minimap.draw(this.#surface, this.#trace, rows, theme, colors);
    }
    if (viewport.from !== this.#viewport.from || viewport.to !== this.#viewport.to || this.#placedWidth !== this.#surface.width) {
      this.#viewport = viewport;
      this.#placedWidth = this.#surface.width;
      this.#placeWindow();
    }
    // The bracket spans the painted height: fewer rows than lanes leave the rest empty.
    const height = this.#surface.height - 10;
    const lane = Math.max(1, Math.min(Math.floor((height * this.#surface.ratio) / Math.max(rows.count, 1)), 4)) / this.#surface.ratio;
    const used = Math.min(height, rows.count * lane);
    const top = Math.round(5 + shown.from * used);
    const tall = Math.round(Math.max(4, (shown.to - shown.from) * used));
    const bracket = `${top} ${tall} ${shown.to - shown.from > 0.995}`;
    if (bracket !== this.#placedBracket) {
      // Written only when it moved by a pixel: a frame that scrolls by a row touches no style here.
      this.#placedBracket = bracket;
      this.#bracket.hidden = shown.to - shown.from > 0.995;
      this.#bracket.style.transform = `translateY(${top}px)`;
      this.#bracket.style.height = `${tall}px`;
    }
  }

  #placeWindow(): void {
    const whole = isWhole(this.#viewport, this.#trace.extent);
    const x0 = this.#xOf(this.#viewport.from);
    const x1 = this.#xOf(this.#viewport.to);
    const [left, right] = this.#shades;
    left.hidden = right.hidden = whole;
    left.style.width = `${x0}px`;
    right.style.width = `${Math.max(0, this.#surface.width - x1)}px`;
    this.#handles[0].style.transform = `translateX(${x0}px)`;
    this.#handles[1].style.transform = `translateX(${x1}px)`;
  }

  destroy(): void {
    this.#map.remove();
  }

  #xOf(time: number): number {
    return gutter + (time / this.#trace.extent) * (this.#surface.width - 2 * gutter);
  }

  #timeAt(event: PointerEvent): number {
    const x = event.clientX - this.#host.getBoundingClientRect().left;
    const time = ((x - gutter) / (this.#surface.width - 2 * gutter)) * this.#trace.extent;
    return Math.min(Math.max(time, 0), this.#trace.extent);
  }

  #down = (event: PointerEvent): void => {
    if (event.button !== 0) return;
    const time = this.#timeAt(event);
    const v = this.#viewport;
    const handle = this.#handles.indexOf(event.target as HTMLDivElement);
    if (handle >= 0) this.#drag = { kind: handle === 0 ? "from" : "to" };
    else if (!event.shiftKey && !isWhole(v, this.#trace.extent) && time > v.from && time < v.to) this.#drag = { kind: "pan", grabbed: time, start: v };
    else this.#drag = { kind: "new", anchor: time, x: event.clientX };
    this.#map.setPointerCapture(event.pointerId);
    event.preventDefault();
  };

  #move = (event: PointerEvent): void => {
    if (this.#drag !== undefined) this.#apply(event, false);
  };

  #up = (event: PointerEvent): void => {
    if (this.#drag === undefined) return;
    this.#apply(event, true);
    this.#drag = undefined;
    this.#brush.hidden = true;
  };

  #apply(event: PointerEvent, settled: boolean): void {
    const time = this.#timeAt(event);
    const { extent } = this.#trace;
    const v = this.#viewport;
    const drag = this.#drag!;
    switch (drag.kind) {
      case "pan":
        this.#events.onWindow(panViewport(drag.start, time - drag.grabbed, extent), settled);
        break;
      case "from":
        if (time < v.to) this.#events.onWindow(clampViewport({ from: time, to: v.to }, extent), settled);
        break;
      case "to":
        if (time > v.from) this.#events.onWindow(clampViewport({ from: v.from, to: time }, extent), settled);
        break;
      case "new": {
        // A click is not a drag: three pixels of it are needed.
        if (Math.abs(event.clientX - drag.x) < 3) return;
        const from = Math.min(drag.anchor, time);
        const to = Math.max(drag.anchor, time);
        this.#brush.hidden = settled;
        this.#brush.style.left = `${this.#xOf(from)}px`;
        this.#brush.style.width = `${this.#xOf(to) - this.#xOf(from)}px`;
        if (settled && to > from) this.#events.onWindow(clampViewport({ from, to }, extent), true);
        break;
      }
    }
  }
}

export function div(className: string): HTMLDivElement {
  const e = document.createElement("div");
  e.className = className;
  return e;
}
