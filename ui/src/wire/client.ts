// SPDX-License-Identifier: Apache-2.0

// The native API over fetch. Every call can be aborted and throws ApiError with
// the server's own words; none retries (the caller's query library decides).

import type {
  CompleteRequest,
  CompleteResponse,
  FieldsResponse,
  Position,
  SearchRequest,
  SearchResponse,
  SpansResponse,
  Status,
  ValuesRequest,
  ValuesResponse,
} from "./api";

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

async function getJson<T>(path: string, params: object | undefined, signal: AbortSignal | undefined): Promise<T> {
  const response = await request(apiUrl(path, params), { signal: signal ?? null, headers: { Accept: "application/json" } });
  return (await response.json()) as T;
}

export function getStatus(signal?: AbortSignal): Promise<Status> {
  return getJson("status", undefined, signal);
}

export function searchTraces(params: SearchRequest, signal?: AbortSignal): Promise<SearchResponse> {
  return getJson("search", params, signal);
}

export function getFields(params: { scope?: string; start?: string; end?: string }, signal?: AbortSignal): Promise<FieldsResponse> {
  return getJson("fields", params, signal);
}

export function getValues(params: ValuesRequest, signal?: AbortSignal): Promise<ValuesResponse> {
  return getJson("values", params, signal);
}

export async function complete(body: CompleteRequest, signal?: AbortSignal): Promise<CompleteResponse> {
  const response = await request(apiUrl("complete"), {
    method: "POST",
    headers: { "Content-Type": "application/json", Accept: "application/json" },
    body: JSON.stringify(body),
    signal: signal ?? null,
  });
  return (await response.json()) as CompleteResponse;
}

/** Spans of a trace by row numbers of its columnar payload; at most a few hundred a call. */
export function getSpansByRows(traceId: string, rows: { from: number; to: number }, signal?: AbortSignal): Promise<SpansResponse> {
  return getJson(`traces/${encodeURIComponent(traceId)}/spans`, { rows: `${rows.from}-${rows.to}` }, signal);
}

export function getSpansByIds(traceId: string, ids: readonly string[], signal?: AbortSignal): Promise<SpansResponse> {
  return getJson(`traces/${encodeURIComponent(traceId)}/spans`, { ids: ids.join(",") }, signal);
}

/** Where the whole trace stands as OTLP JSON, and as the text dump. */
export function traceUrl(traceId: string, format?: "text"): string {
  return apiUrl(`traces/${encodeURIComponent(traceId)}`, { format });
}
