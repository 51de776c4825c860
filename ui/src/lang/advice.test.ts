// SPDX-License-Identifier: Apache-2.0

import { expect, test } from "vitest";
import { rememberingAdvisor, utf16Offset } from "./advice";

test("byte offsets become UTF-16 offsets", () => {
  const text = "{ é🧶x }";
  expect([0, 2, 3, 4, 5, 7, 8, 9, 99].map((b) => utf16Offset(text, b))).toEqual([0, 2, 2, 3, 3, 3, 5, 6, 8]);
});

test("equal questions are asked once, failed ones again", async () => {
  let asked = 0;
  const advise = rememberingAdvisor((q) => {
    asked++;
    return q === "bad" ? Promise.reject(new Error("no")) : Promise.resolve({ from: 0, to: 0, items: [], diagnostics: [] });
  }, 2);
  await Promise.all([advise("a", 0), advise("a", 0), advise("a", 1)]);
  expect(asked).toBe(2);
  await advise("bad", 0).catch(() => {});
  await advise("bad", 0).catch(() => {});
  expect(asked).toBe(4);
  await advise("c", 0);
  await advise("a", 0);
  expect(asked).toBe(6);
});
