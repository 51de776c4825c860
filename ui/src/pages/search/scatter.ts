// SPDX-License-Identifier: Apache-2.0

// Geometry of the duration scatter plot: x is the start of a trace, linear; y
// its duration, logarithmic. Pure; the renderer is scatterRenderer.ts. Times
// are ns relative to originNs, so that doubles are exact enough.

export interface Points {
  /** Wall time that x = 0 stands for, unix ns. */
  readonly originNs: bigint;
  /** ns after originNs. */
  readonly start: Float64Array;
  /** ns, ≥ 0. */
  readonly duration: Float64Array;
}

export interface Rect {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** What the axes cover: [x0, x1] in ns after the origin, [y0, y1] in ns of duration (powers of ten or 1-2-5 steps). */
export interface Domain {
  readonly x0: number;
  readonly x1: number;
  readonly y0: number;
  readonly y1: number;
}

export function makePoints(traces: readonly { readonly startNs: string; readonly durationNs: string | number }[]): Points {
  let originNs = 0n;
  for (const [i, trace] of traces.entries()) {
    const start = BigInt(trace.startNs);
    if (i === 0 || start < originNs) originNs = start;
  }
  const start = new Float64Array(traces.length);
  const duration = new Float64Array(traces.length);
  for (const [i, trace] of traces.entries()) {
    start[i] = Number(BigInt(trace.startNs) - originNs);
    duration[i] = Math.max(0, Number(trace.durationNs));
  }
  return { originNs, start, duration };
}

const steps = [1, 2, 5];

/** The largest 1-2-5 number at or below n, and the smallest at or above. */
export function floor125(n: number): number {
  const power = 10 ** Math.floor(Math.log10(n) + 1e-12);
  for (const step of steps.toReversed()) if (step * power <= n * (1 + 1e-12)) return step * power;
  return power;
}

export function ceil125(n: number): number {
  const power = 10 ** Math.floor(Math.log10(n) + 1e-12);
  for (const step of [...steps, 10]) if (step * power >= n * (1 - 1e-12)) return step * power;
  return 10 * power;
}

/**
 * Axes that hold all points. x is the asked window where there is one (so that
 * empty stretches show), else the points' own; y spans at least a decade.
 * Zero durations sit on the lower edge.
 */
export function fitDomain(points: Points, window: { startNs?: bigint; endNs?: bigint }): Domain {
  const n = points.start.length;
  let [x0, x1, lo, hi] = [Infinity, -Infinity, Infinity, 0];
  for (let i = 0; i < n; i++) {
    x0 = Math.min(x0, points.start[i]!);
    x1 = Math.max(x1, points.start[i]!);
    const d = points.duration[i]!;
    if (d > 0) lo = Math.min(lo, d);
    hi = Math.max(hi, d);
  }
  if (n === 0) [x0, x1] = [0, 1];
  if (hi === 0) [lo, hi] = [1e6, 1e6];
  // A lone trace, or a burst, gets a second around it: ticks of nanoseconds tell nothing.
  const pad = Math.max((x1 - x0) * 0.02, (1e9 - (x1 - x0)) / 2, 1);
  const start = window.startNs === undefined ? x0 - pad : Number(window.startNs - points.originNs);
  const end = window.endNs === undefined ? x1 + pad : Number(window.endNs - points.originNs);
  let y0 = floor125(lo / 1.15);
  let y1 = ceil125(hi * 1.15);
  if (y1 / y0 < 10) {
    const middle = Math.sqrt(lo * hi);
    y0 = floor125(middle / 4);
    y1 = ceil125(middle * 4);
  }
  // A trace may start before the window it overlaps.
  return { x0: Math.min(start, x0), x1: Math.max(end, x1, start + 1), y0: Math.max(y0, 1), y1 };
}

export function xOf(ns: number, domain: Domain, plot: Rect): number {
  return plot.left + ((ns - domain.x0) / (domain.x1 - domain.x0)) * plot.width;
}

export function yOf(ns: number, domain: Domain, plot: Rect): number {
  const clamped = Math.min(Math.max(ns, domain.y0), domain.y1);
  return plot.top + (1 - Math.log(clamped / domain.y0) / Math.log(domain.y1 / domain.y0)) * plot.height;
}

export function timeAt(x: number, domain: Domain, plot: Rect): number {
  return domain.x0 + ((x - plot.left) / plot.width) * (domain.x1 - domain.x0);
}

export function durationAt(y: number, domain: Domain, plot: Rect): number {
  const t = 1 - (y - plot.top) / plot.height;
  return domain.y0 * (domain.y1 / domain.y0) ** t;
}

/** Gridline durations: decades, with 2 and 5 between where there is room. */
export function yTicks(domain: Domain, height: number): number[] {
  const decades = Math.log10(domain.y1 / domain.y0);
  const between = height / decades > 90 ? [1, 2, 5] : height / decades > 56 ? [1, 3] : [1];
  const out: number[] = [];
  for (let power = 10 ** Math.floor(Math.log10(domain.y0)); power <= domain.y1 * 1.001; power *= 10) {
    for (const step of between) {
      const tick = step * power;
      if (tick >= domain.y0 * 0.999 && tick <= domain.y1 * 1.001) out.push(tick);
    }
  }
  const stride = Math.ceil(out.length / Math.max(2, height / 26));
  return stride <= 1 ? out : out.filter((_, i) => i % stride === 0);
}

const second = 1e9;
const timeSteps = [
  1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 2e4, 5e4, 1e5, 2e5, 5e5, 1e6, 2e6, 5e6, 1e7, 2e7, 5e7, 1e8,
  2e8, 5e8, second, 2 * second, 5 * second, 10 * second, 15 * second, 30 * second, 60 * second, 120 * second,
  300 * second, 600 * second, 900 * second, 1800 * second, 3600 * second, 7200 * second, 10_800 * second,
  21_600 * second, 43_200 * second, 86_400 * second, 2 * 86_400 * second, 7 * 86_400 * second, 14 * 86_400 * second,
  30 * 86_400 * second, 90 * 86_400 * second, 365 * 86_400 * second,
];

/** Round wall times for the x axis (in the zone whose offset is given), as ns after the origin, and their spacing. */
export function xTicks(
  domain: Domain,
  originNs: bigint,
  zoneOffsetNs: number,
  width: number,
): { step: number; ticks: number[] } {
  const wanted = (domain.x1 - domain.x0) / Math.max(1, width / 120);
  const step = timeSteps.find((s) => s >= wanted) ?? timeSteps[timeSteps.length - 1]!;
  const big = BigInt(Math.round(step));
  const phase = Number((originNs + BigInt(zoneOffsetNs)) % big);
  const ticks: number[] = [];
  const first = Math.ceil((domain.x0 + phase) / step) * step - phase;
  for (let t = first; t <= domain.x1 && ticks.length < 200; t += step) ticks.push(t);
  return { step, ticks };
}

/** The point nearest to (x, y) within radius px, or -1. */
export function hitTest(
  points: Points,
  domain: Domain,
  plot: Rect,
  x: number,
  y: number,
  radius: number,
): number {
  let best = -1;
  let bestDistance = radius * radius;
  for (let i = 0; i < points.start.length; i++) {
    const dx = xOf(points.start[i]!, domain, plot) - x;
    const dy = yOf(points.duration[i]!, domain, plot) - y;
    const distance = dx * dx + dy * dy;
    if (distance <= bestDistance) {
      best = i;
      bestDistance = distance;
    }
  }
  return best;
}

export interface Selection {
  readonly startNs: bigint;
  readonly endNs: bigint;
  /** ns; null where the rectangle reaches the edge of the plot, which bounds nothing. */
  readonly minDuration: number | null;
  readonly maxDuration: number | null;
  readonly count: number;
}

/** n rounded down (or up) to two significant digits, so that a dragged bound reads well; the bound only grows. */
export function roundOutward(n: number, up: boolean): number {
  if (n <= 0) return 0;
  const unit = 10 ** Math.max(0, Math.floor(Math.log10(n)) - 1);
  return (up ? Math.ceil(n / unit) : Math.floor(n / unit)) * unit;
}

/** What a rectangle dragged from (ax, ay) to (bx, by) selects. */
export function select(
  points: Points,
  domain: Domain,
  plot: Rect,
  ax: number,
  ay: number,
  bx: number,
  by: number,
): Selection {
  const left = Math.max(plot.left, Math.min(ax, bx));
  const right = Math.min(plot.left + plot.width, Math.max(ax, bx));
  const top = Math.max(plot.top, Math.min(ay, by));
  const bottom = Math.min(plot.top + plot.height, Math.max(ay, by));
  const x0 = Math.floor(timeAt(left, domain, plot));
  const x1 = Math.ceil(timeAt(right, domain, plot));
  const minDuration = bottom >= plot.top + plot.height - 1 ? null : roundOutward(durationAt(bottom, domain, plot), false);
  const maxDuration = top <= plot.top + 1 ? null : roundOutward(durationAt(top, domain, plot), true);
  let count = 0;
  for (let i = 0; i < points.start.length; i++) {
    const s = points.start[i]!;
    const d = points.duration[i]!;
    if (s >= x0 && s <= x1 && d >= (minDuration ?? 0) && d <= (maxDuration ?? Infinity)) count++;
  }
  return {
    startNs: points.originNs + BigInt(x0),
    endNs: points.originNs + BigInt(Math.max(x1, x0 + 1)),
    minDuration,
    maxDuration,
    count,
  };
}
