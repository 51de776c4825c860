// SPDX-License-Identifier: Apache-2.0

import { describe, expect, test } from "vitest";
import type { TraceHit } from "../../wire/api";
import { rootServices } from "./bars";
import { closest, distance } from "./closest";
import { caretFor, sentence } from "./QueryError";
import { remember } from "./queryHistory";
import { durationScale, fitServices } from "./Results";

describe("service chips", () => {
  const services = [
    { name: "frontend", spans: 5, errors: 0 },
    { name: "catalog", spans: 40, errors: 0 },
    { name: "payment", spans: 1, errors: 2 },
    { name: "a-service-with-a-very-long-name-indeed", spans: 3, errors: 0 },
  ];
  test("errors first, then the largest", () => {
    expect(fitServices(services, 5000).shown.map((s) => s.name)).toEqual(["payment", "catalog", "frontend", "a-service-with-a-very-long-name-indeed"]);
  });
  test("none is lost, one is always shown", () => {
    for (let room = 0; room < 800; room += 10) {
      const { shown, rest } = fitServices(services, room);
      expect(shown.length).toBeGreaterThan(0);
      expect(shown.length + rest.length).toBe(4);
    }
  });
});

test("bars grow with the duration and stay between nothing and everything", () => {
  const scale = durationScale([{ durationNs: 0 }, { durationNs: 1e6 }, { durationNs: 3e9 }]);
  const lengths = [0, 1e6, 1e7, 1e8, 3e9].map(scale);
  expect(lengths).toEqual(lengths.toSorted((a, b) => a - b));
  expect(lengths[0]).toBeGreaterThan(0);
  expect(lengths[4]).toBeLessThanOrEqual(1);
});

test("root services are counted", () => {
  const hits = ["b", "a", "b", "c"].map((rootService) => ({ rootService }) as TraceHit);
  expect(rootServices(hits)).toEqual([
    { name: "b", traces: 2 },
    { name: "a", traces: 1 },
    { name: "c", traces: 1 },
  ]);
});

describe("error place", () => {
  test("bytes become columns of the line", () => {
    const q = '{ name = "é🧶" && foo }';
    const bytes = new TextEncoder().encode(q.slice(0, q.indexOf("foo"))).length;
    expect(caretFor(q, { from: bytes, to: bytes + 3 })).toEqual({ line: q, column: 17, length: 3, offset: q.indexOf("foo") });
  });
  test("in a later line", () => {
    const q = "{ .a\n  && foo\n}";
    expect(caretFor(q, { from: 10, to: 13 })).toEqual({ line: "  && foo", column: 5, length: 3, offset: 10 });
  });
  test("at the very end there is still a caret", () => {
    expect(caretFor("{ .a <", { from: 6, to: 6 })).toMatchObject({ column: 6, length: 1 });
    expect(caretFor("{", { from: 99, to: 120 })).toMatchObject({ column: 1, length: 1 });
  });
  test("messages are sentences", () => {
    expect(sentence("unknown intrinsic foo")).toBe("Unknown intrinsic foo.");
    expect(sentence("http.route needs a scope")).toBe("http.route needs a scope.");
    expect(sentence("Really?")).toBe("Really?");
    expect(sentence("")).toBe("");
  });
});

describe("names alike", () => {
  test.each([
    ["chekout", "checkout"],
    ["CHECKOUT", "checkout"],
    ["front", "frontend"],
    ["pyament", "payment"],
    ["warehouse", null],
    ["x", null],
  ])("%s", (wanted, want) => expect(closest(wanted, ["frontend", "checkout", "payment", "cart"])).toBe(want));
  test("distance is symmetric", () => {
    for (const [a, b] of [["ab", "ba"], ["kitten", "sitting"], ["", "abc"]] as const) expect(distance(a, b)).toBe(distance(b, a));
    expect(distance("ab", "ba")).toBe(1);
    expect(distance("kitten", "sitting")).toBe(3);
  });
});

test("history: newest first, once each, not without end", () => {
  expect(remember(["b", "a"], " a ")).toEqual(["a", "b"]);
  expect(remember(["a"], "  ")).toEqual(["a"]);
  expect(remember(Array.from({ length: 80 }, (_, i) => `q${i}`), "new")).toHaveLength(50);
});
