// SPDX-License-Identifier: Apache-2.0

// Draws the bars of rows that are on the page. Knows nothing of the DOM and
// keeps no state but a cache of self-time gaps; a frame costs what is visible,
// whatever the size of the trace.
//
// A bar's strong parts are the span's own time; where a child runs the bar is
// pale. So the strong colour of a whole trace, read top to bottom, is where the
// time went.

import { formatDuration } from "../base/format";
import type { CriticalPath } from "../model/criticalPath";
import { type Trace, coveredByChildren, hasException, isError } from "../model/trace";
import { type Viewport, tickStep } from "../model/viewport";
import type { Surface } from "./surface";
import type { CanvasTheme } from "./theme";

export const rowHeight = 24;
const barHeight = 14;
const barTop = (rowHeight - barHeight) / 2;
/** Space left and right of the time axis, so that bars and labels do not touch the edges. */
export const gutter = 12;

export interface WaterfallFrame {
  trace: Trace;
  viewport: Viewport;
  theme: CanvasTheme;
  /** Colour of each service, by serviceIndex. */
  colors: readonly string[];
  collapsed: Uint8Array;
  /** 1 = row matches the search; undefined = no search. */
  matches: Uint8Array | undefined;
  critical: CriticalPath | undefined;
  /** ns by which the spans of a process were moved to align its clock, by `resource`. */
  moved: ReadonlyMap<number, number> | undefined;
}

export class Waterfall {
  /** Merged times of children by row; dropped as a whole when large, since scrolling refills it cheaply. */
  #covered = new Map<number, Float64Array>();
  #labels = new Map<string, number>();

  /** Forgets what belongs to another trace or font. */
  reset(): void {
    this.#covered.clear();
    this.#labels.clear();
  }

  /** Draws `rows[from … to)` top to bottom from y = 0. */
  draw(surface: Surface, frame: WaterfallFrame, rows: Uint32Array, from: number, to: number): void {
    const ctx = surface.begin();
    const { viewport, theme } = frame;
    const inner = surface.width - 2 * gutter;
    const scale = inner / (viewport.to - viewport.from);
    this.#grid(ctx, surface, viewport, scale, theme, (to - from) * rowHeight);
    ctx.font = theme.font;
    ctx.textBaseline = "middle";
    for (let i = from; i < to; i++) {
      this.#row(ctx, surface.width, frame, scale, rows[i]!, (i - from) * rowHeight);
    }
    ctx.globalAlpha = 1;
  }

