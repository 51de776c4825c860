// SPDX-License-Identifier: Apache-2.0

// A loaded trace: the TraceView with what stands around it, and the two-way
// tie between it and the URL. Moves by key replace the history entry, those by
// pointer add one.

import type { ReactElement } from "react";
import { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from "react";
import { useCommands } from "../../base/context";
import { prefs, usePref } from "../../base/prefs";
import { serviceToken } from "../../base/services";
import { type Cause, TraceView } from "../../canvas/traceView";
import { formatFold, parseFold } from "../../model/fold";
import { alignClocks, findSkew } from "../../model/skew";
import type { Trace } from "../../model/trace";
import { formatViewport, parseViewport } from "../../model/viewport";
import { rowOfSpanId, spanIdHex } from "../../wire/columns";
import { traceCommands } from "./commands";
import { Details } from "./Details";
import type { TraceSearch } from "./params";
import { Toolbar, TreeHead } from "./Toolbar";
import { TraceHeader } from "./TraceHeader";
import styles from "./TracePage.module.css";
import { useMatches } from "./useMatches";

interface Props {
  trace: Trace;
  search: TraceSearch;
  navigate: (search: TraceSearch, how?: { replace?: boolean }) => void;
  onReload: () => void;
  reloading: boolean;
}

/** A held key moves the selection 30 times a second; the URL follows when it rests. */
const urlDelayMs = 150;

export function Workspace({ trace: sent, search, navigate, onReload, reloading }: Props): ReactElement {
  const skew = useMemo(() => findSkew(sent), [sent]);
  const aligned = search.align === "1" && skew !== undefined;
  const trace = useMemo(() => (aligned ? alignClocks(sent, skew) : sent), [sent, skew, aligned]);
  const moved = aligned ? skew.byResource : undefined;
  const root = useRef<HTMLDivElement>(null);
  const overview = useRef<HTMLDivElement>(null);
  const ruler = useRef<HTMLDivElement>(null);
  const body = useRef<HTMLDivElement>(null);
  const find = useRef<HTMLInputElement>(null);
  const view = useRef<TraceView | undefined>(undefined);
  const services = useMemo(() => trace.services.map((s) => ({ name: s.name, token: serviceToken(s.name) })), [trace]);
  const [selected, setSelected] = useState(() => (search.span === undefined ? -1 : rowOfSpanId(trace, search.span)));
  const [text, setText] = useState(search.q ?? "");

  // What the URL will say, ahead of the router by one pending replace.
  const wanted = useRef(search);
  const timer = useRef(0);
  const navigator = useRef(navigate);
  useEffect(() => {
    navigator.current = navigate;
  });
  const go = useCallback((change: Partial<TraceSearch>, cause: Cause): void => {
    wanted.current = { ...wanted.current, ...change };
    clearTimeout(timer.current);
    if (cause === "pointer") navigator.current(wanted.current);
    else timer.current = window.setTimeout(() => navigator.current(wanted.current, { replace: true }), urlDelayMs);
  }, []);
  useEffect(() => {
    wanted.current = search;
    clearTimeout(timer.current);
  }, [search]);
  useEffect(() => () => clearTimeout(timer.current), []);

  useLayoutEffect(() => {
    const made = new TraceView(
      { root: root.current!, overview: overview.current!, ruler: ruler.current!, body: body.current! },
      trace,
      moved,
      prefs.treeWidth.get(),
      {
        onSelect: (row, cause) => {
          setSelected(row);
          if (cause !== "program") go({ span: row < 0 ? undefined : spanIdHex(trace, row) }, cause);
        },
        onViewport: (viewport, cause) => {
          if (cause !== "program") go({ zoom: formatViewport(viewport, trace.extent) }, cause);
        },
        onFold: () => go({ depth: undefined, collapsed: undefined, ...formatFold(made.rows) }, "key"),
        onTreeWidth: prefs.treeWidth.set,
      },
    );
    view.current = made;
    const initial = wanted.current;
    made.setCollapsedRows(parseFold(made.rows, initial));
    const zoom = parseViewport(initial.zoom, trace.extent);
    if (zoom !== undefined) made.show(zoom, "program", false);
    const row = initial.span === undefined ? -1 : rowOfSpanId(trace, initial.span);
    if (row >= 0) made.select(row, "program", true);
    if (initial.path === "1") made.showCritical(true);
    made.focus();
    return () => {
      view.current = undefined;
      made.destroy();
    };
  }, [trace, moved, go]);

  // The URL changed by itself (back, forward, an edited address): the view follows.
  useEffect(() => {
    const v = view.current;
    if (v === undefined) return;
    const row = search.span === undefined ? -1 : rowOfSpanId(trace, search.span);
    const shown = v.selected < 0 ? undefined : spanIdHex(trace, v.selected);
    if (shown !== search.span?.toLowerCase()) v.select(row, "program", true);
  }, [trace, search.span]);
  useEffect(() => {
    const v = view.current;
    if (v === undefined || formatViewport(v.viewport, trace.extent) === search.zoom) return;
    v.show(parseViewport(search.zoom, trace.extent) ?? { from: 0, to: trace.extent }, "program");
  }, [trace, search.zoom]);
  useEffect(() => {
    const v = view.current;
    if (v === undefined) return;
    const now = formatFold(v.rows);
    if (now.depth === search.depth && now.collapsed === search.collapsed) return;
    v.setCollapsedRows(parseFold(v.rows, { depth: search.depth, collapsed: search.collapsed }));
  }, [search.depth, search.collapsed]);
  const [shownQuery, setShownQuery] = useState(search.q);
  if (shownQuery !== search.q) {
    setShownQuery(search.q);
    if ((search.q ?? "") !== text.trim()) setText(search.q ?? "");
  }

  const { matches, problem, note } = useMatches(trace, text);
  const only = search.only === "1";
  useEffect(() => view.current?.setMatches(matches, only), [matches, only]);
  const path = search.path === "1";
  useEffect(() => view.current?.showCritical(path), [path]);

  const onText = useCallback(
    (value: string): void => {
      setText(value);
      go({ q: value.trim() === "" ? undefined : value.trim() }, "key");
    },
    [go],
  );
  const serviceTerm = /^"?service:([^"]*)"?$/.exec(text)?.[1];
  const onService = useCallback((name: string): void => onText(serviceTerm === name ? "" : `"service:${name}"`), [onText, serviceTerm]);
  const showOnly = useCallback(
    (q: string): void => {
      setText(q);
      go({ q, only: "1" }, "pointer");
    },
    [go],
  );
  const onAlign = useCallback((on: boolean) => go({ align: on ? "1" : undefined, zoom: undefined }, "pointer"), [go]);
  const onOrphans = useCallback(() => showOnly("is:orphan"), [showOnly]);
  const onCycles = useCallback(() => showOnly("is:cycle"), [showOnly]);
  const onOutOfAxis = useCallback(() => showOnly("is:far"), [showOnly]);
  const nextError = useCallback(
    (direction: 1 | -1): void => {
      const at = view.current?.selected ?? -1;
      const n = trace.spans;
      for (let i = 1; i <= n; i++) {
        const row = (((at < 0 && direction === 1 ? -1 : at) + direction * i) % n + n) % n;
        if (trace.status[row] === 2) {
          view.current?.select(row, "key", true);
          return;
        }
      }
    },
    [trace],
  );
  const onErrors = useCallback(() => nextError(1), [nextError]);

  useCommands("Trace", () =>
    traceCommands({
      view: () => view.current,
      find: () => find.current,
      setOnly: (on) => go({ only: on ? "1" : undefined }, "pointer"),
      only,
      setPath: (on) => go({ path: on ? "1" : undefined }, "pointer"),
      path,
      ...(skew === undefined ? {} : { align: () => onAlign(!aligned) }),
      clearText: () => onText(""),
      text,
      nextError,
      reload: onReload,
    }),
  );

  const position = matches === undefined || selected < 0 ? -1 : matches.rows.indexOf(selected);
  return (
    <div className={styles.page}>
      <TraceHeader
        trace={trace}
        services={services}
        skew={skew}
        aligned={aligned}
        onAlign={onAlign}
        service={serviceTerm}
        onService={onService}
        onOrphans={onOrphans}
        onCycles={onCycles}
        onOutOfAxis={onOutOfAxis}
        onErrors={onErrors}
        onReload={onReload}
        reloading={reloading}
      />
      <div className={styles.split}>
        <div ref={root} className={styles.view}>
          <Toolbar
            inputRef={find}
            text={text}
            onText={onText}
            problem={problem}
            note={note}
            total={matches?.rows.length}
            position={position}
            onNext={(d) => view.current?.nextMatch(d)}
            only={only}
            onOnly={(on) => go({ only: on ? "1" : undefined }, "pointer")}
            errors={trace.errorCount}
            path={path}
            onPath={(on) => go({ path: on ? "1" : undefined }, "pointer")}
            onLeave={() => view.current?.focus()}
          />
          <div ref={overview} className={styles.overview} aria-hidden="true" />
          <TreeHead view={() => view.current} />
          <div ref={ruler} className={styles.ruler} aria-hidden="true" />
          <div ref={body} className={styles.body} />
        </div>
        {selected >= 0 && (
          <DetailsDock>
            <Details
              trace={trace}
              row={selected}
              moved={moved?.get(trace.resource[selected]!) ?? 0}
              token={services[trace.serviceIndex[selected]!]!.token}
              onGo={(row) => view.current?.select(row, "pointer", true)}
              onFind={onText}
              onFocus={() => view.current?.focusRow(selected, "pointer")}
              onClose={() => {
                view.current?.select(-1, "pointer");
                view.current?.focus();
              }}
            />
          </DetailsDock>
        )}
      </div>
    </div>
  );
}

