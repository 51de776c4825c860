// SPDX-License-Identifier: Apache-2.0

import { Braces, RotateCw, TriangleAlert } from "lucide-react";
import type { ReactElement } from "react";
import { memo } from "react";
import { formatCount, formatDuration, formatDurationExact, formatTime, plural } from "../../base/format";
import { usePref } from "../../base/prefs";
import type { Skew } from "../../model/skew";
import { type Trace, isError, serviceTitle, serviceTitleOf, summaryOf, titleOf } from "../../model/trace";
import { traceUrl } from "../../wire/client";
import { Button, Tip, controlStyles, cx } from "../../widgets/controls";
import { CopyButton } from "./CopyButton";
import styles from "./TracePage.module.css";

interface Props {
  trace: Trace;
  services: readonly { name: string; token: string }[];
  skew: Skew | undefined;
  aligned: boolean;
  onAlign: (on: boolean) => void;
  /** Service that the search is narrowed to. */
  service: string | undefined;
  onService: (name: string) => void;
  onOrphans: () => void;
  onCycles: () => void;
  onOutOfAxis: () => void;
  onErrors: () => void;
  onReload: () => void;
  reloading: boolean;
}

/** A clock that is off by less than this share of the trace is not worth a banner. */
const mentionedSkew = 0.01;

function clocksText(skew: Skew): string {
  const [first] = skew.clocks;
  if (skew.clocks.length === 1) return `The clock of ${serviceTitle(first!.service).slice(0, 80)} is ${formatDuration(first!.behind)} behind its callers'.`;
  const named = skew.clocks.slice(0, 3).map((c) => `${serviceTitle(c.service).slice(0, 80)} by ${formatDuration(c.behind)}`);
  const more = skew.clocks.length - named.length;
  return `Clocks are behind their callers': ${named.join(", ")}${more > 0 ? ` and ${more} more` : ""}.`;
}

/** Services named in the legend; the rest are counted. */
const legendSize = 14;

