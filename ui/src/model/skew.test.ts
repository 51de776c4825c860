// SPDX-License-Identifier: Apache-2.0

import { expect, test } from "vitest";
import { encodeTrace } from "../../dev/columns.mjs";
import { makeTrace } from "../../dev/synthetic.mjs";
import { decodeColumns } from "../wire/columns";
import { alignClocks, findSkew } from "./skew";
import { type Trace, coveredByChildren, derive, serviceOf } from "./trace";

const load = (skew: boolean): Trace => {
  const columns = decodeColumns(encodeTrace("ab".repeat(16), 1000n, makeTrace({ spans: 200, seed: 4, skew }).spans).buffer);
  return { ...columns, ...derive(columns) };
};

test("clocks that agree are left alone", () => {
  expect(findSkew(load(false))).toBeUndefined();
});

test("a clock that is 3 ms behind is found and named", () => {
  const skew = findSkew(load(true))!;
  expect(skew.clocks.map((c) => c.service)).toEqual(["inventory"]);
  expect(skew.clocks[0]!.behind).toBeGreaterThan(2.5e6);
  expect(skew.clocks[0]!.behind).toBeLessThan(3.5e6);
});

test("aligned: no child of another process starts before its parent, and the trace as sent is unchanged", () => {
  const sent = load(true);
  const before = sent.start.slice();
  const aligned = alignClocks(sent, findSkew(sent)!);
  expect(sent.start).toEqual(before);
  expect(findSkew(aligned)).toBeUndefined();
  expect(Math.min(...aligned.start)).toBe(0);
  const moved = (row: number): number => aligned.start[row]! - sent.start[row]!;
  const inventory = Array.from({ length: sent.spans }, (_, row) => row).filter((row) => serviceOf(sent, row) === "inventory");
  const others = Array.from({ length: sent.spans }, (_, row) => row).filter((row) => serviceOf(sent, row) !== "inventory");
  expect(new Set(inventory.map(moved)).size).toBe(1);
  expect(new Set(others.map(moved)).size).toBe(1);
});

test("self-time holds when alignment changes the order of siblings", () => {
  const sent = load(true);
  const aligned = alignClocks(sent, findSkew(sent)!);
  for (let row = 0; row < aligned.spans; row++) {
    const covered = coveredByChildren(aligned, row);
    let busy = 0;
    for (let i = 0; i < covered.length; i += 2) busy += covered[i + 1]! - covered[i]!;
    expect(aligned.selfTime[row]).toBeCloseTo(aligned.duration[row]! - busy, 3);
  }
});
