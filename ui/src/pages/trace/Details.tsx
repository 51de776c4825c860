// SPDX-License-Identifier: Apache-2.0

// The panel on the right: one span whole. What the payload of the trace holds
// is there at once; attributes, events and links are fetched for this row.

import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { ChevronRight, CornerLeftUp, Crosshair, ExternalLink, Link2, Search, TriangleAlert, X } from "lucide-react";
import type { ReactElement, ReactNode } from "react";
import { useState } from "react";
import { formatDuration, formatDurationExact, formatTime, plural, visibleText } from "../../base/format";
import { usePref } from "../../base/prefs";
import { quote } from "../../lang/literals";
import { type Trace, kindOf, nameOf, parentProblemText, serviceOf, serviceTitleOf, summaryOf, titleOf } from "../../model/trace";
import type { SpanDetails, SpanEvent, SpanLink } from "../../wire/api";
import { type ApiError, getSpansByRows } from "../../wire/client";
import { rowOfSpanId, spanIdHex, statusError, statusOk } from "../../wire/columns";
import { Button, Tip, cx } from "../../widgets/controls";
import { Attributes, FindContext } from "./Attributes";
import { CopyButton } from "./CopyButton";
import styles from "./Details.module.css";
import { spanAsOtlp } from "./otlp";
import { StackTrace } from "./StackTrace";
import { valueText } from "./values";

interface Props {
  trace: Trace;
  row: number;
  /** ns by which its process's clock was aligned, 0 as sent. */
  moved: number;
  /** CSS custom property of the service's colour. */
  token: string;
  onGo: (row: number) => void;
  /** Finds spans of this trace by a TraceQL query. */
  onFind: (query: string) => void;
  onFocus: () => void;
  onClose: () => void;
}

export function Details({ trace, row, moved, token, onGo, onFind, onFocus, onClose }: Props): ReactElement {
  const [filter, setFilter] = useState("");
  const query = useQuery<SpanDetails | undefined, ApiError>({
    queryKey: ["span", trace.traceId, String(trace.startNs), trace.spans, row],
    queryFn: async ({ signal }) => (await getSpansByRows(trace.traceId, { from: row, to: row }, signal))[0],
    staleTime: Infinity,
    retry: false,
  });
  const span = query.data;
  return (
    <aside className={styles.panel} aria-label="Span details" style={{ "--service": `var(${token})` } as React.CSSProperties}>
      <Head trace={trace} row={row} moved={moved} onGo={onGo} onFocus={onFocus} onClose={onClose} />
      <div className={styles.scroll} tabIndex={0} role="region" aria-label="Attributes, events and links">
        {query.error !== null ? (
          <div className={styles.problem} role="alert">
            <p>
              <b>{query.error.message}</b>
            </p>
            {query.error.hint !== "" && <p>{query.error.hint}</p>}
            <button type="button" className={styles.textAction} onClick={() => void query.refetch()}>
              Try again
            </button>
          </div>
        ) : span === undefined ? (
          query.isPending ? <Skeleton /> : <div className={styles.problem}>The server no longer has this span. Reload the trace (R).</div>
        ) : (
          <FindContext value={onFind}>
            <Body trace={trace} span={span} filter={filter} setFilter={setFilter} onGo={onGo} />
          </FindContext>
        )}
      </div>
    </aside>
  );
}