/** The right edge of the page, as wide as it was left. */
function DetailsDock({ children }: { children: ReactElement }): ReactElement {
  const [width, setWidth] = usePref("detailsWidth");
  const dock = useRef<HTMLDivElement>(null);
  const grip = (event: React.PointerEvent<HTMLDivElement>): void => {
    const handle = event.currentTarget;
    const start = dock.current!.offsetWidth + event.clientX;
    let last = dock.current!.offsetWidth;
    handle.dataset["active"] = "";
    handle.setPointerCapture(event.pointerId);
    const move = (e: PointerEvent): void => {
      last = Math.round(Math.min(Math.max(start - e.clientX, 280), innerWidth * 0.75));
      dock.current!.style.width = `${last}px`;
    };
    handle.addEventListener("pointermove", move);
    handle.addEventListener(
      "lostpointercapture",
      () => {
        handle.removeEventListener("pointermove", move);
        delete handle.dataset["active"];
        setWidth(last);
      },
      { once: true },
    );
  };
  return (
    <div ref={dock} className={styles.details} style={{ width: Math.min(width, Math.max(280, innerWidth * 0.6)) }}>
      <div className={styles.detailsGrip} onPointerDown={grip} onDoubleClick={() => setWidth(420)} />
      {children}
    </div>
  );
}
