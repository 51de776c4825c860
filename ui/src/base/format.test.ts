// SPDX-License-Identifier: Apache-2.0

import { describe, expect, test } from "vitest";
import { formatAgo, formatBytes, formatCount, formatDuration, formatShort, formatTick, formatTime, plural, visibleText } from "./format";

describe("formatDuration", () => {
  test.each([
    [0, "0"],
    [1, "1 ns"],
    [999, "999 ns"],
    [999.6, "1 µs"],
    [1000, "1 µs"],
    [1530, "1.53 µs"],
    [12_340, "12.3 µs"],
    [999_600, "1 ms"],
    [1_500_000, "1.5 ms"],
    [123_456_789, "123 ms"],
    [1.2e9, "1.2 s"],
    [59.94e9, "59.9 s"],
    [59.99e9, "1m 00s"],
    [185e9, "3m 05s"],
    [7_620e9, "2h 07m"],
    [273_600e9, "3d 04h"],
    [-1500, "−1.5 µs"],
    [Number.NaN, "–"],
  ])("%d ns is %s", (ns, want) => expect(formatDuration(ns)).toBe(want));
});

describe("formatTick", () => {
  test.each([
    [0, 1e6, "0"],
    [2e6, 1e6, "2 ms"],
    [2.5e6, 0.5e6, "2.5 ms"],
    [1_200_000, 100, "1.2000 ms"],
    [30e9, 15e9, "30 s"],
    [1000, 1, "1.000 µs"],
    [120e9, 60e9, "2m 00s"],
  ])("%d by %d is %s", (ns, step, want) => expect(formatTick(ns, step)).toBe(want));

  test("ticks next to each other differ", () => {
    for (const step of [1, 20, 500, 1e4, 2e5, 5e6, 1e8]) {
      const texts = Array.from({ length: 12 }, (_, i) => formatTick(40 * step + i * step, step));
      expect(new Set(texts).size).toBe(texts.length);
    }
  });
});

test("counts, sizes and plurals", () => {
  expect(formatCount(1234567)).toBe("1,234,567");
  expect([999, 1000, 12_345, 999_999, 1_280_000, 3e9].map(formatShort)).toEqual(["999", "1k", "12.3k", "1M", "1.28M", "3G"]);
  expect([0, 512, 1536, 24_000_000].map(formatBytes)).toEqual(["0 B", "512 B", "1.5 KiB", "22.9 MiB"]);
  expect([plural(1, "span"), plural(2, "span"), plural(0, "match", "matches")]).toEqual(["1 span", "2 spans", "0 matches"]);
});

describe("formatTime", () => {
  test("keeps nanoseconds that a double would lose", () => {
    expect(formatTime("1795449600123456789", "utc", 9)).toBe("2026-11-23 16:00:00.123456789");
    expect(formatTime(1795449600123456789n, "utc", 0)).toBe("2026-11-23 16:00:00");
  });
  test("times that no Date can hold stay readable", () => {
    expect(formatTime("99999999999999999999999999", "utc")).toBe("99999999999999999999999999 ns");
    expect(formatTime(0n, "utc")).toBe("1970-01-01 00:00:00.000");
  });
});

test("formatAgo", () => {
  const now = 1_795_449_600_000;
  const ago = (s: number): string => formatAgo(BigInt(now - s * 1000) * 1_000_000n, now);
  expect([0, 42, 300, 7200, 200_000, -60].map(ago)).toEqual(["just now", "42 s ago", "5 min ago", "2 h ago", "2 d ago", "in 1m 00s"]);
});

describe("visibleText", () => {
  test.each([
    ["plain", "plain"],
    ["测試 اختبار 🧵", "测試 اختبار 🧵"],
    ["a\u0000b\u001b[31m", "a␀b␛[31m"],
    ["\u202Eevil\u202C", "⟨U+202E⟩evil⟨U+202C⟩"],
    ["zero\u200Bwidth", "zero⟨U+200B⟩width"],
    ["two\nlines", "two␊lines"],
  ])("%j is shown as %j", (text, want) => expect(visibleText(text)).toBe(want));
  test("keeps lines when asked", () => expect(visibleText("a\n\tb\u0007", true)).toBe("a\n\tb␇"));
});
