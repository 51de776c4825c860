// SPDX-License-Identifier: Apache-2.0

// The strips between the parts of the search page: what the plot shows, what
// was scanned, what is still running.

import { ArrowUp } from "lucide-react";
import type { ReactElement } from "react";
import { useEffect, useMemo, useState } from "react";
import { formatBytes, formatCount, plural } from "../../base/format";
import type { TraceHit } from "../../wire/api";
import { Button, ServiceDot, Spinner, Tip, controlStyles, cx } from "../../widgets/controls";
import { type ColourBy, type Order, orders } from "./params";
import styles from "./bars.module.css";
import type { SearchRun } from "./useSearch";

const legendSize = 7;

/** Root services with their number of traces, most first. */
export function rootServices(traces: readonly TraceHit[]): { name: string; traces: number }[] {
  const counts = new Map<string, number>();
  for (const t of traces) counts.set(t.rootService, (counts.get(t.rootService) ?? 0) + 1);
  return [...counts]
    .map(([name, n]) => ({ name, traces: n }))
    .sort((a, b) => b.traces - a.traces || (a.name < b.name ? -1 : 1));
}

export function PlotBar(props: {
  traces: readonly TraceHit[];
  more: boolean;
  colourBy: ColourBy;
  zoomed: boolean;
  onColour: (by: ColourBy) => void;
  onUnzoom: () => void;
  onService: (name: string) => void;
}): ReactElement {
  const services = useMemo(() => rootServices(props.traces), [props.traces]);
  const failed = props.traces.filter((t) => t.errorCount > 0).length;
  return (
    <div className={styles.plotBar}>
      <div className={styles.legend}>
        {props.colourBy === "service" ? (
          <>
            {services.slice(0, legendSize).map((s) => (
              <Tip key={s.name} text={`Only traces that start in ${s.name || "an unknown service"}`}>
                <button type="button" className={styles.key} onClick={() => props.onService(s.name)}>
                  <ServiceDot name={s.name} />
                  {s.name || "unknown"} <i>{formatCount(s.traces)}</i>
                </button>
              </Tip>
            ))}
            {services.length > legendSize && <span className={styles.rest}>+{services.length - legendSize} services</span>}
          </>
        ) : (
          <>
            <span className={styles.fact}>
              <span className={controlStyles.dot} style={{ color: "var(--ok)" }} /> without errors{" "}
              <i>{formatCount(props.traces.length - failed)}</i>
            </span>
          </>
        )}
        {failed > 0 && (
          <span className={styles.fact}>
            <span className={styles.diamond} aria-hidden="true" /> with errors <i>{formatCount(failed)}</i>
          </span>
        )}
      </div>
      {props.zoomed ? (
        <Button small look="ghost" onClick={props.onUnzoom}>
          Reset zoom
        </Button>
      ) : (
        <span className={styles.hint}>Drag to zoom</span>
      )}
      <div className={styles.segments} role="radiogroup" aria-label="Colour by">
        {(["service", "errors"] as const).map((by) => (
          <label key={by} className={styles.segment}>
            <input type="radio" name="colour-by" checked={props.colourBy === by} onChange={() => props.onColour(by)} />
            {by === "service" ? "Service" : "Errors"}
          </label>
        ))}
      </div>
    </div>
  );
}

const orderLabels: Record<Order, string> = {
  newest: "Newest first",
  oldest: "Oldest first",
  longest: "Longest first",
  errors: "Most errors first",
  spans: "Most spans first",
};

export function ResultBar(props: {
  run: SearchRun;
  order: Order;
  /** Newer traces match than those shown. */
  newer: boolean;
  onOrder: (order: Order) => void;
  onAgain: () => void;
}): ReactElement {
  const { run } = props;
  return (
    <div className={styles.resultBar}>
      <p aria-live="polite">
        <b>
          {run.more ? `First ${plural(run.traces.length, "trace")}` : plural(run.traces.length, "trace")}
        </b>
        {run.totals !== undefined && (
          <span className={styles.scanned} title={formatBytes(run.totals.scannedBytes)}>
            scanned {plural(run.totals.scannedSpans, "span")} in {formatMs(run.totals.tookMs)}
          </span>
        )}
        {run.totals?.partial === true && (
          <span className={styles.partial}>Not everything could be searched; some traces may be missing.</span>
        )}
      </p>
      {props.newer && (
        <Tip text="Search again, up to now" keys="r">
          <Button small className={styles.newer} onClick={props.onAgain}>
            <ArrowUp size={13} aria-hidden="true" />
            Newer traces
          </Button>
        </Tip>
      )}
      <label className={styles.order}>
        <span>Order</span>
        <select
          className={controlStyles.input}
          value={props.order}
          onChange={(e) => props.onOrder(e.target.value as Order)}
        >
          {orders.map((o) => (
            <option key={o} value={o}>
              {orderLabels[o]}
            </option>
          ))}
        </select>
      </label>
    </div>
  );
}

function formatMs(ms: number): string {
  if (ms < 10) return `${Number(ms.toFixed(1))} ms`;
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}

/** What a run is doing while there is nothing else to see. */
export function RunNote(props: { run: SearchRun; onAgain: () => void; floating?: boolean }): ReactElement | null {
  const { run } = props;
  if (run.loading) return <Running onCancel={run.cancel} floating={props.floating === true} />;
  if (!run.stopped || run.error !== null) return <div className={styles.note} />;
  return (
    <div className={styles.note}>
      <span>The search was cancelled.</span>
      <Button small onClick={props.onAgain}>
        Run again
      </Button>
    </div>
  );
}

/** Counts the seconds from when it is mounted. A search that ends at once does not flash it. */
function Running({ onCancel, floating }: { onCancel: () => void; floating: boolean }): ReactElement | null {
  const [seconds, setSeconds] = useState(0);
  useEffect(() => {
    const since = performance.now();
    const timer = setInterval(() => setSeconds((performance.now() - since) / 1000), 100);
    return () => clearInterval(timer);
  }, []);
  if (seconds < 0.3) return floating ? null : <div className={styles.note} />;
  return (
    <div className={cx(styles.note, floating && styles.floating)}>
      <Spinner />
      <span>Searching… {seconds.toFixed(1)} s</span>
      <Button small onClick={onCancel}>
        Cancel
      </Button>
    </div>
  );
}