function Head({ trace, row, moved, onGo, onFocus, onClose }: Omit<Props, "token" | "onFind">): ReactElement {
  const status = trace.status[row];
  const parent = trace.parent[row]!;
  const duration = trace.duration[row]!;
  const self = trace.selfTime[row]!;
  const summary = summaryOf(trace, row);
  const id = spanIdHex(trace, row);
  // A span that ran partly outside its parent's time: asynchronous, or two clocks.
  const early = parent >= 0 ? trace.start[parent]! - trace.start[row]! : 0;
  const service = serviceOf(trace, row);
  const problem = parentProblemText(trace, row);
  return (
    <header className={styles.head}>
      <div className={styles.titleRow}>
        <div className={styles.service}>
          <span className={styles.swatch} aria-hidden="true" />
          {serviceTitleOf(trace, row)}
        </div>
        <span className={styles.badge}>{kindOf(trace, row)}</span>
        {status === statusError && <span className={cx(styles.badge, styles.badgeError)}>error</span>}
        {status === statusOk && <span className={cx(styles.badge, styles.badgeOk)}>ok</span>}
        <span className={styles.grow} />
        {parent >= 0 && (
          <Tip text={`To its parent: ${titleOf(trace, parent).slice(0, 200)}`} keys="ArrowLeft">
            <Button look="ghost" small icon aria-label="Go to the parent span" onClick={() => onGo(parent)}>
              <CornerLeftUp size={14} aria-hidden="true" />
            </Button>
          </Tip>
        )}
        <Tip text="Fit the time axis to this span" keys="f">
          <Button look="ghost" small icon aria-label="Fit the time axis to this span" onClick={onFocus}>
            <Crosshair size={14} aria-hidden="true" />
          </Button>
        </Tip>
        <Link
          to="/search"
          search={{ q: `{ resource.service.name = ${quote(service)} && name = ${quote(nameOf(trace, row))} }` }}
          className={styles.iconLink}
          title="Search for spans of this service and name"
          aria-label="Search for spans of this service and name"
        >
          <Search size={14} aria-hidden="true" />
        </Link>
        <Button look="ghost" small icon aria-label="Close details (Esc)" title="Close (Esc)" onClick={onClose}>
          <X size={15} aria-hidden="true" />
        </Button>
      </div>
      <h2 className={styles.name} {...focusableWhenLong(titleOf(trace, row))}>
        {titleOf(trace, row)}
      </h2>
      {summary !== "" && <p className={styles.summary} {...focusableWhenLong(summary)}>
          {summary}
        </p>}
      <div className={styles.facts}>
        <Fact label="Duration" title={formatDurationExact(duration)}>
          {formatDuration(duration)}
        </Fact>
        <Fact label="Self time" title="Duration less the time in which a child ran">
          {formatDuration(self)}
          {duration > 0 && trace.subtree[row]! > 0 && <span className={styles.faint}> {Math.round((100 * self) / duration)} %</span>}
        </Fact>
        <Fact label="Starts at" title={`${formatDurationExact(trace.start[row]!)} after the trace's start`}>
          {formatDuration(trace.start[row]!)}
        </Fact>
        <Fact label="Of the trace" title="Duration as a share of the whole trace">
          {share(duration / trace.extent)}
        </Fact>
      </div>
      <div className={styles.proportion} aria-hidden="true">
        <span style={{ left: `${(100 * trace.start[row]!) / trace.extent}%`, width: `max(2px, ${(100 * duration) / trace.extent}%)` }} />
      </div>
      <div className={styles.ids}>
        <span className={styles.faint}>Span</span> <code>{id}</code>
        <CopyButton text={id} label="Copy span id" />
        <CopyButton text={() => linkTo(id)} label="Copy link to this span">
          link
        </CopyButton>
      </div>
      {problem !== "" && (
        <p className={styles.notice}>
          <TriangleAlert size={14} aria-hidden="true" /> {problem}
        </p>
      )}
      {moved !== 0 && (
        <p className={styles.notice}>
          <TriangleAlert size={14} aria-hidden="true" /> Moved by {signed(moved)}: the clock of its process is behind its callers'. It was sent as starting at{" "}
          {formatDuration(trace.start[row]! - moved)}. Times below are as sent.
        </p>
      )}
      {early > 0 && (
        <p className={styles.notice}>
          <TriangleAlert size={14} aria-hidden="true" /> Starts {formatDuration(early)} before its parent. The two clocks disagree; times are shown as they were sent.
        </p>
      )}
    </header>
  );
}

