// SPDX-License-Identifier: Apache-2.0

import type { SpanDetails } from "../../wire/api";
import { otlpAttributes } from "./values";

const kinds: Record<string, number> = { unspecified: 0, internal: 1, server: 2, client: 3, producer: 4, consumer: 5 };
const statuses: Record<string, number> = { unset: 0, ok: 1, error: 2 };

/** One span as OTLP/JSON (a TracesData with one span), as an exporter would have sent it. */
export function spanAsOtlp(s: SpanDetails): object {
  const start = BigInt(s.startNs);
  const some = <T>(list: T[]): T[] | undefined => (list.length > 0 ? list : undefined);
  return {
    resourceSpans: [
      {
        resource: { attributes: otlpAttributes(s.resource.attributes) },
        schemaUrl: s.resource.schemaUrl || undefined,
        scopeSpans: [
          {
            scope: { name: s.scope.name || undefined, version: s.scope.version || undefined, attributes: some(otlpAttributes(s.scope.attributes)) },
            schemaUrl: s.scope.schemaUrl || undefined,
            spans: [
              {
                traceId: s.traceId,
                spanId: s.spanId,
                parentSpanId: s.parentSpanId || undefined,
                traceState: s.traceState || undefined,
                flags: s.flags || undefined,
                name: s.name,
                kind: kinds[s.kind],
                startTimeUnixNano: s.startNs,
                endTimeUnixNano: String(start + BigInt(Math.round(Number(s.durationNs)))),
                attributes: otlpAttributes(s.attributes),
                droppedAttributesCount: s.droppedAttributes || undefined,
                events: some(
                  s.events.map((e) => ({
                    timeUnixNano: e.timeNs,
                    name: e.name,
                    attributes: otlpAttributes(e.attributes),
                    droppedAttributesCount: e.dropped || undefined,
                  })),
                ),
                droppedEventsCount: s.droppedEvents || undefined,
                links: some(
                  s.links.map((l) => ({
                    traceId: l.traceId,
                    spanId: l.spanId,
                    traceState: l.traceState || undefined,
                    attributes: otlpAttributes(l.attributes),
                    flags: l.flags || undefined,
                  })),
                ),
                droppedLinksCount: s.droppedLinks || undefined,
                status: s.status === "unset" ? {} : { code: statuses[s.status], message: s.statusMessage || undefined },
              },
            ],
          },
        ],
      },
    ],
  };
}
