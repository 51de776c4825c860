// SPDX-License-Identifier: Apache-2.0

// The search page: query box, pickers, scatter plot, list. The URL is the whole
// state (params.ts); this component shows it and navigates.

import { useQuery } from "@tanstack/react-query";
import { useRouter } from "@tanstack/react-router";
import { Search } from "lucide-react";
import type { ReactElement } from "react";
import { Suspense, lazy, useCallback, useMemo, useRef, useState } from "react";
import { useCommands } from "../../base/context";
import { usePref } from "../../base/prefs";
import { rememberingAdvisor } from "../../lang/advice";
import { formatQuery } from "../../lang/format";
import { durationLiteral, quote } from "../../lang/literals";
import { emptyOutline, parses, readOutline, setCondition, writeOutline } from "../../lang/outline";
import { QueryBox, type QueryBoxHandle } from "../../widgets/QueryBox";
import { Button, Tip, cx } from "../../widgets/controls";
import { useNow, useTheme, useTitle } from "../../widgets/hooks";
import { complete, getStatus } from "../../wire/client";
import { searchCommands } from "./commands";
import { Hover } from "./hover";
import { NoResults } from "./NoResults";
import { type SearchParams, type SearchState, maxPages, readSearch, writeSearch } from "./params";
import { pastQueries, rememberQuery } from "./queryHistory";
import { QueryError } from "./QueryError";
import { QueryWarnings } from "./QueryWarnings";
import { RangeButton } from "./RangeButton";
import { defaultRange, resolveRange } from "./range";
import { Results } from "./Results";
import { Scatter } from "./Scatter";
import type { Selection } from "./scatter";
import styles from "./SearchPage.module.css";
import { PlotBar, ResultBar, RunNote } from "./bars";
import { useNewer } from "./useNewer";
import { useSearch } from "./useSearch";

// The pickers bring menus and lists with them: a chunk that need not hold up the first traces.
const Filters = lazy(() => import("./pickers").then((m) => ({ default: m.Filters })));
const PastQueries = lazy(() => import("./pickers").then((m) => ({ default: m.PastQueries })));
const RangePicker = lazy(() => import("./pickers").then((m) => ({ default: m.RangePicker })));

export { searchParams } from "./params";
export type { SearchParams } from "./params";

interface Props {
  params: SearchParams;
  /** When this run was asked, ms; relative ranges count back from it. */
  runAt: number;
  /** Goes to other params. run: it is a new run (a new runAt); replace: no new history entry. */
  navigate: (params: SearchParams, how: { run: boolean; replace: boolean }) => void;
}

const example = '{ resource.service.name = "checkout" && status = error }';
const traceIdShape = /^(?:[0-9a-f]{16}|[0-9a-f]{32})$/i;

/** The query without the bounds that dragging in the plot added. */
function withoutTraceDuration(query: string): string {
  const outline = readOutline(query);
  if (outline === null) return query;
  const unbounded = setCondition(outline, "traceDuration", [">", ">="], ">=", null);
  return writeOutline(setCondition(unbounded, "traceDuration", ["<", "<="], "<=", null));
}