/** Text that may need scrolling within its box can be reached by keyboard. */
function focusableWhenLong(text: string): { tabIndex?: number } {
  return text.length > 160 || text.split("\n", 4).length > 3 ? { tabIndex: 0 } : {};
}

function linkTo(spanId: string): string {
  const url = new URL(location.href);
  url.searchParams.set("span", spanId);
  return url.href;
}

function share(part: number): string {
  const percent = 100 * part;
  return percent > 0 && percent < 0.1 ? "< 0.1 %" : `${percent >= 10 || percent === 0 ? Math.round(percent) : percent.toFixed(1)} %`;
}

function Fact({ label, title, children }: { label: string; title: string; children: ReactNode }): ReactElement {
  return (
    <div className={styles.fact} title={title}>
      <span className={styles.factLabel}>{label}</span>
      <span className={styles.factValue}>{children}</span>
    </div>
  );
}

function Body({
  trace, span, filter, setFilter, onGo,
}: { trace: Trace; span: SpanDetails; filter: string; setFilter: (f: string) => void; onGo: (row: number) => void }): ReactElement {
  const wanted = filter.trim().toLowerCase();
  const exceptions = span.events.filter((e) => e.name === "exception");
  const [raw, setRaw] = useState(false);
  return (
    <>
      {span.status === "error" && span.statusMessage !== "" && (
        <div className={styles.statusMessage} {...focusableWhenLong(span.statusMessage)}>
          <b>Error</b> {visibleText(span.statusMessage, true)}
        </div>
      )}
      {exceptions.map((e, i) => (
        <Exception key={i} event={e} trace={trace} />
      ))}
      {span.notes.length > 0 && (
        <div className={styles.notes}>
          <h3 className={styles.notesTitle}>
            <TriangleAlert size={14} aria-hidden="true" /> {plural(span.notes.length, "note")} on this span
          </h3>
          <ul>
            {span.notes.map((n, i) => (
              <li key={i}>{n}</li>
            ))}
          </ul>
          <p className={styles.faint}>Notes say what Clew repaired or found odd on receipt. They are not part of the span.</p>
        </div>
      )}
      <div className={styles.filter}>
        <input
          className={styles.filterInput}
          type="search"
          placeholder="Filter attributes"
          aria-label="Filter attributes"
          value={filter}
          onChange={(e) => setFilter(e.target.value)}
          onKeyDown={(e) => {
            if (e.key !== "Escape") return;
            e.stopPropagation();
            setFilter("");
            e.currentTarget.blur();
          }}
        />
        <Button small look="ghost" aria-pressed={raw} onClick={() => setRaw(!raw)}>
          {raw ? "Formatted" : "Raw JSON"}
        </Button>
      </div>
      {raw ? (
        <Raw span={span} />
      ) : (
        <>
          <Section title="Attributes" count={span.attributes.length} dropped={span.droppedAttributes}>
            <Attributes attributes={span.attributes} scope="span" filter={wanted} />
          </Section>
          {(span.events.length > 0 || span.droppedEvents > 0) && (
            <Section title="Events" count={span.events.length} dropped={span.droppedEvents}>
              <Events span={span} filter={wanted} trace={trace} />
            </Section>
          )}
          {(span.links.length > 0 || span.droppedLinks > 0) && (
            <Section title="Links" count={span.links.length} dropped={span.droppedLinks}>
              {span.links.map((l, i) => (
                <SpanLinkRow key={i} link={l} trace={trace} filter={wanted} onGo={onGo} />
              ))}
            </Section>
          )}
          <Section title="Resource" count={span.resource.attributes.length} dropped={span.resource.dropped}>
            <Attributes attributes={span.resource.attributes} scope="resource" filter={wanted} />
          </Section>
          <Section title="Scope and context" closed={wanted === ""}>
            <Context span={span} filter={wanted} />
          </Section>
        </>
      )}
    </>
  );
}

