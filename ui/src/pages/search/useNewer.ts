// SPDX-License-Identifier: Apache-2.0

import { useQuery } from "@tanstack/react-query";
import type { TraceHit } from "../../wire/api";
import { searchTraces } from "../../wire/client";
import type { SearchState } from "./params";

/**
 * Whether a trace newer than those shown matches: asked every ten seconds while
 * the page looks at "up to now", newest first. The list itself never moves by
 * itself. ageMs is how long ago the list was asked for.
 */
export function useNewer(state: SearchState, traces: readonly TraceHit[], ageMs: number): boolean {
  const newest = traces[0];
  const watching = state.range.kind !== "absolute" && state.order === "newest" && newest !== undefined;
  const answer = useQuery({
    queryKey: ["newer", state.query, newest?.traceId],
    queryFn: ({ signal }) => searchTraces({ q: state.query, start: newest!.startNs, limit: 1, spss: 1, order: "newest" }, signal),
    enabled: watching && ageMs > 5000,
    refetchInterval: (query) => (isNewer(query.state.data?.traces[0], newest) ? false : 10_000),
    retry: false,
  });
  return watching && isNewer(answer.data?.traces[0], newest);
}

function isNewer(a: TraceHit | undefined, b: TraceHit | undefined): boolean {
  return a !== undefined && b !== undefined && a.traceId !== b.traceId && BigInt(a.startNs) > BigInt(b.startNs);
}
