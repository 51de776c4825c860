// SPDX-License-Identifier: Apache-2.0

// Search within the trace on the page. Plain words are matched here, over what
// the payload holds; a TraceQL spanset `{ … }` is asked of the server, which
// has the attributes too.

import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useEffect, useMemo, useState } from "react";
import { quote } from "../../lang/literals";
import { type Matches, matchesOf, searchTrace } from "../../model/search";
import type { Trace } from "../../model/trace";
import { type ApiError, searchTraces } from "../../wire/client";

export interface Found {
  matches: Matches | undefined;
  /** Why there are none: a mistake in the query, or no answer. */
  problem: string;
  /** The answer is under way, or holds only the first of many matches. */
  note: string;
}

/** Asking for all matches of a larger trace would move tens of megabytes. */
const allUpTo = 20_000;
const someOf = 1000;
const typingMs = 250;

/** The inside of `{ … }`, or undefined for plain words. */
function spanset(text: string): string | undefined {
  return /^\s*\{(.*)\}\s*$/s.exec(text)?.[1];
}

export function useMatches(trace: Trace, text: string): Found {
  const inner = spanset(text);
  const [settled, setSettled] = useState(inner);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(inner), typingMs);
    return () => clearTimeout(timer);
  }, [inner]);

  const asked = inner === undefined || inner.trim() === "" ? undefined : settled;
  const query = useQuery<{ ids: string[]; matched: number }, ApiError>({
    queryKey: ["find", trace.traceId, asked, trace.spans],
    queryFn: async ({ signal }) => {
      const answer = await searchTraces(
        { q: `{ trace:id = ${quote(trace.traceId)} && (${asked}) }`, limit: 1, spss: trace.spans <= allUpTo ? 0 : someOf },
        signal,
      );
      const hit = answer.traces[0];
      return { ids: hit?.spans.map((s) => s.spanId) ?? [], matched: hit?.matched ?? 0 };
    },
    enabled: asked !== undefined && asked.trim() !== "",
    placeholderData: keepPreviousData,
    staleTime: 60_000,
    retry: false,
  });

  const words = useMemo(() => (inner === undefined ? searchTrace(trace, text) : undefined), [trace, inner, text]);
  const answered = useMemo(() => (query.data === undefined ? undefined : matchesOf(trace, query.data.ids)), [trace, query.data]);
  if (/^\s*\{/.test(text) && inner === undefined) return { matches: undefined, problem: "", note: "close with }" };
  if (inner === undefined) return { matches: words, problem: "", note: "" };
  if (asked === undefined || inner !== settled) return { matches: asked === undefined ? undefined : answered, problem: "", note: "" };
  if (query.error !== null) return { matches: undefined, problem: [query.error.message, query.error.hint].filter((t) => t !== "").join("; "), note: "" };
  const cut = query.data !== undefined && query.data.matched > query.data.ids.length;
  return { matches: answered, problem: "", note: query.isPending ? "searching" : cut ? `first ${query.data.ids.length} of ${query.data.matched}` : "" };
}
