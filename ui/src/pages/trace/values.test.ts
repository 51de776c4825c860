// SPDX-License-Identifier: Apache-2.0

import { describe, expect, test } from "vitest";
import type { Attribute, SpanDetails } from "../../wire/api";
import { spanAsOtlp } from "./otlp";
import { otlpValue, queryFor, valueText } from "./values";

const nested: Attribute = {
  key: "k",
  type: "map",
  value: [
    { key: "list", type: "array", value: [{ type: "int", value: "1" }, { type: "string", value: "two" }, { type: "empty" }] },
    { key: "big", type: "int", value: "9007199254740993" },
  ],
};

describe("as text", () => {
  test.each<[Attribute, string]>([
    [{ key: "k", type: "string", value: "a b" }, "a b"],
    [{ key: "k", type: "int", value: "9007199254740993" }, "9007199254740993"],
    [{ key: "k", type: "double", value: 0.5 }, "0.5"],
    [{ key: "k", type: "double", value: "NaN" }, "NaN"],
    [{ key: "k", type: "bool", value: false }, "false"],
    [{ key: "k", type: "bytes", value: "AAE=" }, "AAE="],
    [{ key: "k", type: "empty" }, ""],
    [nested, '{ "list": [ 1, "two", null ], "big": "9007199254740993" }'],
  ])("%j", (a, want) => expect(valueText(a)).toBe(want));
});

describe("as a query", () => {
  test.each<[string, Attribute, string | undefined]>([
    ["span", { key: "http.route", type: "string", value: "/cart" }, '{ span.http.route = "/cart" }'],
    ["resource", { key: "service.name", type: "string", value: 'a "quoted"\nname' }, '{ resource.service.name = "a \\"quoted\\"\\nname" }'],
    ["span", { key: "status", type: "int", value: "500" }, "{ span.status = 500 }"],
    ["event", { key: "ok", type: "bool", value: true }, "{ event.ok = true }"],
    ["span", { key: "with space", type: "double", value: 1.5 }, '{ span."with space" = 1.5 }'],
    ["span", { key: "k", type: "double", value: "NaN" }, undefined],
    ["span", { key: "k", type: "string", value: "x".repeat(2000) }, undefined],
    ["span", nested, undefined],
  ])("%s %j", (scope, a, want) => expect(queryFor(scope, a)).toBe(want));
});

test("as OTLP/JSON", () => {
  expect(otlpValue(nested)).toEqual({
    kvlistValue: {
      values: [
        { key: "list", value: { arrayValue: { values: [{ intValue: "1" }, { stringValue: "two" }, {}] } } },
        { key: "big", value: { intValue: "9007199254740993" } },
      ],
    },
  });
});

test("a span as OTLP/JSON leaves out what is empty and keeps nanoseconds", () => {
  const span: SpanDetails = {
    row: 3, traceId: "ab".repeat(16), spanId: "cd".repeat(8), parentSpanId: "", name: "n", kind: "server",
    startNs: "1795449600123456789", durationNs: 1, status: "error", statusMessage: "no", traceState: "", flags: 1,
    attributes: [], resource: { attributes: [], schemaUrl: "", dropped: 0 }, scope: { name: "s", version: "", attributes: [], schemaUrl: "", dropped: 0 },
    events: [{ timeNs: "1795449600123456790", name: "e", attributes: [], dropped: 0 }], links: [],
    droppedAttributes: 0, droppedEvents: 0, droppedLinks: 0, notes: [],
  };
  expect(JSON.parse(JSON.stringify(spanAsOtlp(span)))).toEqual({
    resourceSpans: [
      {
        resource: { attributes: [] },
        scopeSpans: [
          {
            scope: { name: "s" },
            spans: [
              {
                traceId: "ab".repeat(16), spanId: "cd".repeat(8), flags: 1, name: "n", kind: 2,
                startTimeUnixNano: "1795449600123456789", endTimeUnixNano: "1795449600123456790",
                attributes: [], events: [{ timeUnixNano: "1795449600123456790", name: "e", attributes: [] }], status: { code: 2, message: "no" },
              },
            ],
          },
        ],
      },
    ],
  });
});
