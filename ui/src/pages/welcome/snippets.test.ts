// SPDX-License-Identifier: Apache-2.0

import { describe, expect, test } from "vitest";
import { endpoints, randomHex, sampleSpan, snippets } from "./snippets";

describe("endpoints", () => {
  test("are those the server has", () => {
    expect(endpoints({ http: "127.0.0.1:16686", "otlp-http": "127.0.0.1:40001", "otlp-grpc": "127.0.0.1:40002" }, "127.0.0.1")).toEqual({
      otlpHttp: "http://127.0.0.1:40001",
      otlpGrpc: "http://127.0.0.1:40002",
      loopbackOnly: true,
    });
  });
  test("a server that listens everywhere is named as the page was", () => {
    const e = endpoints({ http: "0.0.0.0:16686", "otlp-http": "[::]:4318" }, "traces.example");
    expect(e).toEqual({ otlpHttp: "http://traces.example:4318", otlpGrpc: null, loopbackOnly: false });
  });
});

test("every snippet names a real address", () => {
  const e = endpoints({ http: "10.0.0.7:16686", "otlp-http": "10.0.0.7:4318", "otlp-grpc": "10.0.0.7:4317" }, "x");
  for (const s of snippets(e, "{}")) expect(s.steps.map((step) => step.code).join("\n"), s.id).toMatch(/10\.0\.0\.7:(4317|4318)/);
});

test("the sample is OTLP/JSON: hex ids, decimal ns in strings, no quote that would end the shell's", () => {
  const text = sampleSpan(randomHex(16), randomHex(8), 1_764_000_000_000);
  const span = JSON.parse(text).resourceSpans[0].scopeSpans[0].spans[0];
  expect(span.traceId).toMatch(/^[0-9a-f]{32}$/);
  expect(span.spanId).toMatch(/^[0-9a-f]{16}$/);
  expect(span.endTimeUnixNano).toBe("1764000000000000000");
  expect(BigInt(span.startTimeUnixNano)).toBeLessThan(BigInt(span.endTimeUnixNano));
  expect(text).not.toContain("'");
});