export const TraceHeader = memo(function TraceHeader({ trace, services, skew, aligned, onAlign, service, onService, onOrphans, onCycles, onOutOfAxis, onErrors, onReload, reloading }: Props): ReactElement {
  const [zone, setZone] = usePref("zone");
  const root = trace.rootRow >= 0 ? trace.rootRow : 0;
  const summary = summaryOf(trace, root);
  const total = trace.services.reduce((sum, s) => sum + s.selfTime, 0);
  const order = trace.services.map((s, i) => ({ ...s, token: services[i]!.token })).sort((a, b) => b.selfTime - a.selfTime);
  return (
    <header className={styles.header}>
      <div className={styles.titleRow}>
        <h1 className={styles.title}>
          <span className={styles.rootService}>
            <span className={styles.swatch} style={{ background: `var(${services[trace.serviceIndex[root]!]!.token})` }} aria-hidden="true" />
            {serviceTitleOf(trace, root)}
          </span>
          <span className={styles.rootName}>{titleOf(trace, root)}</span>
          {summary !== "" && <span className={styles.rootSummary}>{summary}</span>}
          {isError(trace, root) && <span className={styles.errorBadge}>error</span>}
        </h1>
        <div className={styles.headerTools}>
          <Tip text="Load the trace again: spans may have arrived since" keys="r">
            <Button small look="ghost" onClick={onReload}>
              <RotateCw size={13} aria-hidden="true" className={cx(reloading && styles.turning)} />
              Reload
            </Button>
          </Tip>
          <CopyLink />
          <a className={cx(controlStyles.button, controlStyles.small, controlStyles.ghost)} href={traceUrl(trace.traceId)} target="_blank" rel="noreferrer">
            <Braces size={13} aria-hidden="true" />
            OTLP JSON
          </a>
        </div>
      </div>
      <dl className={styles.facts}>
        <div title={formatDurationExact(trace.durationNs)}>
          <dt>Duration</dt>
          <dd>{formatDuration(trace.durationNs)}</dd>
        </div>
        <div>
          <dt>Start</dt>
          <dd>
            <button type="button" className={styles.plainButton} title={`${formatTime(trace.startNs, zone, 9)}; click for ${zone === "utc" ? "local time" : "UTC"}`} onClick={() => setZone(zone === "utc" ? "local" : "utc")}>
              {formatTime(trace.startNs, zone)} <span className={styles.faint}>{zone === "utc" ? "UTC" : "local"}</span>
            </button>
          </dd>
        </div>
        <div>
          <dt>Spans</dt>
          <dd>{formatCount(trace.spans)}</dd>
        </div>
        <div>
          <dt>Services</dt>
          <dd>{trace.services.length}</dd>
        </div>
        <div>
          <dt>Errors</dt>
          <dd>
            {trace.errorCount === 0 ? (
              "0"
            ) : (
              <button type="button" className={cx(styles.plainButton, styles.errorText)} title="Next error (E)" onClick={onErrors}>
                {formatCount(trace.errorCount)}
              </button>
            )}
          </dd>
        </div>
        <div>
          <dt>Depth</dt>
          <dd>{trace.maxDepth + 1}</dd>
        </div>
        <div>
          <dt>Trace</dt>
          <dd className={styles.traceId}>
            <code>{trace.traceId}</code>
            <CopyButton text={trace.traceId} label="Copy trace id" />
          </dd>
        </div>
      </dl>
      <div className={styles.legend} role="group" aria-label="Services by self-time">
        {order.slice(0, legendSize).map((s) => (
          <button
            key={s.name}
            type="button"
            className={cx(styles.chip, service === s.name && styles.chipOn)}
            aria-pressed={service === s.name}
            title={`${serviceTitle(s.name).slice(0, 200)}: ${plural(s.spans, "span")}, ${plural(s.errors, "error")}, ${formatDuration(s.selfTime)} self-time.\nClick to find its spans.`}
            onClick={() => onService(s.name)}
          >
            <span className={styles.swatch} style={{ background: `var(${s.token})` }} aria-hidden="true" />
            <span className={styles.chipName}>{serviceTitle(s.name)}</span>
            {total > 0 && <span className={styles.faint}>{percent(s.selfTime / total)}</span>}
            {s.errors > 0 && <span className={styles.chipErrors}>{formatCount(s.errors)}</span>}
          </button>
        ))}
        {order.length > legendSize && <span className={styles.faint}>and {order.length - legendSize} more</span>}
      </div>
      {skew !== undefined && (aligned || skew.clocks[0]!.behind > trace.extent * mentionedSkew) && (
        <div className={styles.banner} role="status">
          <TriangleAlert size={14} aria-hidden="true" />
          <span>
            {clocksText(skew)} {aligned ? "Times are aligned; dashed outlines show them as sent." : "Times are shown as sent, so children begin before their parents."}
          </span>
          <button type="button" className={styles.bannerAction} onClick={() => onAlign(!aligned)}>
            {aligned ? "Show as sent" : "Align clocks"}
          </button>
        </div>
      )}
      {trace.outOfAxis > 0 && (
        <div className={styles.banner} role="status">
          <TriangleAlert size={14} aria-hidden="true" />
          <span>
            <b>{plural(trace.outOfAxis, "span")}</b> {trace.outOfAxis === 1 ? "has" : "have"} an impossible time, years away from the rest. The time axis leaves{" "}
            {trace.outOfAxis === 1 ? "it" : "them"} out; rows point to where {trace.outOfAxis === 1 ? "it lies" : "they lie"}.
          </span>
          <button type="button" className={styles.bannerAction} onClick={onOutOfAxis}>
            Show {trace.outOfAxis === 1 ? "it" : "them"}
          </button>
        </div>
      )}
      {trace.missingParents > 0 && (
        <div className={styles.banner} role="status">
          <TriangleAlert size={14} aria-hidden="true" />
          <span>
            <b>{plural(trace.missingParents, "span")}</b> {trace.missingParents === 1 ? "names a parent that was" : "name parents that were"} not received
            {trace.rootRow < 0 ? ", and there is no root span" : ""}. Either they are still on their way, or a service on the path does not export its spans, drops or samples them.
          </span>
          <button type="button" className={styles.bannerAction} onClick={onOrphans}>
            Show {trace.missingParents === 1 ? "it" : "them"}
          </button>
        </div>
      )}
      {trace.cycles > 0 && (
        <div className={styles.banner} role="status">
          <TriangleAlert size={14} aria-hidden="true" />
          <span>
            The parents of <b>{plural(trace.cycles, "span")}</b> lead back to {trace.cycles === 1 ? "it" : "them"}. A tree has no such loop: Clew cuts it there and shows{" "}
            {trace.cycles === 1 ? "that span" : "those spans"} at the top.
          </span>
          <button type="button" className={styles.bannerAction} onClick={onCycles}>
            Show {trace.cycles === 1 ? "it" : "them"}
          </button>
        </div>
      )}
    </header>
  );
});

function percent(part: number): string {
  const p = 100 * part;
  return p > 0 && p < 1 ? "<1%" : `${Math.round(p)}%`;
}

function CopyLink(): ReactElement {
  return (
    <CopyButton text={() => location.href} label="Copy link to exactly this view" className={styles.headerCopy}>
      Copy link
    </CopyButton>
  );
}
