// SPDX-License-Identifier: Apache-2.0

export interface FixtureEvent {
  /** ns after the trace's base time. */
  time: number;
  name: string;
  attributes?: Record<string, unknown>;
}

export interface FixtureSpan {
  spanId: string;
  parentSpanId: string;
  name: string;
  service: string;
  /** ns after the trace's base time; an integer, may be negative. */
  start: number;
  duration: number;
  kind: string;
  status: "unset" | "ok" | "error";
  statusMessage?: string;
  summary?: string;
  remote?: boolean;
  attributes?: Record<string, unknown>;
  events: FixtureEvent[];
  links: { traceId: string; spanId: string }[];
  notes?: string[];
}

export function encodeColumns(header: object, columns: [name: string, type: string, values: ArrayLike<number>][]): ArrayBuffer;
export function encodeTrace(traceId: string, baseNs: bigint, spans: FixtureSpan[]): { order: FixtureSpan[]; buffer: ArrayBuffer };
