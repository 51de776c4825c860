// SPDX-License-Identifier: Apache-2.0

import * as v from "valibot";
import { describe, expect, test } from "vitest";
import { type SearchState, readSearch, searchParams, writeSearch } from "./params";
import {
  formatInstant,
  parseInstant,
  parseTypedTime,
  rangeText,
  relativeLabel,
  relativeMs,
  resolveRange,
} from "./range";

const base: SearchState = {
  query: "",
  range: { kind: "relative", span: "1h" },
  order: "newest",
  colourBy: "service",
  pages: 1,
};

describe("URL", () => {
  test("defaults are left out", () => {
    expect(Object.values(writeSearch(base)).every((x) => x === undefined)).toBe(true);
    expect(readSearch({} as never)).toEqual(base);
  });

  test.each<Partial<SearchState>>([
    { query: '{ name = "a b" && .x > 1 }' },
    { range: { kind: "relative", span: "15m" } },
    { range: { kind: "relative", span: "90s" } },
    { range: { kind: "all" } },
    { range: { kind: "absolute", startNs: 1_764_000_000_123_456_789n, endNs: 1_764_000_000_123_456_790n } },
    { order: "longest", pages: 7, colourBy: "errors" },
  ])("%o goes there and back", (part) => {
    const state = { ...base, ...part };
    const strings = Object.fromEntries(
      Object.entries(writeSearch(state))
        .filter(([, value]) => value !== undefined)
        .map(([key, value]) => [key, String(value)]),
    );
    expect(readSearch(v.parse(searchParams, strings))).toEqual(state);
  });

  test("what cannot be used falls back to the default, one by one", () => {
    const params = v.parse(searchParams, {
      q: "{ }",
      range: "soon",
      start: "yesterday",
      end: "2026-11-23T00:00:00Z",
      order: "random",
      pages: "-3",
      color: "plaid",
      utm_source: "x",
    });
    expect(readSearch(params)).toEqual({ ...base, query: "{ }" });
  });

  test("a window that ends before it starts is no window", () => {
    expect(readSearch(v.parse(searchParams, { start: "2026-01-02T00:00:00Z", end: "2026-01-01T00:00:00Z" }))).toEqual(base);
  });

  test("a query that looks like a number stays text", () => {
    expect(readSearch(v.parse(searchParams, { q: 12 })).query).toBe("12");
  });
});

describe("ranges", () => {
  const now = Date.UTC(2026, 10, 23, 14, 3, 10);

  test("relative ones count back from the run and have no upper end", () => {
    expect(resolveRange({ kind: "relative", span: "15m" }, now)).toEqual({ start: String(BigInt(now - 900_000) * 1_000_000n) });
    expect(resolveRange({ kind: "all" }, now)).toEqual({});
    expect(resolveRange({ kind: "absolute", startNs: 1n, endNs: 2n }, now)).toEqual({ start: "1", end: "2" });
  });

  test.each([
    ["15m", 900_000],
    ["7d", 604_800_000],
    ["0m", null],
    ["m", null],
    ["1y", null],
    ["-1h", null],
  ])("relativeMs(%j)", (span, ms) => expect(relativeMs(span)).toBe(ms));

  test("labels", () => {
    expect(relativeLabel("1h")).toBe("Last hour");
    expect(relativeLabel("3h")).toBe("Last 3 hours");
    expect(relativeLabel("1w")).toBe("Last week");
    expect(rangeText({ kind: "absolute", startNs: parseInstant("2026-11-23T14:03:00Z")!, endNs: parseInstant("2026-11-23T14:03:01.5Z")! }, "utc")).toBe(
      "11-23 14:03:00.000 – 14:03:01.500 (1.5 s)",
    );
  });

  test.each([0n, 1n, 1_764_000_000_000_000_000n, 1_764_000_000_123_456_789n, 1_764_000_000_120_000_000n])("instant %s", (ns) => {
    expect(parseInstant(formatInstant(ns))).toBe(ns);
  });

  test("instants in other forms", () => {
    const want = 1_764_000_000_000_000_000n;
    for (const text of ["1764000000", "1764000000000", "1764000000000000", "1764000000000000000", "2025-11-24T17:00:00+01:00"]) {
      expect(parseInstant(text)).toBe(want);
    }
    expect(parseInstant("2025-11-24")).toBeNull();
    expect(parseInstant("")).toBeNull();
  });

  test.each([
    ["2026-11-23 14:03", Date.UTC(2026, 10, 23, 14, 3)],
    ["2026-11-23", Date.UTC(2026, 10, 23)],
    ["14:03:09", Date.UTC(2026, 10, 23, 14, 3, 9)],
    ["now", now],
    ["now-2h", now - 7_200_000],
    ["-30m", now - 1_800_000],
    ["2026-02-31 10:00", null],
    ["25:00", null],
    ["tomorrow", null],
    ["", null],
  ])("typed %j", (text, ms) => {
    expect(parseTypedTime(text, "utc", now)).toBe(ms === null ? null : BigInt(ms) * 1_000_000n);
  });

  test("typed fractions keep their nanoseconds", () => {
    expect(parseTypedTime("2026-11-23 14:03:09.000000001", "utc", now)! % 1_000_000_000n).toBe(1n);
  });
});
