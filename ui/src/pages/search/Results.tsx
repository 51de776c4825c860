// SPDX-License-Identifier: Apache-2.0

// The list of traces. Each row holds a link that covers it, so that middle
// click, copy link and screen readers work as everywhere; j and k move the
// focus along.

import { Link } from "@tanstack/react-router";
import { ChevronRight, CircleAlert, Unlink } from "lucide-react";
import type { ReactElement, RefObject } from "react";
import { memo, useEffect, useMemo, useRef, useState } from "react";
import { type Zone, formatAgo, formatCount, formatDuration, formatDurationExact, formatTime, plural } from "../../base/format";
import type { MatchedSpan, TraceHit } from "../../wire/api";
import { ServiceDot, cx } from "../../widgets/controls";
import type { Hover } from "./hover";
import styles from "./Results.module.css";
import { ceil125, floor125 } from "./scatter";

interface Props {
  traces: readonly TraceHit[];
  zone: Zone;
  nowMs: number;
  hover: Hover;
  stale: boolean;
  /** Whether the query asks for more than "any span": only then do matches tell something. */
  selective: boolean;
  /** Ids of the rows whose matching spans are shown. */
  open: ReadonlySet<string>;
  onToggle: (traceId: string) => void;
}

export function Results(props: Props): ReactElement {
  const { traces, zone, nowMs, hover, selective, open, onToggle } = props;
  const list = useRef<HTMLOListElement>(null);
  const head = useRef<HTMLDivElement>(null);
  const scale = useMemo(() => durationScale(traces), [traces]);
  const room = useChipRoom(head);

  useEffect(() => {
    const rows = list.current!;
    const point = (e: Event): void => {
      hover.set((e.target as Element).closest<HTMLElement>("[data-trace]")?.dataset["trace"] ?? "");
    };
    const leave = (): void => hover.set("");
    rows.addEventListener("mouseover", point);
    rows.addEventListener("focusin", point);
    rows.addEventListener("mouseleave", leave);
    rows.addEventListener("focusout", leave);
    const unsubscribe = hover.subscribe((id) => {
      for (const row of rows.querySelectorAll("[data-pointed]")) row.removeAttribute("data-pointed");
      if (id !== "") rows.querySelector(`[data-trace="${CSS.escape(id)}"]`)?.setAttribute("data-pointed", "");
    });
    return () => {
      rows.removeEventListener("mouseover", point);
      rows.removeEventListener("focusin", point);
      rows.removeEventListener("mouseleave", leave);
      rows.removeEventListener("focusout", leave);
      unsubscribe();
    };
  }, [hover]);

  return (
    <div className={cx(styles.results, props.stale && styles.stale, selective && styles.selective)}>
      <div ref={head} className={styles.head} aria-hidden="true">
        <span className={styles.headName}>Trace</span>
        <span className={styles.headServices} data-services="">Services</span>
        <span>Duration</span>
        <span className={styles.right}>Spans</span>
        {selective && <span className={styles.right}>Matches</span>}
        <span className={styles.right}>Errors</span>
        <span className={styles.right}>Started</span>
      </div>
      <ol ref={list} className={styles.list} aria-label="Traces">
        {traces.map((trace) => (
          <Row
            key={trace.traceId}
            trace={trace}
            share={scale(trace.durationNs)}
            zone={zone}
            ago={formatAgo(trace.startNs, nowMs)}
            start={startText(trace.startNs, zone, nowMs)}
            room={room}
            selective={selective}
            open={open.has(trace.traceId)}
            onToggle={onToggle}
          />
        ))}
      </ol>
    </div>
  );
}