function Section({ title, count, dropped = 0, closed = false, children }: {
  title: string; count?: number; dropped?: number; closed?: boolean; children: ReactNode;
}): ReactElement {
  const [open, setOpen] = useState<boolean | undefined>(undefined);
  const shown = open ?? !closed;
  return (
    <section className={styles.section}>
      <h3 className={styles.sectionTitle}>
        <button type="button" aria-expanded={shown} className={styles.sectionButton} onClick={() => setOpen(!shown)}>
          <ChevronRight size={14} aria-hidden="true" className={cx(styles.sectionChevron, shown && styles.open)} />
          {title}
          {count !== undefined && <span className={styles.count}>{count}</span>}
        </button>
        {dropped > 0 && (
          <span className={styles.dropped} title="The sender had more than its limits allow and dropped them before sending.">
            {dropped} dropped by the sender
          </span>
        )}
      </h3>
      {shown && <div className={styles.sectionBody}>{children}</div>}
    </section>
  );
}

function textOf(e: SpanEvent, key: string): string {
  const found = e.attributes.find((a) => a.key === key);
  return found === undefined ? "" : valueText(found);
}

const exceptionKeys = new Set(["exception.type", "exception.message", "exception.stacktrace"]);

function Exception({ event, trace }: { event: SpanEvent; trace: Trace }): ReactElement {
  const type = textOf(event, "exception.type");
  const message = textOf(event, "exception.message");
  const stack = textOf(event, "exception.stacktrace");
  const rest = event.attributes.filter((a) => !exceptionKeys.has(a.key));
  const offset = Number(BigInt(event.timeNs) - trace.startNs);
  return (
    <div className={styles.exception}>
      <div className={styles.exceptionHead}>
        <span className={styles.exceptionType}>{type || "exception"}</span>
        <span className={styles.faint}>at {formatDuration(offset)}</span>
      </div>
      {message !== "" && <p className={styles.exceptionMessage} {...focusableWhenLong(message)}>
          {visibleText(message, true)}
        </p>}
      {stack !== "" && <StackTrace text={stack} />}
      {rest.length > 0 && <Attributes attributes={rest} scope="event" />}
    </div>
  );
}

/** Events that are on the page before "show all". */
const firstEvents = 50;

function Events({ span, filter, trace }: { span: SpanDetails; filter: string; trace: Trace }): ReactElement {
  const [all, setAll] = useState(false);
  const [zone] = usePref("zone");
  const events = span.events.filter((e) => e.name !== "exception");
  const exceptions = span.events.length - events.length;
  const start = BigInt(span.startNs);
  return (
    <>
      {exceptions > 0 && <p className={styles.none}>{plural(exceptions, "exception")}: shown above</p>}
      {events.slice(0, all ? undefined : firstEvents).map((e, i) => (
        <div key={i} className={styles.event}>
          <div className={styles.eventHead}>
            <span className={styles.eventMark} aria-hidden="true" />
            <b className={styles.eventName}>{e.name.trim() === "" ? "(no name)" : visibleText(e.name.length > 300 ? `${e.name.slice(0, 300)}…` : e.name)}</b>
            <span className={styles.faint} title={`${formatTime(e.timeNs, zone, 9)}; ${formatDuration(Number(BigInt(e.timeNs) - trace.startNs))} after the trace's start`}>
              {signed(Number(BigInt(e.timeNs) - start))} into the span
            </span>
          </div>
          {e.attributes.length > 0 && <Attributes attributes={e.attributes} scope="event" filter={filter} />}
          {e.dropped > 0 && <p className={styles.none}>{plural(e.dropped, "attribute")} dropped by the sender</p>}
        </div>
      ))}
      {!all && events.length > firstEvents && (
        <button type="button" className={styles.textAction} onClick={() => setAll(true)}>
          Show all {events.length} events
        </button>
      )}
    </>
  );
}

