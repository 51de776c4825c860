// SPDX-License-Identifier: Apache-2.0

// The URL of the search page, declared once. The URL is the whole state: what
// it does not say is a default, and defaults are left out of it.

import * as v from "valibot";
import { type TimeRange, defaultRange, formatInstant, parseInstant, relativeMs } from "./range";

export const orders = ["newest", "oldest", "longest", "errors", "spans"] as const;
export type Order = (typeof orders)[number];

export const colourings = ["service", "errors"] as const;
export type ColourBy = (typeof colourings)[number];

/** Traces a page; `pages` of them are on screen. */
export const pageSize = 50;
export const maxPages = 40;

const text = v.pipe(v.union([v.string(), v.number(), v.boolean()]), v.transform(String));

/** The search part of /search?…, as the router hands it over; anything unusable falls back to absent. */
export const searchParams = v.object({
  q: v.fallback(v.optional(text), undefined),
  range: v.fallback(v.optional(v.pipe(text, v.check((s) => s === "all" || relativeMs(s) !== null))), undefined),
  start: v.fallback(v.optional(v.pipe(text, v.check((s) => parseInstant(s) !== null))), undefined),
  end: v.fallback(v.optional(v.pipe(text, v.check((s) => parseInstant(s) !== null))), undefined),
  order: v.fallback(v.optional(v.picklist(orders)), undefined),
  color: v.fallback(v.optional(v.picklist(colourings)), undefined),
  pages: v.fallback(
    v.optional(v.pipe(text, v.transform(Number), v.integer(), v.minValue(1), v.maxValue(maxPages))),
    undefined,
  ),
});

export type SearchParams = v.InferOutput<typeof searchParams>;

/** Everything the search page shows, with defaults filled in. */
export interface SearchState {
  readonly query: string;
  readonly range: TimeRange;
  readonly order: Order;
  /** What colours the points of the scatter plot. */
  readonly colourBy: ColourBy;
  readonly pages: number;
}

export function readSearch(params: SearchParams): SearchState {
  return {
    query: params.q?.trim() ?? "",
    range: readRange(params),
    order: params.order ?? "newest",
    colourBy: params.color ?? "service",
    pages: params.pages ?? 1,
  };
}

function readRange(params: SearchParams): TimeRange {
  const startNs = params.start === undefined ? null : parseInstant(params.start);
  const endNs = params.end === undefined ? null : parseInstant(params.end);
  if (startNs !== null && endNs !== null && startNs < endNs) return { kind: "absolute", startNs, endNs };
  if (params.range === "all") return { kind: "all" };
  if (params.range !== undefined) return { kind: "relative", span: params.range };
  return defaultRange;
}

export function writeSearch(state: SearchState): SearchParams {
  const { range } = state;
  return {
    q: state.query === "" ? undefined : state.query,
    range: range.kind === "all" ? "all" : range.kind === "relative" && range.span !== "1h" ? range.span : undefined,
    start: range.kind === "absolute" ? formatInstant(range.startNs) : undefined,
    end: range.kind === "absolute" ? formatInstant(range.endNs) : undefined,
    order: state.order === "newest" ? undefined : state.order,
    color: state.colourBy === "service" ? undefined : state.colourBy,
    pages: state.pages === 1 ? undefined : state.pages,
  };
}