/** Length of a duration's bar from 0 to 1, logarithmic like the plot: durations differ by orders of magnitude. */
export function durationScale(traces: readonly { durationNs: number }[]): (ns: number) => number {
  let [lo, hi] = [Infinity, 1];
  for (const { durationNs } of traces) {
    if (durationNs > 0) lo = Math.min(lo, durationNs);
    hi = Math.max(hi, durationNs);
  }
  const from = floor125(Math.min(lo, hi) / 2);
  const to = ceil125(hi);
  return (ns) => (ns <= from ? 0.01 : Math.max(0.01, Math.log(ns / from) / Math.log(to / from)));
}

/** When a trace started: the time of day, with the date instead of milliseconds when it was not today. */
function startText(startNs: string, zone: Zone, nowMs: number): string {
  const text = formatTime(startNs, zone);
  const today = formatTime(BigInt(Math.round(nowMs)) * 1_000_000n, zone).slice(0, 10);
  return text.startsWith(today) ? text.slice(11) : text.slice(5, 19);
}

interface RowProps {
  trace: TraceHit;
  share: number;
  zone: Zone;
  ago: string;
  start: string;
  /** Width for the service chips, px. */
  room: number;
  selective: boolean;
  open: boolean;
  onToggle: (traceId: string) => void;
}

/** Width of the services' place in a row, in steps, so that resizing renders seldom. */
function useChipRoom(head: RefObject<HTMLElement | null>): number {
  const [room, setRoom] = useState(400);
  useEffect(() => {
    const observer = new ResizeObserver(() => {
      const column = head.current?.querySelector<HTMLElement>("[data-services]");
      const width = column?.offsetWidth || (head.current?.offsetWidth || 420) - 150;
      setRoom(Math.max(120, Math.floor(width / 20) * 20));
    });
    if (head.current !== null) observer.observe(head.current);
    return () => observer.disconnect();
  }, [head]);
  return room;
}

/** Services worth showing first (those with errors, then the largest), and how many of them fit in `room` px. */
export function fitServices(services: TraceHit["services"], room: number): { shown: TraceHit["services"]; rest: TraceHit["services"] } {
  const sorted = [...services].sort(
    (a, b) => Number(b.errors > 0) - Number(a.errors > 0) || b.spans - a.spans || (a.name < b.name ? -1 : 1),
  );
  const more = 34; // "+12"
  let left = room;
  let n = 0;
  for (const s of sorted) {
    const width = 22 + (s.name.length + formatCount(s.spans).length + 1) * 6.6 + (s.errors > 0 ? 16 : 0);
    const needed = n === sorted.length - 1 ? width : width + more;
    if (needed > left && n > 0) break;
    left -= width;
    n++;
  }
  return { shown: sorted.slice(0, n), rest: sorted.slice(n) };
}

const Row = memo(function Row({ trace, share, zone, ago, start, room, selective, open, onToggle }: RowProps): ReactElement {
  const title = trace.missingRoot ? "root span not received" : trace.rootName || "unnamed";
  const facts = [
    `${trace.rootService || "unknown service"} ${title}`,
    formatDuration(trace.durationNs),
    plural(trace.spanCount, "span"),
    trace.errorCount > 0 ? plural(trace.errorCount, "error") : "no errors",
    `started ${formatTime(trace.startNs, zone)}`,
  ];
  return (
    <li data-trace={trace.traceId} className={styles.item}>
      <div className={styles.row}>
        <Link
          to="/trace/$traceId"
          params={{ traceId: trace.traceId }}
          className={styles.link}
          data-row={trace.traceId}
          aria-label={facts.join(", ")}
        >
          <ServiceDot name={trace.rootService} />
          <b className={styles.service}>{trace.rootService || "unknown service"}</b>{" "}
          <span className={cx(styles.operation, trace.missingRoot && styles.missing)}>
            {trace.missingRoot && <Unlink size={13} aria-hidden="true" />}
            {title}
          </span>
        </Link>
        <Services trace={trace} room={room} />
        <span className={styles.duration} title={`${formatDurationExact(trace.durationNs)}; the bar is logarithmic`}>
          <span className={styles.track}>
            <span
              className={cx(styles.bar, trace.errorCount > 0 && styles.barError)}
              style={{ width: `${share * 100}%` }}
            />
          </span>
          <span className={styles.number}>{formatDuration(trace.durationNs)}</span>
        </span>
        <span className={styles.count}>{formatCount(trace.spanCount)}</span>
        {selective && (
          <button
            type="button"
            className={styles.matched}
            aria-expanded={open}
            aria-label={`${plural(trace.matched, "matching span")}, show`}
            disabled={trace.spans.length === 0}
            onClick={() => onToggle(trace.traceId)}
          >
            {formatCount(trace.matched)}
            <ChevronRight size={13} aria-hidden="true" />
          </button>
        )}
        <span className={styles.count}>
          {trace.errorCount > 0 ? (
            <span className={styles.errors}>
              <CircleAlert size={12} aria-hidden="true" />
              {formatCount(trace.errorCount)}
            </span>
          ) : (
            <span className={styles.none}>–</span>
          )}
        </span>
        <span className={styles.start} title={formatTime(trace.startNs, zone, 9)}>
          <span className={styles.ago}>{ago}</span>
          <span>{start}</span>
        </span>
      </div>
      {open && selective && <Matches trace={trace} />}
    </li>
  );
});