function signed(ns: number): string {
  return ns < 0 ? `−${formatDuration(-ns)}` : `+${formatDuration(ns)}`;
}

function SpanLinkRow({ link, trace, filter, onGo }: { link: SpanLink; trace: Trace; filter: string; onGo: (row: number) => void }): ReactElement {
  const here = link.traceId === trace.traceId;
  const row = here ? rowOfSpanId(trace, link.spanId) : -1;
  return (
    <div className={styles.link}>
      <div className={styles.eventHead}>
        {here ? <Link2 size={14} aria-hidden="true" /> : <ExternalLink size={14} aria-hidden="true" />}
        {row >= 0 ? (
          <button type="button" className={styles.linkTarget} onClick={() => onGo(row)}>
            {serviceTitleOf(trace, row)} · {titleOf(trace, row)}
          </button>
        ) : here ? (
          <span>a span of this trace that was not received</span>
        ) : (
          <Link to="/trace/$traceId" params={{ traceId: link.traceId }} search={{ span: link.spanId }} className={styles.linkTarget}>
            trace <code>{link.traceId.slice(0, 16)}…</code>
          </Link>
        )}
        <span className={styles.faint}>
          span <code>{link.spanId}</code>
        </span>
      </div>
      {link.traceState !== "" && <p className={styles.none}>tracestate {link.traceState}</p>}
      {link.attributes.length > 0 && <Attributes attributes={link.attributes} scope="link" filter={filter} />}
    </div>
  );
}

function Context({ span, filter }: { span: SpanDetails; filter: string }): ReactElement {
  const [zone] = usePref("zone");
  const end = BigInt(span.startNs) + BigInt(Math.round(Number(span.durationNs)));
  const rows: [string, string][] = [
    ["start", formatTime(span.startNs, zone, 9)],
    ["end", formatTime(end, zone, 9)],
    ["trace id", span.traceId],
    ["parent span id", span.parentSpanId || "none"],
    ["tracestate", span.traceState || "none"],
    ["flags", `0x${span.flags.toString(16).padStart(2, "0")}${span.flags & 1 ? " sampled" : ""}`],
    ["scope", [span.scope.name, span.scope.version].filter((s) => s !== "").join(" ") || "none"],
  ];
  if (span.scope.schemaUrl !== "") rows.push(["scope schema", span.scope.schemaUrl]);
  if (span.resource.schemaUrl !== "") rows.push(["resource schema", span.resource.schemaUrl]);
  return (
    <>
      <dl className={styles.attributes}>
        {rows.map(([key, value]) => (
          <div key={key} className={styles.attribute}>
            <dt className={cx(styles.key, styles.plainKey)}>{key}</dt>
            <dd className={styles.value}>
              {visibleText(value)}
              <span className={styles.rowActions}>
                <CopyButton text={value} label={`Copy ${key}`} />
              </span>
            </dd>
          </div>
        ))}
      </dl>
      {span.scope.attributes.length > 0 && <Attributes attributes={span.scope.attributes} scope="instrumentation" filter={filter} />}
    </>
  );
}

function Raw({ span }: { span: SpanDetails }): ReactElement {
  const json = JSON.stringify(spanAsOtlp(span), null, 2);
  return (
    <div className={styles.raw}>
      <div className={styles.stackTools}>
        <span className={styles.faint}>This span as OTLP/JSON</span>
        <span className={styles.grow} />
        <CopyButton text={json} label="Copy OTLP/JSON" />
      </div>
      <pre className={styles.rawText}>{json.length > 200_000 ? `${json.slice(0, 200_000)}\n… ${json.length - 200_000} more characters: copy has all` : json}</pre>
    </div>
  );
}

function Skeleton(): ReactElement {
  return (
    <div className={styles.skeleton} aria-label="Loading">
      {[70, 45, 85, 60, 75, 40].map((w, i) => (
        <span key={i} style={{ width: `${w}%` }} />
      ))}
    </div>
  );
}