  #grid(ctx: CanvasRenderingContext2D, surface: Surface, viewport: Viewport, scale: number, theme: CanvasTheme, height: number): void {
    const step = tickStep(viewport.to - viewport.from, surface.width / 110);
    ctx.fillStyle = theme.grid;
    const hair = 1 / surface.ratio;
    for (let t = Math.ceil(viewport.from / step) * step; t <= viewport.to; t += step) {
      ctx.fillRect(Math.round(gutter + (t - viewport.from) * scale), 0, hair, height);
    }
  }

  #row(ctx: CanvasRenderingContext2D, width: number, frame: WaterfallFrame, scale: number, row: number, y: number): void {
    const { trace, viewport, theme } = frame;
    const start = trace.start[row]!;
    const duration = trace.duration[row]!;
    const color = frame.colors[trace.serviceIndex[row]!]!;
    const failed = isError(trace, row);
    const folded = frame.collapsed[row] === 1 && trace.subtree[row]! > 0;
    const x0 = gutter + (start - viewport.from) * scale;
    const x1 = gutter + (start + duration - viewport.from) * scale;
    const left = Math.max(x0, -8);
    const right = Math.min(Math.max(x1, x0 + 2), width + 8);
    const top = y + barTop;
    const critical = frame.critical;
    // A folded row stands for all that it hides, on the path too; rows of a subtree are neighbours.
    const pathFrom = critical === undefined ? 0 : critical.offset[row]!;
    const pathTo = critical === undefined ? 0 : critical.offset[folded ? row + trace.subtree[row]! + 1 : row + 1]!;
    const onPath = pathTo > pathFrom;
    const dim = (critical !== undefined && !onPath) || (frame.matches !== undefined && frame.matches[row] === 0);
    const strength = dim ? 0.32 : 1;

    const moved = frame.moved?.get(trace.resource[row]!);
    if (moved !== undefined) asSent(ctx, width, x0 - moved * scale, x1 - moved * scale, top, theme);
    if (folded) this.#foldedExtent(ctx, width, frame, scale, row, top, color, strength);
    if (right < 0 || left > width) {
      this.#outside(ctx, width, theme, color, y, left > width);
      return;
    }
    const w = right - left;
    if (w <= 3 || trace.subtree[row] === 0) {
      ctx.globalAlpha = strength;
      ctx.fillStyle = color;
      bar(ctx, left, top, w, barHeight);
    } else {
      ctx.globalAlpha = strength * (theme.dark ? 0.42 : 0.36);
      ctx.fillStyle = color;
      bar(ctx, left, top, w, barHeight);
      ctx.globalAlpha = strength;
      this.#selfTime(ctx, frame, scale, row, left, right, top);
    }
    if (failed) {
      ctx.globalAlpha = strength;
      ctx.fillStyle = theme.error;
      ctx.fillRect(left, top + barHeight - 1, w, 3);
    }
    if (critical !== undefined && onPath) {
      ctx.globalAlpha = 1;
      ctx.fillStyle = theme.tick;
      for (let s = pathFrom; s < pathTo; s++) {
        const a = Math.max(gutter + (critical.from[s]! - viewport.from) * scale, -8);
        const b = Math.min(gutter + (critical.to[s]! - viewport.from) * scale, width + 8);
        if (b > a) ctx.fillRect(a, top + barHeight / 2 - 1.5, Math.max(b - a, 1), 3);
      }
    }
    ctx.globalAlpha = strength;
    this.#events(ctx, width, frame, scale, row, top);
    this.#label(ctx, width, theme, failed, formatDuration(duration), x0, Math.max(x1, x0 + 2), y, dim);
  }

  /** The span's own time: what lies between the merged times of its children. */
  #selfTime(ctx: CanvasRenderingContext2D, frame: WaterfallFrame, scale: number, row: number, left: number, right: number, top: number): void {
    const { trace, viewport } = frame;
    let covered = this.#covered.get(row);
    if (covered === undefined) {
      if (this.#covered.size > 4000) this.#covered.clear();
      covered = coveredByChildren(trace, row);
      this.#covered.set(row, covered);
    }
    // First covered stretch that ends inside the window: half of a huge trace may lie left of it.
    let lo = 0;
    for (let hi = covered.length >> 1; lo < hi; ) {
      const mid = (lo + hi) >> 1;
      if (covered[2 * mid + 1]! < viewport.from) lo = mid + 1;
      else hi = mid;
    }
    let x = left;
    let i = 2 * lo;
    for (; i < covered.length; i += 2) {
      const a = gutter + (covered[i]! - viewport.from) * scale;
      if (a >= right) break;
      const b = gutter + (covered[i + 1]! - viewport.from) * scale;
      if (a - x >= 0.5) bar(ctx, x, top, a - x, barHeight);
      if (b > x) x = b;
    }
    if (right - x >= 0.5) bar(ctx, x, top, right - x, barHeight);
  }

  /** What a folded row hides: a bracket over its descendants' time, with their errors. */
  #foldedExtent(
    ctx: CanvasRenderingContext2D, width: number, frame: WaterfallFrame, scale: number, row: number, top: number, color: string, strength: number,
  ): void {
    const { trace, viewport, theme } = frame;
    const a = Math.max(gutter + (trace.subtreeStart[row]! - viewport.from) * scale, -8);
    const b = Math.min(gutter + (trace.subtreeEnd[row]! - viewport.from) * scale, width + 8);
    if (b <= a || b < 0 || a > width) return;
    const hiddenErrors = trace.errors[row]! - (isError(trace, row) ? 1 : 0);
    ctx.globalAlpha = strength * 0.75;
    ctx.fillStyle = hiddenErrors > 0 ? theme.error : color;
    ctx.fillRect(a, top + barHeight + 1.5, b - a, 1.5);
    ctx.fillRect(a, top + barHeight - 1.5, 1.5, 3);
    ctx.fillRect(b - 1.5, top + barHeight - 1.5, 1.5, 3);
  }

  #outside(ctx: CanvasRenderingContext2D, width: number, theme: CanvasTheme, color: string, y: number, toTheRight: boolean): void {
    const middle = y + rowHeight / 2;
    const x = toTheRight ? width - 4 : 4;
    const d = toTheRight ? -4 : 4;
    ctx.globalAlpha = theme.dark ? 0.8 : 0.7;
    ctx.fillStyle = color;
    ctx.beginPath();
    ctx.moveTo(x, middle);
    ctx.lineTo(x + d, middle - 4);
    ctx.lineTo(x + d, middle + 4);
    ctx.fill();
  }

  #events(ctx: CanvasRenderingContext2D, width: number, frame: WaterfallFrame, scale: number, row: number, top: number): void {
    const { trace, viewport, theme } = frame;
    const from = trace.eventOff[row]!;
    const to = trace.eventOff[row + 1]!;
    if (from === to) return;
    const exceptions = hasException(trace, row);
    let last = -Infinity;
    for (let e = from; e < to; e++) {
      const x = gutter + (trace.eventTime[e]! - viewport.from) * scale;
      const exception = exceptions && trace.strings[trace.eventName[e]!] === "exception";
      // Ticks closer than two pixels are one tick, but an exception is always drawn.
      if (x < -4 || x > width + 4 || (x - last < 2 && !exception)) continue;
      last = x;
      ctx.fillStyle = theme.panel;
      diamond(ctx, x, top + barHeight / 2, exception ? 5.5 : 4.5);
      ctx.fillStyle = exception ? theme.error : theme.tick;
      diamond(ctx, x, top + barHeight / 2, exception ? 4 : 3);
    }
  }

  #label(
    ctx: CanvasRenderingContext2D, width: number, theme: CanvasTheme, failed: boolean, text: string, x0: number, x1: number, y: number, dim: boolean,
  ): void {
    let w = this.#labels.get(text);
    if (w === undefined) {
      if (this.#labels.size > 5000) this.#labels.clear();
      w = ctx.measureText(text).width;
      this.#labels.set(text, w);
    }
    const middle = y + rowHeight / 2 + 0.5;
    ctx.globalAlpha = dim ? 0.5 : 1;
    ctx.fillStyle = failed ? theme.error : theme.text2;
    if (x1 + 6 + w <= width - 2) ctx.fillText(text, Math.max(x1 + 6, 2), middle);
    else if (x0 - 6 - w >= 2) ctx.fillText(text, Math.min(x0 - 6 - w, width - w - 2), middle);
    else {
      // Inside: the bar may be pale or strong there, so the text gets its own ground.
      const x = Math.min(Math.max(x0, 0) + 6, width - w - 8);
      ctx.fillStyle = theme.panel;
      ctx.globalAlpha = dim ? 0.5 : 0.82;
      bar(ctx, x - 4, y + barTop + 1, w + 8, barHeight - 2);
      ctx.globalAlpha = dim ? 0.6 : 1;
      ctx.fillStyle = failed ? theme.error : theme.text;
      ctx.fillText(text, x, middle);
    }
  }
}

