// SPDX-License-Identifier: Apache-2.0

import { expect, test } from "vitest";
import { encodeTrace } from "../../dev/columns.mjs";
import { makeChain, makeTrace } from "../../dev/synthetic.mjs";
import { Rows } from "../model/rows";
import { type Trace, derive, isError } from "../model/trace";
import { decodeColumns } from "../wire/columns";
import { paintMinimap } from "./minimap";

const width = 300;
const height = 40;
const inset = 6;
const errorColor = 0xff0000ff;

function paint(trace: Trace): Uint32Array {
  const pixels = new Uint32Array(width * height);
  const colors = Uint32Array.from(trace.services, (_, i) => 0xff000000 + i + 1);
  paintMinimap(trace, new Rows(trace), pixels, width, height, inset, colors, errorColor);
  return pixels;
}

const load = (spans: Parameters<typeof encodeTrace>[2]): Trace => {
  const columns = decodeColumns(encodeTrace("ab".repeat(16), 0n, spans).buffer);
  return { ...columns, ...derive(columns) };
};

test("every span leaves a pixel, and none lies in the margins", () => {
  const trace = load(makeTrace({ spans: 60, seed: 1 }).spans.slice(0, 30));
  const pixels = paint(trace);
  const lane = Math.floor(height / trace.spans);
  for (let row = 0; row < trace.spans; row++) {
    const line = pixels.subarray(row * lane * width, (row * lane + 1) * width);
    expect(line.some((p) => p !== 0)).toBe(true);
    expect(line.subarray(0, inset).every((p) => p === 0)).toBe(true);
    expect(line.includes(errorColor)).toBe(isError(trace, row));
  }
});

test("errors are not painted over, however many spans share a line", () => {
  const trace = load(makeTrace({ spans: 5000, seed: 2 }).spans);
  expect(trace.errorCount).toBeGreaterThan(0);
  expect(paint(trace).includes(errorColor)).toBe(true);
});

test("a chain of 20,000 spans is painted whole", () => {
  const pixels = paint(load(makeChain(20_000, "ab".repeat(16)).spans));
  // A triangle: full at the top, one stroke in the middle at the bottom.
  const filled = (y: number): number => pixels.subarray(y * width, (y + 1) * width).filter((p) => p !== 0).length;
  expect(filled(0)).toBeGreaterThan(width - 2 * inset - 3);
  expect(filled(height - 1)).toBeLessThan(width / 10);
  expect(filled(height - 1)).toBeGreaterThan(0);
});

test("spans out of the axis leave no pixel, and do no harm", () => {
  const trace = load(makeTrace({ spans: 60, seed: 1 }).spans);
  trace.start[3] = -1e18;
  trace.start[4] = 1e18;
  expect(() => paint(trace)).not.toThrow();
});
