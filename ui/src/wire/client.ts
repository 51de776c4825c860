// SPDX-License-Identifier: Apache-2.0

// The native API over fetch. Every call can be aborted and throws ApiError with
// the server's own words; none retries (the caller's query library decides).

import type {
  Attribute,
  CompleteRequest,
  CompleteResponse,
  FieldsResponse,
  Position,
  SearchRequest,
  SearchResponse,
  SpanDetails,
  Status,
  StatusCode,
  ValuesRequest,
  ValuesResponse,
} from "./api";
import type { components, paths } from "./openapi";

/** An answer that is an error, or no answer at all (`status` 0, code "unreachable"). */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string;
  readonly hint: string;
  /** Byte offsets in the query, for TraceQL errors. */
  readonly position: Position | undefined;

  constructor(status: number, code: string, message: string, hint = "", position?: Position) {
    super(message);
    this.name = "ApiError";
    this.status = status;
    this.code = code;
    this.hint = hint;
    this.position = position;
  }
}

/** The path below which Clew is served, from <base href>: `/` or `/some/prefix/`. */
export function basePath(): string {
  const path = new URL(document.baseURI).pathname;
  return path.slice(0, path.lastIndexOf("/") + 1);
}

/** Absolute URL of a native endpoint: `apiUrl("status")`. */
export function apiUrl(path: string, params?: object): string {
  const url = new URL(`api/clew/v1/${path}`, document.baseURI);
  for (const [key, value] of Object.entries(params ?? {})) {
    if (value !== undefined && value !== "") url.searchParams.set(key, String(value));
  }
  return url.href;
}

/** Turns a response that is not 2xx into an ApiError. */
export async function toApiError(response: Response): Promise<ApiError> {
  const text = await response.text().catch(() => "");
  try {
    const { error } = JSON.parse(text) as { error: { code?: string; message?: string; hint?: string; position?: Position } };
    return new ApiError(response.status, error.code ?? "error", error.message ?? response.statusText, error.hint, error.position);
  } catch {
    return new ApiError(response.status, "error", text.slice(0, 300).trim() || `${response.status} ${response.statusText}`);
  }
}

/** fetch that throws ApiError for every failure except abortion. */
export async function request(url: string, init: RequestInit): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(url, init);
  } catch (cause) {
    if (init.signal?.aborted === true) throw cause;
    throw new ApiError(0, "unreachable", "Clew does not answer.", "Is `clew serve` running, and is this page's address still right?");
  }
  if (!response.ok) throw await toApiError(response);
  return response;
}

type Schemas = components["schemas"];

async function getJson<T>(path: string, params: object | undefined, signal: AbortSignal | undefined): Promise<T> {
  const response = await request(apiUrl(path, params), { signal: signal ?? null, headers: { Accept: "application/json" } });
  return (await response.json()) as T;
}

export function getStatus(signal?: AbortSignal): Promise<Status> {
  return getJson<Schemas["Status"]>("status", undefined, signal);
}

export async function searchTraces(params: SearchRequest, signal?: AbortSignal): Promise<SearchResponse> {
  const found = await getJson<Schemas["SearchResult"]>("search", params, signal);
  return Object.assign(found, {
    reason: found.reason ?? "",
    scanned: { traces: found.scanned["traces"] ?? 0, spans: found.scanned["spans"] ?? 0, bytes: found.scanned["bytes"] ?? 0 },
    traces: found.traces.map((t) =>
      Object.assign(t, {
        durationNs: Number(t.durationNs),
        spans: t.spans.map((s) => Object.assign(s, { durationNs: Number(s.durationNs), status: statusCode(s.status) })),
      }),
    ),
  });
}

export async function getFields(params: { scope?: string; start?: string; end?: string }, signal?: AbortSignal): Promise<FieldsResponse> {
  const { fields } = await getJson<{ fields: Schemas["Field"][] }>("fields", params, signal);
  return { fields: fields.map((f) => Object.assign(f, { types: f.types ?? [] })) };
}

