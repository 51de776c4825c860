// SPDX-License-Identifier: Apache-2.0

// Nothing found: says why as far as that can be known, and offers the step that
// would find something. Each condition is left out once to see which one is to
// blame; small searches, one trace each.

import { useQueries, useQuery } from "@tanstack/react-query";
import type { ReactElement } from "react";
import { type Zone, formatTime } from "../../base/format";
import { type Outline, findCondition, literalText, readOutline, replaceTerm, setCondition, writeOutline } from "../../lang/outline";
import { quote } from "../../lang/literals";
import type { Status } from "../../wire/api";
import { getValues, searchTraces } from "../../wire/client";
import { Button } from "../../widgets/controls";
import styles from "./NoResults.module.css";
import { closest } from "./closest";
import type { SearchState } from "./params";
import { type Bounds, rangeText } from "./range";

interface Props {
  state: SearchState;
  bounds: Bounds;
  status: Status | undefined;
  zone: Zone;
  onChange: (next: Partial<SearchState>) => void;
}

/** More conditions than this are not tried one by one. */
const maxTrials = 6;

export function NoResults({ state, bounds, status, zone, onChange }: Props): ReactElement {
  const outline = readOutline(state.query);
  const terms = outline?.terms.slice(0, maxTrials) ?? [];
  const single = outline?.terms.length === 1;

  const anyTime = useQuery({
    queryKey: ["exists", state.query, "all"],
    queryFn: ({ signal }) => searchTraces({ q: state.query, limit: 1, spss: 1 }, signal),
    enabled: state.range.kind !== "all",
    retry: false,
    staleTime: 5000,
  });
  const trials = useQueries({
    queries: terms.map((_, i) => {
      const q = writeOutline(replaceTerm(outline!, i, null));
      return {
        queryKey: ["exists", q, bounds.start, bounds.end],
        queryFn: ({ signal }: { signal: AbortSignal }) => searchTraces({ q, ...bounds, limit: 1, spss: 1 }, signal),
        retry: false,
        staleTime: 5000,
      };
    }),
  });
  const service = outline === null ? null : findCondition(outline, "resource.service.name", ["="]);
  const services = useQuery({
    queryKey: ["values", "resource.service.name", "names"],
    queryFn: ({ signal }) => getValues({ field: "resource.service.name", limit: 1000 }, signal),
    enabled: service !== null,
    retry: false,
    staleTime: 10_000,
  });

  const found = (i: number): boolean => (trials[i]?.data?.traces.length ?? 0) > 0;
  const wanted = service === null ? "" : literalText(service.literal);
  const names = services.data?.values.map((v) => String(v.value)) ?? [];
  const unknown = service !== null && services.data?.truncated === false && !names.includes(wanted);
  const suggestion = unknown ? closest(wanted, names) : null;
  const laterTrace = anyTime.data?.traces[0];
  const causes: ReactElement[] = [];

  if (unknown) {
    causes.push(
      <li key="service">
        <p>
          No service called <code>{wanted}</code> has sent spans.
        </p>
        {suggestion !== null && (
          <Button small onClick={() => onChange({ query: withService(outline!, suggestion) })}>
            Search {suggestion}
          </Button>
        )}
      </li>,
    );
  }
  if (laterTrace !== undefined) {
    causes.push(
      <li key="time">
        <p>
          There are matches outside this time range, the latest at{" "}
          <span className={styles.nowrap}>{formatTime(laterTrace.startNs, zone, 0)}</span>.
        </p>
        <Button small onClick={() => onChange({ range: { kind: "all" } })}>
          Search all data
        </Button>
      </li>,
    );
  }
  if (!single) {
    for (const [i, term] of terms.entries()) {
      if (!found(i) || (unknown && term === service)) continue;
      const text = term.kind === "opaque" ? term.text : `${term.field} ${term.op} ${term.literal}`;
      causes.push(
        <li key={i}>
          <p>
            Without <code>{text}</code> there are matches.
          </p>
          <Button small onClick={() => onChange({ query: writeOutline(replaceTerm(outline!, i, null)) })}>
            Leave it out
          </Button>
        </li>,
      );
    }
  }
  const judging = anyTime.isLoading || services.isLoading || trials.some((t) => t.isLoading);
  if (causes.length === 0 && !judging) {
    causes.push(
      <li key="none">
        <p>
          {state.query === ""
            ? "No traces arrived in this time range."
            : "No stored trace matches, whatever the time range. Values compare exactly and keep their type: 500 is a number, \"500\" a string; =~ matches the whole value."}
        </p>
        {state.query !== "" && (
          <Button small onClick={() => onChange({ query: "" })}>
            Show all traces
          </Button>
        )}
      </li>,
    );
  }

  return (
    <section className={styles.empty} aria-live="polite">
      <h2>No traces match</h2>
      <p className={styles.where}>
        {rangeText(state.range, zone)}
        {status !== undefined && status.oldestNs !== "" && status.oldestNs !== "0" && status.spans > 0 && (
          <>
            {" "}
            · Clew holds spans from {formatTime(status.oldestNs, zone, 0)} to {formatTime(status.newestNs, zone, 0)}
          </>
        )}
      </p>
      <ul>{causes}</ul>
      {judging && causes.length === 0 && <p className={styles.where}>Looking for the reason…</p>}
    </section>
  );
}

function withService(outline: Outline, name: string): string {
  return writeOutline(setCondition(outline, "resource.service.name", ["="], "=", quote(name)));
}