export function SearchPage({ params, runAt, navigate }: Props): ReactElement {
  const state = useMemo(() => readSearch(params), [params]);
  useTitle(state.query === "" ? "Traces" : state.query);
  const router = useRouter();
  const theme = useTheme();
  const tick = useNow(10_000);
  const nowMs = Math.max(tick, runAt);
  const [zone] = usePref("zone");
  const [hover] = useState(() => new Hover());
  const [rangeOpen, setRangeOpen] = useState(false);
  const [openRows, setOpenRows] = useState<ReadonlySet<string>>(new Set());
  const box = useRef<QueryBoxHandle>(null);
  const main = useRef<HTMLDivElement>(null);

  const status = useQuery({ queryKey: ["status"], queryFn: ({ signal }) => getStatus(signal), refetchInterval: 10_000 });
  const run = useSearch(state, runAt);

  const newer = useNewer(state, run.traces, nowMs - runAt);

  // The text in the box. It follows the URL whenever the URL's query changes.
  const [draft, setDraft] = useState({ text: state.query, of: state.query });
  if (draft.of !== state.query) setDraft({ text: state.query, of: state.query });
  const text = draft.of === state.query ? draft.text : state.query;
  const outline = useMemo(() => readOutline(text), [text]);

  const go = useCallback(
    (next: Partial<SearchState>, how: { run?: boolean; replace?: boolean } = {}) =>
      navigate(writeSearch({ ...state, ...next }), { run: how.run ?? true, replace: how.replace ?? false }),
    [navigate, state],
  );

  const openTrace = useCallback(
    (traceId: string, newTab: boolean) => {
      if (newTab) window.open(router.buildLocation({ to: "/trace/$traceId", params: { traceId } }).href);
      else void router.navigate({ to: "/trace/$traceId", params: { traceId } });
    },
    [router],
  );

  const search = useCallback(
    (query: string) => {
      const trimmed = query.trim();
      if (traceIdShape.test(trimmed)) {
        openTrace(trimmed.toLowerCase(), false);
        return;
      }
      const formatted = formatQuery(query);
      setDraft({ text: formatted, of: state.query });
      rememberQuery(formatted);
      go({ query: formatted, pages: 1 }, { replace: formatted === state.query });
    },
    [go, openTrace, state.query],
  );

  const narrow = useCallback(
    (s: Selection) => {
      let next = outline ?? readOutline(state.query);
      if (next !== null) {
        next = setCondition(next, "traceDuration", [">", ">="], ">=", s.minDuration === null ? null : durationLiteral(s.minDuration));
        next = setCondition(next, "traceDuration", ["<", "<="], "<=", s.maxDuration === null ? null : durationLiteral(s.maxDuration));
      }
      go({
        query: next === null ? state.query : writeOutline(next),
        range: { kind: "absolute", startNs: s.startNs, endNs: s.endNs },
        pages: 1,
      });
    },
    [go, outline, state.query],
  );

  const toggleRow = useCallback((id: string) => {
    setOpenRows((old) => {
      const next = new Set(old);
      if (!next.delete(id)) next.add(id);
      return next;
    });
  }, []);

  const advise = useMemo(
    () => rememberingAdvisor((q, cursor) => complete({ q, cursor, ...resolveRange(state.range, runAt) })),
    [state.range, runAt],
  );

  const loadMore = (): void => go({ pages: Math.min(maxPages, state.pages + 1) }, { run: false, replace: true });

  useCommands("Search", () =>
    searchCommands({
      box,
      main,
      state,
      run,
      go,
      again: () => search(text),
      toggleRow,
      toggleErrors: () => {
        const o = outline ?? emptyOutline;
        const on = o.terms.some((t) => t.kind === "condition" && t.field === "status" && t.literal === "error");
        if (outline !== null) search(writeOutline(setCondition(o, "status", ["="], "=", on ? null : "error")));
      },
      openRange: () => setRangeOpen(true),
      loadMore,
    }),
  );

  const asked = useMemo(
    () =>
      state.range.kind === "absolute" && !run.more && !run.stale
        ? { startNs: state.range.startNs, endNs: state.range.endNs }
        : {},
    [state.range, run.more, run.stale],
  );
  const edited = text.trim() !== state.query;
  const empty = run.totals !== undefined && run.traces.length === 0 && !run.loading && run.error === null;

  return (
    <div ref={main} className={styles.page}>
      <h1 className="visually-hidden">Search traces</h1>
      {/* Not a form: the pickers' own forms are its children, in portals, and their submits would bubble here. */}
      <div className={styles.ask} role="search">
        <div className={styles.queryRow}>
          <div className={cx(styles.query, run.error?.position !== undefined && !edited && styles.invalid)}>
            <Search size={16} aria-hidden="true" className={styles.glass} />
            <QueryBox
              ref={box}
              text={text}
              label="TraceQL query"
              placeholder={example}
              advise={advise}
              pastQueries={pastQueries}
              invalid={run.error?.position !== undefined && !edited}
              onChange={(next) => setDraft({ text: next, of: state.query })}
              onSubmit={search}
            />
            <Suspense>
              <PastQueries onPick={search} />
            </Suspense>
          </div>
          <Suspense fallback={<RangeButton range={state.range} zone={zone} />}>
            <RangePicker
              range={state.range}
              zone={zone}
              open={rangeOpen}
              onOpenChange={setRangeOpen}
              onChange={(range) => go({ range, pages: 1 })}
            />
          </Suspense>
          <Tip text={edited ? "Run the edited query" : "Run again, up to now"} keys="r">
            <Button look={edited ? "primary" : "plain"} className={styles.run} onClick={() => search(text)}>
              Run
            </Button>
          </Tip>
        </div>
        <Suspense fallback={<div className={styles.filtersToCome} />}>
          <Filters
            outline={outline}
            broken={outline === null && !parses(text)}
            edited={edited}
            bounds={run.bounds}
            onChange={(next) => search(writeOutline(next))}
          />
        </Suspense>
      </div>

      {!edited && run.error === null && <QueryWarnings query={state.query} advise={advise} />}
      {run.error !== null && (
        <QueryError
          error={run.error}
          query={state.query}
          onRetry={() => search(state.query)}
          onShow={(offset) => box.current?.moveTo(offset)}
        />
      )}

      <section
        className={styles.card}
        aria-label="Results"
        aria-busy={run.loading}
        hidden={run.error !== null && run.traces.length === 0 && !run.loading}
      >
        {run.loading && <div className={styles.progress} role="progressbar" aria-label="Searching" />}
        {run.traces.length > 0 ? (
          <>
            <PlotBar
              traces={run.traces}
              more={run.more}
              colourBy={state.colourBy}
              zoomed={state.range.kind === "absolute"}
              onColour={(colourBy) => go({ colourBy }, { run: false, replace: true })}
              onUnzoom={() => go({ range: defaultRange, query: withoutTraceDuration(state.query), pages: 1 })}
              onService={(name) => {
                if (outline !== null) search(writeOutline(setCondition(outline, "rootServiceName", ["="], "=", quote(name))));
              }}
            />
            <Scatter
              traces={run.traces}
              window={asked}
              zone={zone}
              colourBy={state.colourBy}
              hover={hover}
              theme={theme}
              onOpen={openTrace}
              onSelect={narrow}
            />
            <ResultBar
              run={run}
              order={state.order}
              newer={newer && !run.loading}
              onOrder={(order) => go({ order, pages: 1 })}
              onAgain={() => search(state.query)}
            />
            <Results
              traces={run.traces}
              zone={zone}
              nowMs={nowMs}
              hover={hover}
              stale={run.stale}
              selective={!/^\s*(?:\{\s*\})?\s*$/.test(state.query)}
              open={openRows}
              onToggle={toggleRow}
            />
            {run.more && (
              <div className={styles.more}>
                <Button onClick={loadMore} disabled={run.loadingMore || state.pages >= maxPages}>
                  {run.loadingMore ? "Loading…" : state.pages >= maxPages ? "Narrow the search to see more" : "Load more"}
                </Button>
              </div>
            )}
          </>
        ) : empty ? (
          <NoResults
            state={state}
            bounds={run.bounds}
            status={status.data}
            zone={zone}
            onChange={(next) => go({ pages: 1, ...next })}
          />
        ) : (
          <RunNote run={run} onAgain={() => search(text)} />
        )}
        {run.traces.length > 0 && run.loading && <RunNote run={run} onAgain={() => search(text)} floating />}
      </section>
    </div>
  );
}
