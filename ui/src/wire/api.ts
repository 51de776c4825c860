// SPDX-License-Identifier: Apache-2.0

// The native API (`/api/clew/v1`) as the UI uses it. Wall times are decimal
// strings of unix nanoseconds, ids lower-case hex, durations numbers of
// nanoseconds. The server's own description is openapi.ts (made from
// api/openapi.yaml), where what is empty may be absent; client.ts turns the one
// into the other, and its types fail to compile when the two part ways.

export interface Position {
  /** Byte offsets in the query text (UTF-8). */
  from: number;
  to: number;
}

export interface Status {
  version: string;
  startedAt: string;
  /** Listener flag name -> host:port that it really has. */
  addresses: Record<string, string>;
  spans: number;
  traces: number;
  services: number;
  storageBytes: number;
  walSync: string;
  retention: string;
  memoryLimit: number;
  oldestNs: string;
  newestNs: string;
}

export type StatusCode = "unset" | "ok" | "error";

/** An attribute value of a search result. */
export interface PlainAttribute {
  key: string;
  type: string;
  value?: unknown;
}

export interface MatchedSpan {
  spanId: string;
  name: string;
  service: string;
  startNs: string;
  durationNs: number;
  status: StatusCode;
  kind: string;
  attributes: PlainAttribute[];
}

export interface TraceHit {
  traceId: string;
  rootService: string;
  rootName: string;
  startNs: string;
  durationNs: number;
  spanCount: number;
  errorCount: number;
  services: { name: string; spans: number; errors: number }[];
  /** Spans of the trace that match the query; `spans` holds the first few. */
  matched: number;
  spans: MatchedSpan[];
  missingRoot: boolean;
}

export type SearchOrder = "newest" | "oldest" | "longest" | "errors" | "spans";

export interface SearchRequest {
  q?: string;
  start?: string;
  end?: string;
  limit?: number;
  spss?: number;
  order?: SearchOrder;
  cursor?: string;
}

export interface SearchResponse {
  traces: TraceHit[];
  /** Opaque; empty when there is no further page. */
  cursor: string;
  /** Something stored could not be read; `reason` says what. */
  partial: boolean;
  reason: string;
  scanned: { traces: number; spans: number; bytes: number };
  tookMs: number;
}

export interface Field {
  name: string;
  scope: string;
  key: string;
  types: string[];
}

export interface FieldsResponse {
  fields: Field[];
}

export interface ValuesRequest {
  field: string;
  q?: string;
  prefix?: string;
  start?: string;
  end?: string;
  limit?: number;
}

export interface ValuesResponse {
  field: string;
  values: { value: string; type: string; count: number }[]; // value as text, whatever its type
  truncated: boolean;
}

export type CompletionKind = "attribute" | "intrinsic" | "value" | "keyword" | "operator" | "function" | "scope";

/** Offsets of this endpoint are UTF-16 code units, as editors count. */
export interface CompleteRequest {
  q: string;
  cursor: number;
  start?: string;
  end?: string;
}

export interface CompleteResponse {
  from: number;
  to: number;
  items: { label: string; kind: CompletionKind; detail: string; insert: string }[];
  diagnostics: { from: number; to: number; severity: "error" | "warning"; message: string; hint: string }[];
}

/** A value with its OTLP type. int is a decimal string, bytes is base64. */
export type TypedValue =
  | { type: "string"; value: string }
  | { type: "bool"; value: boolean }
  | { type: "int"; value: string }
  | { type: "double"; value: number | string }
  | { type: "bytes"; value: string }
  | { type: "array"; value: TypedValue[] }
  | { type: "map"; value: Attribute[] }
  | { type: "empty"; value?: null };

export type Attribute = TypedValue & { key: string };

export interface SpanEvent {
  timeNs: string;
  name: string;
  attributes: Attribute[];
  dropped: number;
}

export interface SpanLink {
  traceId: string;
  spanId: string;
  traceState: string;
  attributes: Attribute[];
  flags: number;
  dropped: number;
}

/** One span whole, as the details panel shows it. */
export interface SpanDetails {
  row: number;
  traceId: string;
  spanId: string;
  parentSpanId: string;
  name: string;
  kind: string;
  startNs: string;
  durationNs: number;
  status: StatusCode;
  statusMessage: string;
  traceState: string;
  flags: number;
  attributes: Attribute[];
  resource: { attributes: Attribute[]; schemaUrl: string; dropped: number };
  scope: { name: string; version: string; attributes: Attribute[]; schemaUrl: string; dropped: number };
  events: SpanEvent[];
  links: SpanLink[];
  droppedAttributes: number;
  droppedEvents: number;
  droppedLinks: number;
  notes: string[];
}