function Services({ trace, room }: { trace: TraceHit; room: number }): ReactElement {
  const { shown, rest } = fitServices(trace.services, room);
  return (
    <span className={styles.chips}>
      {shown.map((s) => (
        <span
          key={s.name}
          className={cx(styles.chip, s.errors > 0 && styles.chipError)}
          title={`${s.name}: ${plural(s.spans, "span")}${s.errors > 0 ? `, ${plural(s.errors, "error")}` : ""}`}
        >
          <ServiceDot name={s.name} />
          <span className={styles.chipName}>{s.name}</span>
          <i>{formatCount(s.spans)}</i>
          {s.errors > 0 && <CircleAlert size={11} aria-hidden="true" />}
        </span>
      ))}
      {rest.length > 0 && (
        <span
          className={cx(styles.chip, rest.some((s) => s.errors > 0) && styles.chipError)}
          title={rest.map((s) => `${s.name}: ${plural(s.spans, "span")}${s.errors > 0 ? `, ${plural(s.errors, "error")}` : ""}`).join("\n")}
        >
          +{rest.length}
          {rest.some((s) => s.errors > 0) && <CircleAlert size={11} aria-hidden="true" />}
        </span>
      )}
    </span>
  );
}

function Matches({ trace }: { trace: TraceHit }): ReactElement {
  const origin = BigInt(trace.startNs);
  return (
    <div className={styles.matches}>
      <ul aria-label="Matching spans">
        {trace.spans.map((span) => (
          <li key={span.spanId}>
            <Link
              to="/trace/$traceId"
              params={{ traceId: trace.traceId }}
              search={{ span: span.spanId }}
              className={styles.match}
            >
              <span className={styles.offset}>+{formatDuration(Number(BigInt(span.startNs) - origin))}</span>
              <ServiceDot name={span.service} />
              <b>{span.service}</b>
              <span className={styles.matchName}>{span.name}</span>
              {span.status === "error" && <span className={styles.errorWord}>error</span>}
              <span className={styles.attributes}>{attributes(span)}</span>
              <span className={styles.number}>{formatDuration(span.durationNs)}</span>
            </Link>
          </li>
        ))}
      </ul>
      {trace.matched > trace.spans.length && (
        <p className={styles.rest}>and {plural(trace.matched - trace.spans.length, "more matching span")} in the trace</p>
      )}
    </div>
  );
}

function attributes(span: MatchedSpan): ReactElement[] {
  return span.attributes.slice(0, 6).map((a) => (
    <span key={a.key} className={styles.attribute}>
      {a.key}=<span>{typeof a.value === "string" ? a.value : JSON.stringify(a.value)}</span>
    </span>
  ));
}
