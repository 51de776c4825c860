// SPDX-License-Identifier: Apache-2.0

// Runs the search that the URL asks for. A run is pinned to the moment it was
// started (runAt): going back to it, or loading more of it, asks the same
// window again, so that pages fit together and nothing jumps.

import { keepPreviousData, useInfiniteQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useMemo } from "react";
import type { SearchResponse, TraceHit } from "../../wire/api";
import { type ApiError, searchTraces } from "../../wire/client";
import { type SearchState, pageSize } from "./params";
import { type Bounds, resolveRange } from "./range";

export interface SearchRun {
  bounds: Bounds;
  traces: readonly TraceHit[];
  /** Totals over the loaded pages; undefined before the first answer. */
  totals: { scannedTraces: number; scannedSpans: number; scannedBytes: number; tookMs: number; partial: boolean } | undefined;
  more: boolean;
  loading: boolean;
  loadingMore: boolean;
  /** The traces shown belong to the query before; the new answer is under way. */
  stale: boolean;
  /** Stopped by the person before there was an answer. */
  stopped: boolean;
  error: ApiError | null;
  cancel: () => void;
}

export function useSearch(state: SearchState, runAt: number): SearchRun {
  const { query, range, order, pages } = state;
  const client = useQueryClient();
  const bounds = useMemo(() => resolveRange(range, runAt), [range, runAt]);
  const queryKey = useMemo(() => ["search", query, bounds.start, bounds.end, order, runAt], [query, bounds, order, runAt]);
  const result = useInfiniteQuery<SearchResponse, ApiError>({
    queryKey,
    queryFn: ({ pageParam, signal }) =>
      searchTraces({ q: query, ...bounds, limit: pageSize, spss: 3, order, cursor: pageParam as string }, signal),
    initialPageParam: "",
    getNextPageParam: (last) => (last.cursor === "" || last.cursor === undefined ? undefined : last.cursor),
    // What was found stays as it is; finding nothing is worth asking again, for the span that is on its way.
    staleTime: (q) => (foundNothing(q.state.data) ? 0 : Number.POSITIVE_INFINITY),
    refetchInterval: (q) => (range.kind !== "absolute" && foundNothing(q.state.data) ? 5000 : false),
    gcTime: 30 * 60_000,
    retry: false,
    refetchOnWindowFocus: false,
    refetchOnReconnect: false,
    placeholderData: keepPreviousData,
  });

  const loaded = result.data?.pages.length ?? 0;
  const { hasNextPage, isFetching, isPlaceholderData, isError, fetchNextPage } = result;
  useEffect(() => {
    if (loaded > 0 && loaded < pages && hasNextPage && !isFetching && !isPlaceholderData && !isError) void fetchNextPage();
  }, [loaded, pages, hasNextPage, isFetching, isPlaceholderData, isError, fetchNextPage]);

  const traces = useMemo(() => dedupe(result.data?.pages.slice(0, Math.max(1, pages)) ?? []), [result.data, pages]);
  const totals = useMemo(() => sum(result.data?.pages), [result.data]);
  return {
    bounds,
    traces,
    totals,
    more: hasNextPage || loaded > pages,
    // Asking again after nothing was found goes on quietly.
    loading: result.isFetching && !result.isFetchingNextPage && (result.data === undefined || isPlaceholderData),
    loadingMore: result.isFetchingNextPage,
    stale: isPlaceholderData,
    stopped: !result.isFetching && (result.data === undefined || isPlaceholderData) && result.error === null,
    error: result.error,
    cancel: () => void client.cancelQueries({ queryKey }),
  };
}

function foundNothing(data: { pages: SearchResponse[] } | undefined): boolean {
  return data !== undefined && data.pages.every((p) => p.traces.length === 0);
}

/** The traces of all pages. The server promises no repeats; a broken one must not break list keys. */
function dedupe(pages: readonly SearchResponse[]): TraceHit[] {
  const seen = new Set<string>();
  return pages.flatMap((p) => p.traces).filter((t) => !seen.has(t.traceId) && seen.add(t.traceId));
}

function sum(pages: readonly SearchResponse[] | undefined): SearchRun["totals"] {
  if (pages === undefined) return undefined;
  const totals = { scannedTraces: 0, scannedSpans: 0, scannedBytes: 0, tookMs: 0, partial: false };
  for (const page of pages) {
    totals.scannedTraces += page.scanned.traces;
    totals.scannedSpans += page.scanned.spans;
    totals.scannedBytes += page.scanned.bytes;
    totals.tookMs += page.tookMs;
    totals.partial ||= page.partial;
  }
  return totals;
}
