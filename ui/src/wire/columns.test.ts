// SPDX-License-Identifier: Apache-2.0

import { describe, expect, test } from "vitest";
import { encodeColumns, encodeTrace } from "../../dev/columns.mjs";
import { makeTrace } from "../../dev/synthetic.mjs";
import { decodeColumns, flagException, flagRemoteParent, rowOfSpanId, spanIdHex, statusError } from "./columns";

const base = 1_790_000_000_123_456_789n;

describe("decodeColumns", () => {
  const { traceId, spans } = makeTrace({ spans: 300, seed: 5 });
  const { order, buffer } = encodeTrace(traceId, base, spans);
  const trace = decodeColumns(buffer);

  test("gives back every span in pre-order", () => {
    expect(trace.spans).toBe(spans.length);
    expect(trace.traceId).toBe(traceId);
    expect(trace.startNs).toBe(base);
    for (let row = 0; row < trace.spans; row++) {
      const s = order[row]!;
      expect(spanIdHex(trace, row)).toBe(s.spanId);
      expect(trace.strings[trace.name[row]!]).toBe(s.name);
      expect(trace.strings[trace.service[row]!]).toBe(s.service);
      expect(trace.start[row]).toBe(s.start);
      expect(trace.duration[row]).toBe(s.duration);
      expect(trace.status[row] === statusError).toBe(s.status === "error");
      expect(trace.linkCount[row]).toBe(s.links.length);
      expect(trace.eventOff[row + 1]! - trace.eventOff[row]!).toBe(s.events.length);
      expect((trace.flags[row]! & flagException) !== 0).toBe(s.events.some((e) => e.name === "exception"));
      expect((trace.flags[row]! & flagRemoteParent) !== 0).toBe(s.remote ?? false);
      const parent = trace.parent[row]!;
      if (s.parentSpanId !== "") expect(spanIdHex(trace, parent)).toBe(s.parentSpanId);
      if (parent >= 0) expect(row).toBeLessThanOrEqual(parent + trace.subtree[parent]!);
    }
  });

  test("copies nothing", () => {
    for (const view of [trace.start, trace.parent, trace.spanId, trace.eventTime]) expect(view.buffer).toBe(buffer);
  });

  test("finds rows by span id", () => {
    expect(rowOfSpanId(trace, order[17]!.spanId.toUpperCase())).toBe(17);
    expect(rowOfSpanId(trace, "0000000000000000")).toBe(-1);
    expect(rowOfSpanId(trace, "not an id")).toBe(-1);
  });

  test("an empty trace", () => {
    expect(decodeColumns(encodeTrace(traceId, base, []).buffer).spans).toBe(0);
  });
});

describe("decodeColumns refuses", () => {
  const good = encodeTrace("ab".repeat(16), base, makeTrace({ spans: 60 }).spans).buffer;
  const patched = (change: (bytes: Uint8Array) => void): ArrayBuffer => {
    const copy = good.slice(0);
    change(new Uint8Array(copy));
    return copy;
  };
  test.each([
    ["nothing", new ArrayBuffer(0), /0 bytes are too few/],
    ["another magic", patched((b) => (b[7] = 0x32)), /starts with "CLWTRC02"/],
    ["a header past the end", patched((b) => b.set([0xff, 0xff, 0xff, 0x7f], 8)), /does not fit/],
    ["a cut column", good.slice(0, good.byteLength - 16), /column \w+ does not fit/],
    ["missing columns", encodeColumns({ spans: 1, strings: [], startNs: "0", durationNs: "0" }, []), /no column parent/],
    ["a column of another type", encodeColumns({ spans: 1, strings: [], startNs: "0", durationNs: "0" }, [["parent", "u32", [0, 0]]]), /parent is u32 of 8 bytes, not i32 of 4/],
  ])("%s", (_name, buffer, reason) => {
    expect(() => decodeColumns(buffer)).toThrow(reason);
  });
});
