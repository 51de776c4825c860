// SPDX-License-Identifier: Apache-2.0

import { describe, expect, test } from "vitest";
import {
  ceil125,
  durationAt,
  fitDomain,
  floor125,
  hitTest,
  makePoints,
  roundOutward,
  select,
  timeAt,
  xOf,
  xTicks,
  yOf,
  yTicks,
} from "./scatter";
import { timeLabel } from "./scatterRenderer";

const plot = { left: 50, top: 10, width: 1000, height: 150 };

function trace(startMs: number, durationMs: number) {
  return { startNs: String(1_764_000_000_000_000_000n + BigInt(startMs) * 1_000_000n), durationNs: durationMs * 1e6 };
}

const points = makePoints([trace(1000, 5), trace(0, 50), trace(9000, 2000)]);
const domain = fitDomain(points, {});

describe("domain", () => {
  test("holds every point", () => {
    for (let i = 0; i < 3; i++) {
      const x = xOf(points.start[i]!, domain, plot);
      const y = yOf(points.duration[i]!, domain, plot);
      expect(x).toBeGreaterThanOrEqual(plot.left);
      expect(x).toBeLessThanOrEqual(plot.left + plot.width);
      expect(y).toBeGreaterThan(plot.top);
      expect(y).toBeLessThan(plot.top + plot.height);
    }
  });
  test.each([
    ["no traces", []],
    ["one trace", [trace(5, 10)]],
    ["no duration", [trace(5, 0), trace(6, 0)]],
    ["zero beside long", [trace(5, 0), trace(6, 900_000)]],
  ])("%s gives axes of some length", (_, traces) => {
    const p = makePoints(traces);
    const d = fitDomain(p, {});
    expect(d.x1).toBeGreaterThan(d.x0);
    expect(d.y1 / d.y0).toBeGreaterThanOrEqual(10);
    for (const y of p.duration) expect(Number.isFinite(yOf(y, d, plot))).toBe(true);
    expect(yTicks(d, plot.height).length).toBeGreaterThan(0);
  });
  test("the asked window widens the axis, never cuts off a point", () => {
    const d = fitDomain(points, { startNs: points.originNs + 1_000_000_000n, endNs: points.originNs + 60_000_000_000n });
    expect(d.x0).toBe(0);
    expect(d.x1).toBe(60e9);
  });
});

test("pixels and values are inverse", () => {
  for (const ns of [0, 1e9, 8.5e9]) expect(timeAt(xOf(ns, domain, plot), domain, plot)).toBeCloseTo(ns, -1);
  for (const ns of [5e6, 50e6, 2e9]) expect(durationAt(yOf(ns, domain, plot), domain, plot) / ns).toBeCloseTo(1, 9);
});

test("1-2-5 numbers", () => {
  expect([1, 1.9, 2, 4.99, 5, 9, 10, 0.03, 7e8].map(floor125)).toEqual([1, 1, 2, 2, 5, 5, 10, 0.02, 5e8]);
  expect([1, 1.1, 2, 2.1, 5, 6, 10].map(ceil125)).toEqual([1, 2, 2, 5, 5, 10, 10]);
});

test("a click finds the nearest point in reach", () => {
  const x = xOf(points.start[2]!, domain, plot);
  const y = yOf(points.duration[2]!, domain, plot);
  expect(hitTest(points, domain, plot, x + 6, y - 6, 12)).toBe(2);
  expect(hitTest(points, domain, plot, x + 60, y, 12)).toBe(-1);
});

describe("rectangle", () => {
  test("selects what it covers, with bounds that read well and lose nothing", () => {
    const s = select(points, domain, plot, xOf(-0.5e9, domain, plot), yOf(100e6, domain, plot), xOf(2e9, domain, plot), yOf(20e6, domain, plot));
    expect(s.count).toBe(1);
    expect(s.minDuration).toBeLessThanOrEqual(20e6);
    expect(s.maxDuration).toBeGreaterThanOrEqual(100e6);
    expect(String(s.minDuration)).toMatch(/^\d{1,2}0+$/);
    expect(s.startNs).toBeLessThan(s.endNs);
  });
  test("is the same whichever corner it starts from", () => {
    expect(select(points, domain, plot, 100, 20, 400, 100)).toEqual(select(points, domain, plot, 400, 100, 100, 20));
  });
  test("reaching the edge bounds nothing", () => {
    const s = select(points, domain, plot, 0, 0, 4000, 4000);
    expect([s.minDuration, s.maxDuration, s.count]).toEqual([null, null, 3]);
  });
  test("rounding goes outward", () => {
    expect(roundOutward(86_412, false)).toBe(86_000);
    expect(roundOutward(86_412, true)).toBe(87_000);
    expect(roundOutward(7, true)).toBe(7);
    expect(roundOutward(0, false)).toBe(0);
  });
});

describe("ticks", () => {
  test("time ticks are round in the zone and inside the plot", () => {
    const { step, ticks } = xTicks({ x0: 0, x1: 3600e9, y0: 1, y1: 10 }, 1_764_000_123_000_000_000n, 3600e9, 1000);
    expect(step).toBe(600e9);
    for (const t of ticks) {
      expect(t).toBeGreaterThanOrEqual(0);
      expect(t).toBeLessThanOrEqual(3600e9);
      expect((1_764_000_123_000_000_000n + BigInt(t)) % BigInt(step)).toBe(0n);
    }
  });
  test("duration ticks do not crowd", () => {
    for (const y1 of [1e4, 1e7, 1e10, 1e13]) {
      const ticks = yTicks({ x0: 0, x1: 1, y0: 1e3, y1 }, 130);
      expect(ticks.length).toBeGreaterThan(0);
      expect(ticks.length).toBeLessThanOrEqual(6);
    }
  });
  test("labels have the digits that their spacing needs", () => {
    const ns = 1_764_000_123_456_789_000n;
    expect(timeLabel(ns, 60e9, "utc")).toBe("16:02");
    expect(timeLabel(ns, 1e9, "utc")).toBe("16:02:03");
    expect(timeLabel(ns, 1e6, "utc")).toBe("16:02:03.456");
    expect(timeLabel(ns, 5e8, "utc")).toBe("16:02:03.4");
    expect(timeLabel(ns, 86_400e9, "utc")).toBe("2025-11-24");
  });
});