export async function getValues(params: ValuesRequest, signal?: AbortSignal): Promise<ValuesResponse> {
  type Answer = paths["/values"]["get"]["responses"]["200"]["content"]["application/json"];
  const answer = await getJson<Answer>("values", params, signal);
  return Object.assign(answer, { values: answer.values.map((v) => Object.assign(v, { value: String(v.value) })) });
}

export async function complete(body: CompleteRequest, signal?: AbortSignal): Promise<CompleteResponse> {
  const response = await request(apiUrl("complete"), {
    method: "POST",
    headers: { "Content-Type": "application/json", Accept: "application/json" },
    body: JSON.stringify(body),
    signal: signal ?? null,
  });
  const answer = (await response.json()) as Schemas["Completion"];
  return Object.assign(answer, { diagnostics: answer.diagnostics.map((d) => Object.assign(d, { hint: d.hint ?? "" })) });
}

/** Spans of a trace by row numbers of its columnar payload; at most 2,000 a call. */
export async function getSpansByRows(traceId: string, rows: { from: number; to: number }, signal?: AbortSignal): Promise<SpanDetails[]> {
  return spans(traceId, { rows: `${rows.from}-${rows.to}` }, signal);
}

export function getSpansByIds(traceId: string, ids: readonly string[], signal?: AbortSignal): Promise<SpanDetails[]> {
  return spans(traceId, { ids: ids.join(",") }, signal);
}

async function spans(traceId: string, params: object, signal: AbortSignal | undefined): Promise<SpanDetails[]> {
  const answer = await getJson<{ spans: Schemas["Span"][] }>(`traces/${encodeURIComponent(traceId)}/spans`, params, signal);
  return answer.spans.map(toSpanDetails);
}

function statusCode(text: string): StatusCode {
  return text === "error" || text === "ok" ? text : "unset";
}

/** The description's Value cannot tie `value` to `type`; the server's code does. */
function toAttributes(list: readonly Schemas["Attribute"][] | undefined): Attribute[] {
  return (list ?? []) as Attribute[];
}

/** A span with what the server left out as empty filled in. */
function toSpanDetails(s: Schemas["Span"]): SpanDetails {
  return {
    row: s.row,
    traceId: s.traceId,
    spanId: s.spanId,
    parentSpanId: s.parentSpanId ?? "",
    name: s.name,
    kind: s.kind,
    startNs: s.startNs,
    durationNs: Number(s.durationNs),
    status: statusCode(s.status),
    statusMessage: s.statusMessage ?? "",
    traceState: s.traceState ?? "",
    flags: s.flags,
    attributes: toAttributes(s.attributes),
    resource: { attributes: toAttributes(s.resource.attributes), schemaUrl: s.resource.schemaUrl ?? "", dropped: s.resource.dropped ?? 0 },
    scope: {
      name: s.scope.name,
      version: s.scope.version ?? "",
      attributes: toAttributes(s.scope.attributes),
      schemaUrl: s.scope.schemaUrl ?? "",
      dropped: s.scope.dropped ?? 0,
    },
    events: s.events.map((e) => ({ timeNs: e.timeNs, name: e.name, attributes: toAttributes(e.attributes), dropped: e.dropped ?? 0 })),
    links: s.links.map((l) => ({
      traceId: l.traceId,
      spanId: l.spanId,
      traceState: l.traceState ?? "",
      attributes: toAttributes(l.attributes),
      flags: l.flags ?? 0,
      dropped: l.dropped ?? 0,
    })),
    droppedAttributes: s.droppedAttributes ?? 0,
    droppedEvents: s.droppedEvents ?? 0,
    droppedLinks: s.droppedLinks ?? 0,
    notes: s.notes,
  };
}

/** Where the whole trace stands as OTLP JSON, and as the text dump. */
export function traceUrl(traceId: string, format?: "text"): string {
  return apiUrl(`traces/${encodeURIComponent(traceId)}`, { format });
}
