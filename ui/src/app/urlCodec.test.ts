// SPDX-License-Identifier: Apache-2.0

import { expect, test } from "vitest";
import { parseSearch, stringifySearch } from "./urlCodec";

test.each([
  [{}, ""],
  [{ q: "" }, ""],
  [{ q: undefined, pages: 2 }, "?pages=2"],
  [{ q: '{ name = "a b" && .x > 1 }' }, "?q={+name+=+%22a+b%22+%26%26+.x+%3E+1+}"],
  [{ span: "0123456789012345" }, "?span=0123456789012345"],
  [{ start: "2026-11-23T14:03:00.5Z" }, "?start=2026-11-23T14:03:00.5Z"],
  [{ q: "a+b&c=d#e%20é🧶" }, "?q=a%2Bb%26c=d%23e%2520%C3%A9%F0%9F%A7%B6"],
])("%j", (search, text) => {
  expect(stringifySearch(search)).toBe(text);
  const back = parseSearch(text);
  for (const [key, value] of Object.entries(search)) {
    expect(back[key]).toBe(value === undefined || value === "" ? undefined : String(value));
  }
});

test("the first of repeated keys counts", () => {
  expect(parseSearch("?a=1&a=2&b=")).toEqual({ a: "1", b: "" });
});
