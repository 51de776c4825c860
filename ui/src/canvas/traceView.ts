// SPDX-License-Identifier: Apache-2.0

// The waterfall as a whole, framework-free: it owns what is on the page between
// the ruler and the bottom edge and everything that a pointer does there. The
// page around it (header, details, URL) listens to its events and calls its
// methods; React never renders because of a frame.
//
// Rows and bars scroll as one piece: DOM rows and the canvas both stand in the
// scrolled content and cover the visible rows and some beyond, so the browser
// moves them together, and script draws only when that margin is used up.

import { formatDuration } from "../base/format";
import { serviceToken } from "../base/services";
import { type CriticalPath, criticalPath } from "../model/criticalPath";
import { Rows } from "../model/rows";
import { type Matches } from "../model/search";
import { type Trace, ancestorsOf, isError, serviceTitleOf, titleOf } from "../model/trace";
import { type Viewport, fitViewport, isWhole, panViewport, zoomViewport } from "../model/viewport";
import { FrameLoop } from "./frame";
import { Overview, div } from "./overview";
import { Pointer } from "./pointer";
import { drawRuler } from "./ruler";
import { Surface } from "./surface";
import { type CanvasTheme, onThemeChange, readTheme } from "./theme";
import { TreeRows } from "./treeRows";
import { Waterfall, rowHeight } from "./waterfall";
import styles from "./traceView.module.css";

export interface TraceViewHosts {
  /** Carries `--tree-w`; all others stand inside it. */
  root: HTMLElement;
  overview: HTMLElement;
  ruler: HTMLElement;
  body: HTMLElement;
}

/** What caused a selection: the page pushes a history entry for a click, and replaces it for keys. */
export type Cause = "pointer" | "key" | "program";

export interface TraceViewEvents {
  onSelect: (row: number, cause: Cause) => void;
  /** The window of time came to rest. */
  onViewport: (viewport: Viewport, cause: Cause) => void;
  /** Rows were folded or unfolded. */
  onFold: () => void;
  onTreeWidth: (width: number) => void;
}

/**
 * Rows drawn beyond the edges of the page, and how many of them must be left
 * before more are drawn. The first gives the browser room to scroll ahead of
 * script; the difference is how many rows a frame rewrites at most while
 * scrolling slowly, and a small number keeps frames even.
 */
const margin = 10;
const marginLeft = 6;

const stickyMax = 5;
const stripWidth = 8;
/** No list of rows reads so: the sticky rows are drawn anew. */
const stickyStale = "stale";

export class TraceView {
  readonly trace: Trace;
  readonly rows: Rows;
  #selected = -1;
  #viewport: Viewport;

  readonly #moved: ReadonlyMap<number, number> | undefined;
  readonly #hosts: TraceViewHosts;
  readonly #events: TraceViewEvents;
  readonly #loop: FrameLoop;
  readonly #overview: Overview;
  readonly #pointer: Pointer;
  readonly #waterfall = new Waterfall();
  readonly #stickyWaterfall = new Waterfall();
  readonly #tokens: string[];
  readonly #stopTheme: () => void;
  readonly #observer: ResizeObserver;

  readonly #scroller = div(styles["scroller"]!);
  readonly #content = div(styles["content"]!);
  readonly #selection = div(styles["selected"]!);
  readonly #rowsHost = div(styles["rows"]!);
  readonly #sticky = div(styles["sticky"]!);
  readonly #stickyRowsHost = div(styles["stickyRows"]!);
  readonly #live = div("visually-hidden");
  readonly #tree: TreeRows;
  readonly #stickyTree: TreeRows;
  readonly #bars: Surface;
  readonly #stickyBars: Surface;
  readonly #ruler: Surface;
  readonly #strip: Surface;

