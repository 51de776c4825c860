// SPDX-License-Identifier: Apache-2.0

// The traces of the fixture server, addressed by what they are:
//
//   c1e0 0000 0000 0000 0000 0000 SSNN NNNN   about N spans (decimal), seed S
//   d1e0 …                                    the same with lost parents
//   e1e0 …                                    the same with a wrong clock
//   a1e0 …                                    the same without errors
//   b1e0 …                                    a chain, one child each
//   f1e0 …                                    hostile names and values, no durations

import { encodeTrace } from "./columns.mjs";
import { makeChain, makeHostile, makeTrace } from "./synthetic.mjs";

const cache = new Map();

/** The id of a fixture trace: `fixtureId("c", 10000)`. */
export function fixtureId(variant, spans, seed = 1) {
  return `${variant}1e0${"0".repeat(20)}${String(seed).padStart(2, "0")}${String(spans).padStart(6, "0")}`;
}

/** The spans in row order and the payload, or undefined when the id is no fixture's. */
export function fixtureTrace(id) {
  const m = /^([a-f])1e00{20}(\d\d)(\d{6})$/.exec(id);
  if (m === null) return undefined;
  let entry = cache.get(id);
  if (entry === undefined) {
    const n = Number(m[3]);
    const made = m[1] === "b" ? makeChain(n, id) : m[1] === "f" ? makeHostile(n, id) : makeTrace({
      traceId: id,
      spans: n,
      seed: Number(m[2]),
      drop: m[1] === "d" ? 0.25 : 0,
      skew: m[1] === "e",
      errors: m[1] !== "a",
    });
    // Ends a few minutes ago, whenever the server is asked.
    const baseNs = BigInt(Date.now() - 180_000) * 1_000_000n + 123_456n;
    entry = { ...encodeTrace(id, baseNs, made.spans), baseNs };
    if (cache.size > 200) cache.clear();
    cache.set(id, entry);
  }
  return entry;
}

/** A JSON value as the native API writes typed attribute values. */
export function typed(value) {
  if (value === null || value === undefined) return { type: "empty", value: null };
  if (typeof value === "string") return { type: "string", value };
  if (typeof value === "boolean") return { type: "bool", value };
  if (typeof value === "number") return Number.isInteger(value) ? { type: "int", value: String(value) } : { type: "double", value };
  if (Array.isArray(value)) return { type: "array", value: value.map(typed) };
  return { type: "map", value: attributes(value) };
}

export function attributes(object = {}) {
  return Object.entries(object).map(([key, value]) => ({ key, ...typed(value) }));
}

/** One span as the /spans endpoint answers it. */
export function spanDetails(traceId, entry, row) {
  const s = entry.order[row];
  return {
    row,
    traceId,
    spanId: s.spanId,
    parentSpanId: s.parentSpanId,
    name: s.name,
    kind: s.kind,
    startNs: String(entry.baseNs + BigInt(s.start)),
    durationNs: String(s.duration),
    status: s.status,
    statusMessage: s.statusMessage ?? "",
    traceState: s.remote ? "ot=th:8;rv:9f3c1a0b7d2e44" : "",
    flags: s.remote ? 0x301 : 0x101,
    attributes: attributes(s.attributes),
    resource: {
      attributes: attributes({
        "service.name": s.service,
        "service.version": "2.14.3",
        "service.namespace": "shop",
        "service.instance.id": `${s.service}-6d5f9c7b4-x2k8p`,
        "deployment.environment.name": "production",
        "k8s.pod.name": `${s.service}-6d5f9c7b4-x2k8p`,
        "k8s.node.name": "node-7",
        "telemetry.sdk.language": "go",
        "telemetry.sdk.name": "opentelemetry",
        "telemetry.sdk.version": "1.39.0",
        "process.command_args": ["/bin/app", "--port", "8080"],
        "host.arch": "amd64",
      }),
      schemaUrl: "https://opentelemetry.io/schemas/1.37.0",
    },
    scope: {
      name: s.kind === "client" ? "go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp" : `shop/${s.service}`,
      version: "0.64.0",
      attributes: [],
      schemaUrl: "",
    },
    events: s.events.map((e) => ({
      timeNs: String(entry.baseNs + BigInt(e.time)),
      name: e.name,
      attributes: attributes(e.attributes),
      dropped: 0,
    })),
    links: s.links.map((l) => ({ ...l, traceState: "", attributes: attributes({ "messaging.batch.index": 0 }), flags: 1 })),
    droppedAttributes: 0,
    droppedEvents: 0,
    droppedLinks: 0,
    notes: s.notes ?? [],
  };
}
