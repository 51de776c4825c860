// SPDX-License-Identifier: Apache-2.0

// The whole trace in a strip: time from left to right, rows from top to bottom,
// each span in its service's colour, errors in red. It is painted pixel by
// pixel into an image once per size, theme and fold, at a cost bounded by
// pixels plus spans; a frame only puts that image up.

import type { Rows } from "../model/rows";
import { type Trace, isError } from "../model/trace";
import { type Surface } from "./surface";
import { type CanvasTheme, toPixels } from "./theme";
import { gutter } from "./waterfall";

/**
 * Paints spans into `pixels` (width x height, row-major). A pixel keeps its
 * first colour, so spans are given most important first: errors, then the
 * deepest. `next` skips over pixels already taken, which bounds the work.
 */
export function paintMinimap(
  trace: Trace, rows: Rows, pixels: Uint32Array, width: number, height: number, inset: number, colors: Uint32Array, error: number,
): void {
  const count = rows.count;
  if (count === 0 || width <= 2 * inset) return;
  // One lane a row while there is room for it; lanes are at most 4 px high.
  const lane = Math.max(1, Math.min(Math.floor(height / count), 4));
  const gap = lane >= 3 ? 1 : 0;
  const lanes = Math.floor(height / lane);
  const scale = (width - 2 * inset) / trace.extent;
  const next = new Int32Array(lanes * (width + 1));
  for (let y = 0; y < lanes; y++) for (let x = 0; x <= width; x++) next[y * (width + 1) + x] = x;

  const paint = (position: number, color: number): void => {
    const row = rows.visible[position]!;
    const y = count <= lanes ? position : Math.floor((position * lanes) / count);
    // Spans with an impossible time lie outside of the axis.
    if (trace.start[row]! > trace.extent || trace.start[row]! + trace.duration[row]! < 0) return;
    const x0 = Math.max(0, Math.floor(inset + trace.start[row]! * scale));
    const x1 = Math.min(Math.max(Math.ceil(inset + (trace.start[row]! + trace.duration[row]!) * scale), x0 + 1), width);
    const base = y * (width + 1);
    for (let x = free(next, base, x0); x < x1; x = free(next, base, x + 1)) {
      for (let dy = 0; dy < lane - gap; dy++) pixels[(y * lane + dy) * width + x] = color;
      next[base + x] = x + 1;
    }
  };
  for (let i = count - 1; i >= 0; i--) if (isError(trace, rows.visible[i]!)) paint(i, error);
  for (let i = count - 1; i >= 0; i--) paint(i, colors[trace.serviceIndex[rows.visible[i]!]!]!);
}

/** First free pixel at or after x, with path halving. */
function free(next: Int32Array, base: number, x: number): number {
  let i = x;
  while (next[base + i] !== i) {
    next[base + i] = next[base + next[base + i]!]!;
    i = next[base + i]!;
  }
  return i;
}

export class Minimap {
  #image: HTMLCanvasElement | undefined;

  /** The image is painted anew at the next draw. */
  invalidate(): void {
    this.#image = undefined;
  }

  draw(surface: Surface, trace: Trace, rows: Rows, theme: CanvasTheme, serviceColors: readonly string[]): void {
    const width = surface.canvas.width;
    const height = surface.canvas.height;
    const pad = Math.round(5 * surface.ratio);
    if (this.#image === undefined) {
      const image = document.createElement("canvas");
      image.width = width;
      image.height = Math.max(1, height - 2 * pad);
      const ctx = image.getContext("2d")!;
      const data = ctx.createImageData(image.width, image.height);
      const palette = toPixels([...serviceColors, theme.error]);
      paintMinimap(
        trace, rows, new Uint32Array(data.data.buffer), image.width, image.height, gutter * surface.ratio, palette, palette[palette.length - 1]!,
      );
      ctx.putImageData(data, 0, 0);
      this.#image = image;
    }
    const { ctx } = surface;
    ctx.setTransform(1, 0, 0, 1, 0, 0);
    ctx.clearRect(0, 0, width, height);
    ctx.drawImage(this.#image, 0, pad);
  }
}