  #theme: CanvasTheme;
  #colors: string[] = [];
  #matches: Matches | undefined;
  #critical: CriticalPath | undefined;
  #treeWidth: number;
  /** Width of the body without its scrollbar, and height. */
  #width = 0;
  #height = 0;
  #drawn = { first: 0, last: 0 };
  #staleBars = true;
  #staleStrip = true;
  #stickyKey = stickyStale;
  #stuck: number[] = [];
  #animation: { from: Viewport; to: Viewport; start: number; cause: Cause } | undefined;
  /** Rows beyond the edges that must be left before more are drawn. */
  #spare = marginLeft;
  #jumpTimer = 0;
  #step = 0;
  #shift = 0;
  #settleTimer = 0;
  /** Scroll wishes of before the first layout. */
  #pendingReveal: { row: number; centre: boolean } | undefined;

  /** `moved`: see WaterfallFrame. */
  constructor(hosts: TraceViewHosts, trace: Trace, moved: ReadonlyMap<number, number> | undefined, treeWidth: number, events: TraceViewEvents) {
    this.trace = trace;
    this.#moved = moved;
    this.rows = new Rows(trace);
    this.#viewport = { from: 0, to: trace.extent };
    this.#hosts = hosts;
    this.#events = events;
    this.#treeWidth = treeWidth;
    this.#tokens = trace.services.map((s) => serviceToken(s.name));

    const canvas = (className: string): HTMLCanvasElement => {
      const e = document.createElement("canvas");
      e.className = className;
      e.setAttribute("aria-hidden", "true");
      return e;
    };
    this.#bars = new Surface(canvas(styles["bars"]!));
    this.#stickyBars = new Surface(canvas(styles["bars"]!));
    this.#strip = new Surface(canvas(styles["strip"]!));
    this.#ruler = new Surface(canvas(""));
    this.#tree = new TreeRows(this.#rowsHost);
    this.#stickyTree = new TreeRows(this.#stickyRowsHost);
    this.#overview = new Overview(hosts.overview, trace, {
      onWindow: (v, settled) => {
        this.#setViewport(v);
        if (settled) events.onViewport(v, "pointer");
      },
    });

    this.#scroller.tabIndex = 0;
    this.#scroller.setAttribute("role", "treegrid");
    this.#scroller.setAttribute("aria-label", "Spans of the trace");
    this.#scroller.setAttribute("aria-readonly", "true");
    this.#content.setAttribute("role", "presentation");
    this.#rowsHost.setAttribute("role", "rowgroup");
    this.#sticky.setAttribute("aria-hidden", "true");
    this.#live.setAttribute("aria-live", "polite");
    this.#sticky.hidden = true;
    this.#selection.hidden = true;
    this.#content.append(this.#selection, this.#bars.canvas, this.#rowsHost);
    this.#scroller.append(this.#content);
    this.#sticky.append(this.#stickyBars.canvas, this.#stickyRowsHost);
    hosts.body.append(this.#scroller, this.#sticky, this.#strip.canvas, this.#live);
    hosts.ruler.append(this.#ruler.canvas);
    hosts.root.style.setProperty("--tree-w", `${treeWidth}px`);

    this.#theme = readTheme(hosts.root);
    this.#readColors();
    this.#loop = new FrameLoop((now) => this.#frame(now));
    this.#stopTheme = onThemeChange(() => {
      this.#theme = readTheme(hosts.root);
      this.#readColors();
      this.#waterfall.reset();
      this.#staleBars = this.#staleStrip = true;
      this.#overview.invalidate();
      this.#loop.invalidate();
    });
    this.#observer = new ResizeObserver(() => this.#layout());
    this.#observer.observe(hosts.body);
    this.#observer.observe(hosts.overview);
    this.#scroller.addEventListener("scroll", this.#loop.invalidate, { passive: true });
    this.#pointer = new Pointer({
      trace,
      rows: this.rows,
      serviceTokens: this.#tokens,
      root: hosts.root,
      body: hosts.body,
      ruler: hosts.ruler,
      scroller: this.#scroller,
      content: this.#content,
      sticky: this.#sticky,
      geometry: () => ({ viewport: this.#viewport, treeWidth: this.#treeWidth, barsWidth: this.#bars.width, height: this.#height }),
      stickyRow: (index) => this.#stuck[index],
      show: (viewport) => {
        this.#setViewport(viewport);
        this.#settle("pointer");
      },
      select: (row) => this.select(row, "pointer"),
      fold: (row, collapsed, subtree) => this.fold(row, collapsed, subtree),
      fit: (row) => this.focusRow(row, "pointer"),
      setTreeWidth: (width, settled) => this.#setTreeWidth(width, settled),
    });
    this.#layout();
  }

  destroy(): void {
    this.#loop.stop();
    this.#stopTheme();
    this.#observer.disconnect();
    clearTimeout(this.#settleTimer);
    clearTimeout(this.#jumpTimer);
    this.#overview.destroy();
    this.#pointer.destroy();
    for (const e of [this.#scroller, this.#strip.canvas, this.#sticky, this.#live, this.#ruler.canvas]) e.remove();
  }

  // --- state that the page reads and sets -------------------------------------

  get selected(): number {
    return this.#selected;
  }

  get viewport(): Viewport {
    return this.#animation?.to ?? this.#viewport;
  }

  get zoomed(): boolean {
    return !isWhole(this.viewport, this.trace.extent);
  }

  focus(): void {
    this.#scroller.focus({ preventScroll: true });
  }

  /** Selects a row (-1: none), unfolding what hides it, and scrolls it into view. */
  select(row: number, cause: Cause, centre = false): void {
    if (row >= 0 && this.rows.positionOf(row) < 0 && this.rows.reveal(row)) this.#rowsChanged();
    const changed = row !== this.#selected;
    this.#selected = row;
    this.#tree.invalidate();
    this.#stickyTree.invalidate();
    this.#staleBars = this.#staleStrip = true;
    if (row >= 0) {
      this.#reveal(row, centre);
      this.#scroller.setAttribute("aria-activedescendant", `span-row-${row}`);
      if (changed && cause !== "program") {
        this.#live.textContent = `${serviceTitleOf(this.trace, row)} ${titleOf(this.trace, row)}, ${formatDuration(this.trace.duration[row]!)}${isError(this.trace, row) ? ", error" : ""}`;
      }
    } else {
      this.#scroller.removeAttribute("aria-activedescendant");
    }
    this.#loop.invalidate();
    if (changed) this.#events.onSelect(row, cause);
  }

  /** Shows a window of time, in a short movement unless told not to. */
  show(viewport: Viewport, cause: Cause, animate = true): void {
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    if (!animate || still) {
      this.#setViewport(viewport);
    } else {
      this.#animation = { from: this.#viewport, to: viewport, start: performance.now(), cause };
      this.#loop.invalidate();
    }
    this.#settle(cause);
  }

  setMatches(matches: Matches | undefined, only: boolean): void {
    this.#matches = matches;
    const anchor = this.#anchor();
    this.rows.setOnly(only ? matches?.mask : undefined);
    this.#rowsChanged(anchor);
  }

  /** Folds these rows and unfolds all others. */
  setCollapsedRows(rows: readonly number[]): void {
    this.rows.setCollapsedRows(rows);
    this.#rowsChanged();
  }

  get criticalShown(): boolean {
    return this.#critical !== undefined;
  }

  showCritical(on: boolean): void {
    this.#critical = on ? criticalPath(this.trace, this.trace.rootRow >= 0 ? this.trace.rootRow : 0) : undefined;
    this.#staleBars = true;
    this.#stickyKey = stickyStale;
    this.#loop.invalidate();
  }

  // --- commands ---------------------------------------------------------------

  move(by: number): void {
    if (this.rows.count === 0) return;
    const at = this.rows.positionOf(this.#selected);
    const next = at < 0 ? this.#topPosition() : Math.min(Math.max(at + by, 0), this.rows.count - 1);
    this.select(this.rows.visible[next]!, "key");
  }

  movePage(direction: 1 | -1): void {
    this.move(direction * Math.max(1, Math.floor(this.#height / rowHeight) - 2));
  }

  moveTo(end: "first" | "last"): void {
    if (this.rows.count > 0) this.select(this.rows.visible[end === "first" ? 0 : this.rows.count - 1]!, "key");
  }

  /** ←: fold, or go to the parent. */
  left(): void {
    const row = this.#selected;
    if (row < 0) return;
    if (this.rows.isCollapsible(row) && this.rows.collapsed[row] === 0 && !this.rows.filtered) this.fold(row, true);
    else if (this.trace.parent[row]! >= 0) this.select(this.trace.parent[row]!, "key");
  }

  /** →: unfold, or go to the first child. */
  right(): void {
    const row = this.#selected;
    if (row < 0 || !this.rows.isCollapsible(row)) return;
    if (this.rows.collapsed[row] === 1 && !this.rows.filtered) this.fold(row, false);
    else this.move(1);
  }

  fold(row: number, collapsed: boolean, subtree = false): void {
    const anchor = this.#anchor(row);
    if (subtree) this.rows.setSubtreeCollapsed(row, collapsed);
    else if (!this.rows.setCollapsed(row, collapsed)) return;
    this.#rowsChanged(anchor);
    this.#events.onFold();
  }

  /** Shows levels 0 … depth. */
  setDepth(depth: number): void {
    const anchor = this.#anchor();
    this.rows.setDepth(depth);
    this.#rowsChanged(anchor);
    this.#events.onFold();
  }

  expandAll(): void {
    const anchor = this.#anchor();
    this.rows.expandAll();
    this.#rowsChanged(anchor);
    this.#events.onFold();
  }

  /** One level more or less than is shown now. */
  changeLevel(by: 1 | -1): void {
    this.setDepth(Math.max(0, Math.min(this.rows.maxDepth + by, this.trace.maxDepth)));
  }

  /** Zooms by a factor about the pointer if it is over the bars, else about the middle. */
  zoom(factor: number): void {
    const v = this.viewport;
    const anchor = this.#pointer.time ?? (v.from + v.to) / 2;
    this.show(zoomViewport(v, factor, anchor, this.trace.extent), "key");
  }

  /** Moves the window by a share of its width. */
  pan(share: number): void {
    const v = this.viewport;
    this.show(panViewport(v, (v.to - v.from) * share, this.trace.extent), "key");
  }

  /** The window fits a row with what is below it; a second time the whole trace. */
  focusRow(row: number, cause: Cause): void {
    const t = this.trace;
    const whole = { from: 0, to: t.extent };
    const start = row < 0 ? 0 : Math.max(0, t.subtreeStart[row]!);
    const end = row < 0 ? t.extent : Math.min(t.extent, t.subtreeEnd[row]!);
    // A span out of the axis has nothing to fit.
    const fit = row < 0 || start > t.extent || end < 0 ? whole : fitViewport(start, Math.max(end, start + 1), t.extent);
    const v = this.viewport;
    const same = Math.abs(fit.from - v.from) + Math.abs(fit.to - v.to) < 1e-6 * t.extent + 1;
    this.show(same ? whole : fit, cause);
  }

  fitAll(): void {
    this.show({ from: 0, to: this.trace.extent }, "key");
  }

  /** Next match (1) or previous (-1) after the selection, around the end. */
  nextMatch(direction: 1 | -1): void {
    const rows = this.#matches?.rows;
    if (rows === undefined || rows.length === 0) return;
    let lo = 0;
    for (let hi = rows.length; lo < hi; ) {
      const mid = (lo + hi) >> 1;
      if (rows[mid]! < this.#selected) lo = mid + 1;
      else hi = mid;
    }
    const here = rows[lo] === this.#selected;
    const next = direction === 1 ? (here ? lo + 1 : lo) : lo - 1;
    this.select(rows[(next + rows.length) % rows.length]!, "key", true);
  }

  get measured(): Viewport | undefined {
    return this.#pointer.measured;
  }

  zoomToMeasure(): void {
    if (this.#pointer.measured !== undefined) this.show(this.#pointer.measured, "key");
    this.clearMeasure();
  }

  clearMeasure(): void {
    this.#pointer.clearMeasure();
  }

  // --- layout and frames --------------------------------------------------------

  #readColors(): void {
    this.#colors = this.#tokens.map((t) => this.#theme.token(t));
  }

  #layout(): void {
    const { body, overview, ruler } = this.#hosts;
    this.#width = this.#scroller.clientWidth;
    this.#height = body.clientHeight;
    this.#treeWidth = Math.min(this.#treeWidth, Math.max(120, this.#width - 160));
    this.#hosts.root.style.setProperty("--tree-w", `${this.#treeWidth}px`);
    const barsWidth = Math.max(0, this.#width - this.#treeWidth - stripWidth);
    const capacity = margin * 2 + Math.ceil(this.#height / rowHeight) + 2;
    this.#bars.resize(barsWidth, capacity * rowHeight);
    this.#stickyBars.resize(barsWidth, stickyMax * rowHeight);
    this.#strip.resize(stripWidth, this.#height);
    this.#strip.canvas.style.right = `${body.clientWidth - this.#width}px`;
    this.#ruler.resize(barsWidth, ruler.clientHeight);
    this.#overview.resize(barsWidth, overview.clientHeight);
    this.#sticky.style.width = `${this.#width}px`;
    this.#content.style.height = `${this.rows.count * rowHeight}px`;
    this.#staleBars = this.#staleStrip = true;
    this.#stickyKey = stickyStale;
    if (this.#pendingReveal !== undefined && this.#height > 0) {
      const { row, centre } = this.#pendingReveal;
      this.#pendingReveal = undefined;
      this.#reveal(row, centre);
    }
    this.#loop.invalidate();
  }


  /** Position of the first row that is on the page. */
  #topPosition(): number {
    return Math.min(Math.floor(this.#scroller.scrollTop / rowHeight), Math.max(0, this.rows.count - 1));
  }

  #frame(now: number): void {
    if (this.#animation !== undefined) {
      const { from, to, start } = this.#animation;
      const p = Math.min((now - start) / 140, 1);
      const eased = 1 - (1 - p) ** 3;
      this.#viewport = { from: from.from + (to.from - from.from) * eased, to: from.to + (to.to - from.to) * eased };
      this.#staleBars = true;
      this.#pointer.placeMeasure();
      if (p >= 1) {
        this.#viewport = to;
        this.#animation = undefined;
      } else {
        this.#loop.invalidate();
      }
    }
    const { count } = this.rows;
    const scrollTop = this.#scroller.scrollTop;
    const top = Math.floor(scrollTop / rowHeight);
    const bottom = Math.min(count, Math.ceil((scrollTop + this.#height) / rowHeight));
    const { first, last } = this.#drawn;
    const left = this.#spare;
    if (this.#staleBars || (top < first + left && first > 0) || (bottom > last - left && last < count) || top < first || bottom > last) {
      // A jump draws what is in sight and leaves the margin until it is over.
      const overlap = Math.min(bottom, last) - Math.max(top, first);
      const jumped = !this.#staleBars && overlap < (bottom - top) / 2;
      const beyond = jumped ? 2 : margin;
      this.#spare = jumped ? 0 : marginLeft;
      clearTimeout(this.#jumpTimer);
      if (jumped) {
        this.#jumpTimer = window.setTimeout(() => {
          this.#spare = marginLeft;
          this.#loop.invalidate();
        }, 60);
      }
      this.#drawRows(Math.max(0, top - beyond), Math.min(count, bottom + beyond));
    }
    this.#drawSticky(scrollTop);
    if (this.#staleStrip) this.#drawStrip();
    this.#overview.draw(this.rows, this.#theme, this.#colors, this.#viewport, {
      from: count === 0 ? 0 : Math.min(1, scrollTop / rowHeight / count),
      to: count === 0 ? 1 : Math.min(1, (scrollTop + this.#height) / rowHeight / count),
    });
  }

  #waterfallFrame(): Parameters<Waterfall["draw"]>[1] {
    return {
      trace: this.trace,
      viewport: this.#viewport,
      theme: this.#theme,
      colors: this.#colors,
      collapsed: this.rows.collapsed,
      matches: this.#matches?.mask,
      critical: this.#critical,
      moved: this.#moved,
    };
  }

  #rowContext(): Parameters<TreeRows["render"]>[0] {
    return {
      trace: this.trace, rows: this.rows, serviceTokens: this.#tokens, matches: this.#matches?.mask, selected: this.#selected,
      step: this.#step, shift: this.#shift, maxIndent: this.#treeWidth * 0.6,
    };
  }

  #drawRows(first: number, last: number): void {
    this.#drawn = { first, last };
    this.#bars.canvas.style.top = `${first * rowHeight}px`;
    this.#waterfall.draw(this.#bars, this.#waterfallFrame(), this.rows.visible, first, last);
    this.#indent(first, last);
    this.#rowsHost.style.top = `${first * rowHeight}px`;
    this.#tree.render(this.#rowContext(), first, last, (p) => this.rows.visible[p]!);
    this.#scroller.setAttribute("aria-rowcount", String(this.rows.count));
    if (this.#staleBars) {
      this.#stickyKey = stickyStale;
      drawRuler(this.#ruler, this.#viewport, this.#theme);
      const at = this.rows.positionOf(this.#selected);
      this.#selection.hidden = at < 0;
      this.#selection.style.top = `${at * rowHeight}px`;
    }
    this.#staleBars = false;
  }

  /** Indentation narrows for deep trees, and shifts left when even the shallowest row on the page is deep. */
  #indent(first: number, last: number): void {
    let min = Infinity;
    let max = 0;
    for (let p = first; p < last; p++) {
      const depth = this.trace.depth[this.rows.visible[p]!]!;
      if (depth < min) min = depth;
      if (depth > max) max = depth;
    }
    if (first >= last) return;
    const room = this.#treeWidth * 0.45;
    const step = Math.max(6, Math.min(14, Math.floor(room / Math.max(1, Math.min(this.rows.maxDepth, 60)))));
    const shift = max * step <= room ? 0 : Math.max(0, Math.min((min - 2) * step, max * step - room));
    if (step === this.#step && shift === this.#shift) return;
    this.#step = step;
    this.#shift = shift;
    this.#tree.invalidate();
    this.#stickyKey = stickyStale;
    for (const host of [this.#rowsHost, this.#stickyRowsHost]) host.style.setProperty("--step", `${step}px`);
  }

  /** Ancestors of the first row stay at the top while their subtree scrolls by. */
  #drawSticky(scrollTop: number): void {
    const rows = this.rows;
    let stuck: number[] = [];
    // n sticky rows cover n rows of the page: wanted are the ancestors of the row that is then the first in sight.
    for (let n = 0; n <= stickyMax; n++) {
      const position = Math.floor(scrollTop / rowHeight) + n;
      if (position >= rows.count || scrollTop < 1) break;
      stuck = ancestorsOf(this.trace, rows.visible[position]!).slice(-stickyMax);
      if (stuck.length <= n) break;
    }
    const key = stuck.join(",");
    if (key === this.#stickyKey) return;
    this.#stickyKey = key;
    this.#stuck = stuck;
    this.#sticky.hidden = stuck.length === 0;
    if (stuck.length === 0) return;
    this.#sticky.style.height = `${stuck.length * rowHeight}px`;
    this.#stickyTree.invalidate();
    this.#stickyTree.render(this.#rowContext(), 0, stuck.length, (p) => stuck[p]!);
    this.#stickyWaterfall.draw(this.#stickyBars, this.#waterfallFrame(), Uint32Array.from(stuck), 0, stuck.length);
  }

  /** Errors, matches and the selection beside the scrollbar. */
  #drawStrip(): void {
    this.#staleStrip = false;
    const ctx = this.#strip.begin();
    const { count, visible } = this.rows;
    const height = this.#strip.height;
    if (count === 0) return;
    const scale = Math.min(height, count * rowHeight) / count;
    const thick = Math.max(2, Math.min(scale, 4));
    const ticks = (color: string, x: number, w: number, has: (row: number) => boolean): void => {
      ctx.fillStyle = color;
      let last = -Infinity;
      for (let p = 0; p < count; p++) {
        const y = Math.floor(p * scale);
        if (y - last < 1 || !has(visible[p]!)) continue;
        last = y;
        ctx.fillRect(x, y, w, thick);
      }
    };
    ticks(this.#theme.error, 4, 4, (row) => isError(this.trace, row));
    const mask = this.#matches?.mask;
    if (mask !== undefined) ticks(this.#theme.markStrong, 0, 4, (row) => mask[row] === 1);
    const at = this.rows.positionOf(this.#selected);
    if (at >= 0) {
      ctx.fillStyle = this.#theme.accent;
      ctx.fillRect(0, Math.floor(at * scale), stripWidth, 2);
    }
  }

  #setViewport(viewport: Viewport): void {
    this.#animation = undefined;
    this.#viewport = viewport;
    this.#staleBars = true;
    this.#pointer.placeMeasure();
    this.#loop.invalidate();
  }

  /** Tells the page once zooming or panning has come to rest. */
  #settle(cause: Cause): void {
    clearTimeout(this.#settleTimer);
    this.#settleTimer = window.setTimeout(() => this.#events.onViewport(this.viewport, cause), 250);
  }

  /** A row and its place on the page, to keep it there while rows come and go. */
  #anchor(row = this.#selected): { row: number; y: number } | undefined {
    let at = this.rows.positionOf(row);
    const top = this.#scroller.scrollTop;
    if (at < 0 || (at + 1) * rowHeight < top || at * rowHeight > top + this.#height) at = this.#topPosition();
    return this.rows.count === 0 ? undefined : { row: this.rows.visible[at]!, y: at * rowHeight - top };
  }

  #rowsChanged(anchor?: { row: number; y: number }): void {
    this.#content.style.height = `${this.rows.count * rowHeight}px`;
    if (anchor !== undefined) {
      const at = this.rows.positionOf(this.rows.nearestVisible(anchor.row));
      if (at >= 0) this.#scroller.scrollTop = at * rowHeight - anchor.y;
    }
    if (this.#selected >= 0 && !this.rows.filtered && this.rows.positionOf(this.#selected) < 0) {
      // The selection was folded away: what hides it takes its place.
      this.select(this.rows.nearestVisible(this.#selected), "key");
    }
    this.#tree.invalidate();
    this.#stickyKey = stickyStale;
    this.#staleBars = this.#staleStrip = true;
    this.#overview.invalidate();
    this.#loop.invalidate();
  }

  #reveal(row: number, centre: boolean): void {
    const at = this.rows.positionOf(row);
    if (at < 0) return;
    if (this.#height === 0) {
      this.#pendingReveal = { row, centre };
      return;
    }
    const top = at * rowHeight;
    const scrollTop = this.#scroller.scrollTop;
    // Sticky ancestors cover the top rows; two rows of context below.
    const coverTop = Math.min(this.trace.depth[row]!, stickyMax) * rowHeight;
    const coverBottom = 2 * rowHeight;
    const above = top < scrollTop + coverTop;
    const below = top + rowHeight > scrollTop + this.#height - coverBottom;
    if (!above && !below) return;
    const far = top < scrollTop - this.#height || top > scrollTop + 2 * this.#height;
    if (centre || far) this.#scroller.scrollTop = top - this.#height / 2;
    else this.#scroller.scrollTop = above ? top - coverTop : top + rowHeight - this.#height + coverBottom;
  }

  #setTreeWidth(width: number, settled: boolean): void {
    this.#treeWidth = Math.round(Math.min(Math.max(width, 120), Math.max(120, this.#width - 160)));
    this.#tree.invalidate();
    this.#layout();
    if (settled) this.#events.onTreeWidth(this.#treeWidth);
  }
}
