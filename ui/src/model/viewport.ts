// SPDX-License-Identifier: Apache-2.0

// The window of time that is on the page, in ns after the trace's start.

export interface Viewport {
  from: number;
  to: number;
}

/** Narrowest window: 100 ns shows a 1 ns span 10 px wide on a usual screen. */
const narrowest = 100;

/** Keeps a window inside 0 … extent, its width if it can. */
export function clampViewport(v: Viewport, extent: number): Viewport {
  const width = Math.min(Math.max(v.to - v.from, Math.min(narrowest, extent)), extent);
  const centre = (v.from + v.to) / 2;
  const from = Math.min(Math.max(centre - width / 2, 0), extent - width);
  return { from, to: from + width };
}

/** Scales the window by `factor` (< 1 zooms in) while the time at `anchor` stays where it is. */
export function zoomViewport(v: Viewport, factor: number, anchor: number, extent: number): Viewport {
  const width = Math.min(Math.max((v.to - v.from) * factor, Math.min(narrowest, extent)), extent);
  const share = (anchor - v.from) / (v.to - v.from);
  const from = Math.min(Math.max(anchor - share * width, 0), extent - width);
  return { from, to: from + width };
}

/** Moves the window by ns, stopping at the ends. */
export function panViewport(v: Viewport, by: number, extent: number): Viewport {
  const width = v.to - v.from;
  const from = Math.min(Math.max(v.from + by, 0), extent - width);
  return { from, to: from + width };
}

/** The window that shows an interval with some air around it. */
export function fitViewport(from: number, to: number, extent: number): Viewport {
  const air = Math.max((to - from) * 0.08, 50);
  return clampViewport({ from: Math.max(0, from - air), to: Math.min(extent, to + air) }, extent);
}

export function isWhole(v: Viewport, extent: number): boolean {
  return v.from <= 0 && v.to >= extent;
}

/** Step between ticks: 1, 2 or 5 times a power of ten (1, 5, 10, 15, 30 above a minute), at most `count` of them. */
export function tickStep(width: number, count: number): number {
  const raw = Math.max(width / Math.max(count, 1), 1);
  if (raw > 30e9) {
    for (const seconds of [60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400]) {
      if (seconds * 1e9 >= raw) return seconds * 1e9;
    }
    return Math.ceil(raw / 86400e9) * 86400e9;
  }
  if (raw > 10e9) return raw <= 15e9 ? 15e9 : 30e9;
  const power = 10 ** Math.floor(Math.log10(raw) + 1e-9);
  for (const m of [1, 2, 5]) if (m * power >= raw * (1 - 1e-9)) return m * power;
  return 10 * power;
}

/** `zoom=` of the URL: whole ns, `1200-3400`; undefined when it is the whole trace. */
export function formatViewport(v: Viewport, extent: number): string | undefined {
  return isWhole(v, extent) ? undefined : `${Math.floor(v.from)}-${Math.ceil(v.to)}`;
}

/** Reads `zoom=`; undefined when it is no window of this trace. */
export function parseViewport(text: string | undefined, extent: number): Viewport | undefined {
  const m = /^(\d+)-(\d+)$/.exec(text ?? "");
  if (m === null) return undefined;
  const [from, to] = [Number(m[1]), Number(m[2])];
  return from < to && from < extent ? clampViewport({ from, to: Math.min(to, extent) }, extent) : undefined;
}