/** A dashed outline where a bar would be by its own clock. */
function asSent(ctx: CanvasRenderingContext2D, width: number, x0: number, x1: number, top: number, theme: CanvasTheme): void {
  const left = Math.max(x0, -8);
  const right = Math.min(Math.max(x1, x0 + 3), width + 8);
  if (right <= left) return;
  ctx.globalAlpha = 1;
  ctx.strokeStyle = theme.text3;
  ctx.lineWidth = 1;
  ctx.setLineDash([3, 2]);
  ctx.strokeRect(left + 0.5, top + 1.5, Math.max(right - left - 1, 1), barHeight - 3);
  ctx.setLineDash([]);
}

function bar(ctx: CanvasRenderingContext2D, x: number, y: number, w: number, h: number): void {
  if (w < 5) {
    ctx.fillRect(x, y, w, h);
    return;
  }
  ctx.beginPath();
  ctx.roundRect(x, y, w, h, 2.5);
  ctx.fill();
}

function diamond(ctx: CanvasRenderingContext2D, x: number, y: number, r: number): void {
  ctx.beginPath();
  ctx.moveTo(x, y - r);
  ctx.lineTo(x + r, y);
  ctx.lineTo(x, y + r);
  ctx.lineTo(x - r, y);
  ctx.fill();
}
