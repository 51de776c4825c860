// SPDX-License-Identifier: Apache-2.0

import { expect, test } from "vitest";
import { clampViewport, fitViewport, formatViewport, panViewport, parseViewport, tickStep, zoomViewport } from "./viewport";

const extent = 1_000_000;

test("zoom keeps the time under the pointer", () => {
  const v = zoomViewport({ from: 0, to: extent }, 0.5, 250_000, extent);
  expect(v).toEqual({ from: 125_000, to: 625_000 });
  expect(zoomViewport(v, 100, 300_000, extent)).toEqual({ from: 0, to: extent });
  const narrow = zoomViewport(v, 1e-9, 300_000, extent);
  expect(narrow.to - narrow.from).toBe(100);
  expect(narrow.from).toBeLessThanOrEqual(300_000);
  expect(narrow.to).toBeGreaterThanOrEqual(300_000);
});

test("pan stops at the ends and keeps the width", () => {
  expect(panViewport({ from: 100, to: 300 }, -500, extent)).toEqual({ from: 0, to: 200 });
  expect(panViewport({ from: 100, to: 300 }, 2 * extent, extent)).toEqual({ from: extent - 200, to: extent });
});

test("fit and clamp stay inside", () => {
  expect(fitViewport(0, extent, extent)).toEqual({ from: 0, to: extent });
  expect(clampViewport({ from: -50, to: 2 * extent }, extent)).toEqual({ from: 0, to: extent });
  expect(clampViewport({ from: 0, to: 0 }, 1)).toEqual({ from: 0, to: 1 });
});

test.each([
  [1000, 10, 100],
  [1234, 10, 200],
  [7e6, 10, 1e6],
  [41e6, 10, 5e6],
  [3, 10, 1],
  [600e9, 10, 60e9],
  [130e9, 10, 15e9],
  [86400e9, 10, 10800e9],
])("tickStep(%d, %d) is %d", (width, count, want) => expect(tickStep(width, count)).toBe(want));

test("the URL form", () => {
  expect(formatViewport({ from: 0, to: extent }, extent)).toBeUndefined();
  expect(formatViewport({ from: 10.5, to: 200.2 }, extent)).toBe("10-201");
  expect(parseViewport("10-2000", extent)).toEqual({ from: 10, to: 2000 });
  for (const bad of [undefined, "", "x", "20-10", "2000000-3000000", "1-2-3"]) expect(parseViewport(bad, extent)).toBeUndefined();
});
