// SPDX-License-Identifier: Apache-2.0

import { expect, test } from "vitest";
import { serviceHue, serviceHues, serviceToken, serviceTokens } from "./services";

const shop = ["storefront", "auth", "cart", "catalog", "media", "pricing", "tax", "inventory", "payment", "shipping", "email"];

test("a service's own colour depends on its name alone", () => {
  expect(serviceToken("cart")).toBe(serviceToken("cart"));
  expect(new Set(Array.from({ length: 400 }, (_, i) => serviceHue(`service-${i}`))).size).toBe(serviceHues);
});

test("services of one trace are told apart, whatever their order", () => {
  const tokens = serviceTokens(shop);
  const hues = tokens.map((t) => Number(/^--svc-(\d+)a$/.exec(t)![1]));
  for (const [i, a] of hues.entries()) {
    for (const b of hues.slice(i + 1)) expect(Math.min(Math.abs(a - b), serviceHues - Math.abs(a - b))).toBeGreaterThanOrEqual(1);
  }
  const reversed = serviceTokens(shop.toReversed());
  expect(reversed.toReversed()).toEqual(tokens);
});

test("a service alone keeps its own colour", () => {
  for (const name of shop) expect(serviceTokens([name])).toEqual([serviceToken(name)]);
});

test("more services than hues: other tones, no token twice until all are used", () => {
  const many = serviceTokens(Array.from({ length: 72 }, (_, i) => `s${i}`));
  expect(new Set(many).size).toBe(72);
  expect(serviceTokens(Array.from({ length: 200 }, (_, i) => `s${i}`)).every((t) => /^--svc-\d+[abc]$/.test(t))).toBe(true);
});
