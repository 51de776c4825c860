// SPDX-License-Identifier: Apache-2.0

import { formatTick } from "../base/format";
import { type Viewport, tickStep } from "../model/viewport";
import type { Surface } from "./surface";
import type { CanvasTheme } from "./theme";
import { gutter } from "./waterfall";

/** Draws the time axis: a label at each tick, ns after the trace's start. */
export function drawRuler(surface: Surface, viewport: Viewport, theme: CanvasTheme): void {
  const ctx = surface.begin();
  const scale = (surface.width - 2 * gutter) / (viewport.to - viewport.from);
  const step = tickStep(viewport.to - viewport.from, surface.width / 110);
  const hair = 1 / surface.ratio;
  ctx.font = theme.fontSmall;
  ctx.textBaseline = "middle";
  for (let t = Math.ceil(viewport.from / step) * step; t <= viewport.to + step * 1e-6; t += step) {
    const x = Math.round(gutter + (t - viewport.from) * scale);
    ctx.fillStyle = theme.gridStrong;
    ctx.fillRect(x, 0, hair, surface.height);
    ctx.fillStyle = theme.text3;
    const text = formatTick(t, step);
    const w = ctx.measureText(text).width;
    if (x + 5 + w <= surface.width) ctx.fillText(text, x + 5, surface.height / 2 + 0.5);
  }
}
