// SPDX-License-Identifier: Apache-2.0

import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { serviceColor, serviceHues, serviceToken } from "./services";

const shop = ["web", "auth", "catalog", "search", "recommendation", "cart", "inventory", "checkout", "payment", "fraud", "shipping", "notification"];

const tokens = readFileSync("src/base/tokens.css", "utf8");

test("colours never change: links and screenshots of one user are those of all", () => {
  expect(shop.map(serviceToken).map((t) => t.slice("--svc-".length)).join(" ")).toBe("16a 21a 13a 0a 17a 2b 9a 15b 12b 23b 18c 10c");
  expect(serviceColor("web")).toBe("var(--svc-16a)");
});

test("every colour is given, and none much more often than others", () => {
  const count = new Map<string, number>();
  for (let i = 0; i < 7200; i++) {
    const token = serviceToken(`service-${i}`);
    count.set(token, (count.get(token) ?? 0) + 1);
  }
  expect(count.size).toBe(3 * serviceHues);
  for (const n of count.values()) expect(n).toBeLessThan(160);
});

test("every colour is in both themes, in the same hue", () => {
  const hues = new Map<string, string[]>();
  for (const [, token, hue] of tokens.matchAll(/(--svc-\d+[abc]): oklch\([\d.]+ [\d.]+ ([\d.]+)\)/g)) hues.set(token!, [...(hues.get(token!) ?? []), hue!]);
  expect(hues.size).toBe(3 * serviceHues);
  for (const [token, both] of hues) expect(both, token).toEqual([both[0], both[0]]);
  for (const name of shop) expect(hues.has(serviceToken(name))).toBe(true);
});
