// SPDX-License-Identifier: Apache-2.0

// Duration over time of the loaded traces. Hover names a trace, click opens
// it, a dragged rectangle narrows the search to its time and duration. The
// list below holds the same facts for those who cannot see or point.

import type { PointerEvent, ReactElement } from "react";
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { type Zone, formatDuration, formatTime, plural } from "../../base/format";
import { serviceToken } from "../../base/services";
import type { TraceHit } from "../../wire/api";
import { ServiceDot } from "../../widgets/controls";
import type { Hover } from "./hover";
import type { ColourBy } from "./params";
import { type Selection, fitDomain, hitTest, makePoints, select } from "./scatter";
import { type Drag, ScatterRenderer, type ScatterScene } from "./scatterRenderer";
import styles from "./Scatter.module.css";

interface Props {
  traces: readonly TraceHit[];
  /** The asked window, when all of its traces are loaded. */
  window: { startNs?: bigint; endNs?: bigint };
  zone: Zone;
  colourBy: ColourBy;
  hover: Hover;
  theme: string;
  onOpen: (traceId: string, newTab: boolean) => void;
  onSelect: (selection: Selection) => void;
}

/** Pointer travel in px that makes a click a drag. */
const dragThreshold = 5;

export function Scatter({ traces, window: asked, zone, colourBy, hover, theme, onOpen, onSelect }: Props): ReactElement {
  const host = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const renderer = useRef<ScatterRenderer | null>(null);
  const drag = useRef<Drag | null>(null);
  const highlight = useRef(-1);
  const frame = useRef(0);
  const [tip, setTip] = useState<{ index: number; left?: number; right?: number; top: number } | null>(null);
  const [dragging, setDragging] = useState<Selection | null>(null);

  const scene = useMemo((): ScatterScene => {
    const points = makePoints(traces);
    return {
      points,
      domain: fitDomain(points, asked),
      tokens: traces.map((t) =>
        colourBy === "service" ? serviceToken(t.rootService) : t.errorCount > 0 ? "--error" : "--ok",
      ),
      errors: Uint8Array.from(traces, (t) => (t.errorCount > 0 ? 1 : 0)),
      radius: Float32Array.from(traces, (t) => Math.min(6.5, 2.6 + Math.log10(Math.max(1, t.spanCount)) * 1.1)),
      zone,
    };
  }, [traces, asked, zone, colourBy]);
  const index = useMemo(() => new Map(traces.map((t, i) => [t.traceId, i])), [traces]);

  const current = useRef(scene);
  const paint = useCallback(() => {
    cancelAnimationFrame(frame.current);
    frame.current = requestAnimationFrame(() => renderer.current?.draw(current.current, highlight.current, drag.current));
  }, []);

  useEffect(() => {
    current.current = scene;
    paint();
  }, [scene, paint]);

  useEffect(() => {
    const made = new ScatterRenderer(canvas.current!);
    renderer.current = made;
    const observer = new ResizeObserver(([entry]) => {
      const { width, height } = entry!.contentRect;
      made.resize(width, height, devicePixelRatio);
      paint();
    });
    observer.observe(host.current!);
    return () => {
      observer.disconnect();
      cancelAnimationFrame(frame.current);
      renderer.current = null;
    };
  }, [paint]);

  useEffect(() => {
    renderer.current?.retheme(theme);
    paint();
  }, [theme, paint]);

  useEffect(
    () =>
      hover.subscribe((id) => {
        highlight.current = index.get(id) ?? -1;
        paint();
      }),
    [hover, index, paint],
  );

  const at = (e: PointerEvent): { x: number; y: number } => {
    const box = canvas.current!.getBoundingClientRect();
    return { x: e.clientX - box.left, y: e.clientY - box.top };
  };

  const selection = (d: Drag): Selection =>
    select(scene.points, scene.domain, renderer.current!.plot, d.ax, d.ay, d.bx, d.by);

  const moved = (d: Drag): boolean => Math.abs(d.bx - d.ax) > dragThreshold || Math.abs(d.by - d.ay) > dragThreshold;

  const onMove = (e: PointerEvent): void => {
    const { x, y } = at(e);
    if (drag.current !== null) {
      drag.current = { ...drag.current, bx: x, by: y };
      if (moved(drag.current)) {
        setDragging(selection(drag.current));
        setTip(null);
      }
      paint();
      return;
    }
    const hit = hitTest(scene.points, scene.domain, renderer.current!.plot, x, y, 12);
    hover.set(hit < 0 ? "" : traces[hit]!.traceId);
    const width = host.current!.clientWidth;
    const beside = x > width / 2 ? { right: width - x + 14 } : { left: x + 14 };
    setTip(hit < 0 ? null : { index: hit, ...beside, top: Math.max(4, y - 34) });
  };

  const stop = (): void => {
    drag.current = null;
    setDragging(null);
    paint();
  };

  const onUp = (e: PointerEvent): void => {
    const d = drag.current;
    stop();
    if (d === null) return;
    if (moved(d)) {
      const chosen = selection(d);
      if (Math.abs(d.bx - d.ax) > dragThreshold) onSelect(chosen);
    } else if (tip !== null) {
      onOpen(traces[tip.index]!.traceId, e.metaKey || e.ctrlKey);
    }
  };

  const pointed = tip === null ? undefined : traces[tip.index];
  return (
    <div ref={host} className={styles.host}>
      <canvas
        ref={canvas}
        className={styles.canvas}
        role="img"
        aria-label={`Durations of ${plural(traces.length, "trace")} over time; the list below has the same traces.`}
        data-hit={tip !== null || undefined}
        onPointerDown={(e) => {
          if (e.button !== 0) return;
          const { x, y } = at(e);
          drag.current = { ax: x, ay: y, bx: x, by: y };
          e.currentTarget.setPointerCapture(e.pointerId);
        }}
        onPointerMove={onMove}
        onPointerUp={onUp}
        onPointerCancel={stop}
        onPointerLeave={() => {
          hover.set("");
          setTip(null);
        }}
        onKeyDown={(e) => e.key === "Escape" && stop()}
      />
      {pointed !== undefined && tip !== null && (
        <div
          className={styles.tip}
          style={{ left: tip.left, right: tip.right, top: tip.top }}
        >
          <div className={styles.tipName}>
            <ServiceDot name={pointed.rootService} />
            <b>{pointed.rootService || "unknown service"}</b> {pointed.rootName}
          </div>
          <div className={styles.tipFacts}>
            {formatDuration(pointed.durationNs)} · {plural(pointed.spanCount, "span")}
            {pointed.errorCount > 0 && <span className={styles.bad}> · {plural(pointed.errorCount, "error")}</span>}
          </div>
          <div className={styles.tipFacts}>{formatTime(pointed.startNs, zone)}</div>
        </div>
      )}
      {dragging !== null && (
        <div className={styles.dragNote} role="status">
          {plural(dragging.count, "loaded trace")} ·{" "}
          {formatDuration(Number(dragging.endNs - dragging.startNs))} of time
          {dragging.minDuration !== null && ` · ≥ ${formatDuration(dragging.minDuration)}`}
          {dragging.maxDuration !== null && ` · ≤ ${formatDuration(dragging.maxDuration)}`}
        </div>
      )}
    </div>
  );
}
