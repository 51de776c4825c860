// SPDX-License-Identifier: Apache-2.0

// Draws the scatter plot on a 2D canvas: framework-free, geometry in scatter.ts.
// Colours are read from the design tokens when the theme changes.

import { type Zone, formatTick } from "../../base/format";
import { type Domain, type Points, type Rect, xOf, xTicks, yOf, yTicks } from "./scatter";

export interface ScatterScene {
  readonly points: Points;
  readonly domain: Domain;
  /** Token of each point's colour, such as "--svc-3a". */
  readonly tokens: readonly string[];
  /** 1 where the trace has errors. */
  readonly errors: Uint8Array;
  /** Radius of each point in px. */
  readonly radius: Float32Array;
  readonly zone: Zone;
}

export interface Drag {
  readonly ax: number;
  readonly ay: number;
  readonly bx: number;
  readonly by: number;
}

export const margins = { left: 58, right: 14, top: 10, bottom: 24 };

export function plotRect(width: number, height: number): Rect {
  return {
    left: margins.left,
    top: margins.top,
    width: Math.max(1, width - margins.left - margins.right),
    height: Math.max(1, height - margins.top - margins.bottom),
  };
}

export class ScatterRenderer {
  readonly #canvas: HTMLCanvasElement;
  readonly #ctx: CanvasRenderingContext2D;
  #colours = new Map<string, string>();
  #style: CSSStyleDeclaration;
  #theme = "";
  #width = 0;
  #height = 0;

  constructor(canvas: HTMLCanvasElement) {
    this.#canvas = canvas;
    this.#ctx = canvas.getContext("2d")!;
    this.#style = getComputedStyle(canvas);
  }

  get plot(): Rect {
    return plotRect(this.#width, this.#height);
  }

  /** Size in CSS px. */
  resize(width: number, height: number, ratio: number): void {
    this.#width = width;
    this.#height = height;
    this.#canvas.width = Math.round(width * ratio);
    this.#canvas.height = Math.round(height * ratio);
    this.#ctx.setTransform(ratio, 0, 0, ratio, 0, 0);
  }

  /** Forgets the colours of another theme. */
  retheme(theme: string): void {
    if (theme === this.#theme) return;
    this.#theme = theme;
    this.#colours.clear();
    this.#style = getComputedStyle(this.#canvas);
  }

  #colour(token: string): string {
    let value = this.#colours.get(token);
    if (value === undefined) {
      value = this.#style.getPropertyValue(token).trim() || "#888";
      this.#colours.set(token, value);
    }
    return value;
  }

  draw(scene: ScatterScene, highlight: number, drag: Drag | null): void {
    const ctx = this.#ctx;
    const plot = this.plot;
    ctx.clearRect(0, 0, this.#width, this.#height);
    this.#axes(scene, plot);
    this.#points(scene, plot, highlight);
    if (drag !== null) this.#rectangle(drag, plot);
  }

  #axes({ domain, points, zone }: ScatterScene, plot: Rect): void {
    const ctx = this.#ctx;
    ctx.font = `400 11px ${this.#style.fontFamily}`;
    ctx.lineWidth = 1;
    ctx.textBaseline = "middle";
    ctx.textAlign = "right";
    for (const tick of yTicks(domain, plot.height)) {
      const y = Math.round(yOf(tick, domain, plot)) + 0.5;
      ctx.strokeStyle = this.#colour("--wf-grid");
      ctx.beginPath();
      ctx.moveTo(plot.left, y);
      ctx.lineTo(plot.left + plot.width, y);
      ctx.stroke();
      ctx.fillStyle = this.#colour("--text-2");
      ctx.fillText(formatTick(tick, tick), plot.left - 8, y);
    }
    const offsetNs = zone === "utc" ? 0 : -new Date(Number(points.originNs / 1_000_000n)).getTimezoneOffset() * 60e9;
    const { step, ticks } = xTicks(domain, points.originNs, offsetNs, plot.width);
    ctx.textBaseline = "top";
    for (const tick of ticks) {
      const x = Math.round(xOf(tick, domain, plot)) + 0.5;
      ctx.strokeStyle = this.#colour("--wf-grid");
      ctx.beginPath();
      ctx.moveTo(x, plot.top);
      ctx.lineTo(x, plot.top + plot.height);
      ctx.stroke();
      ctx.fillStyle = this.#colour("--text-2");
      const label = timeLabel(points.originNs + BigInt(Math.round(tick)), step, zone);
      const half = ctx.measureText(label).width / 2;
      ctx.textAlign = "center";
      const at = Math.min(Math.max(x, plot.left + half), plot.left + plot.width + margins.right - half);
      ctx.fillText(label, at, plot.top + plot.height + 8);
    }
    ctx.strokeStyle = this.#colour("--line-2");
    ctx.beginPath();
    ctx.moveTo(plot.left, plot.top + plot.height + 0.5);
    ctx.lineTo(plot.left + plot.width, plot.top + plot.height + 0.5);
    ctx.stroke();
  }

  #points({ points, domain, tokens, errors, radius }: ScatterScene, plot: Rect, highlight: number): void {
    const ctx = this.#ctx;
    const n = points.start.length;
    // Errors last, so that they are never covered.
    for (const pass of [0, 1]) {
      for (let i = 0; i < n; i++) {
        if (errors[i] !== pass) continue;
        const x = xOf(points.start[i]!, domain, plot);
        const y = yOf(points.duration[i]!, domain, plot);
        const r = radius[i]!;
        ctx.globalAlpha = highlight === -1 || highlight === i ? 0.78 : 0.35;
        ctx.fillStyle = this.#colour(tokens[i]!);
        ctx.beginPath();
        if (pass === 1) {
          // A diamond: errors do not rest on colour alone.
          const d = r + 1.5;
          ctx.moveTo(x, y - d);
          ctx.lineTo(x + d, y);
          ctx.lineTo(x, y + d);
          ctx.lineTo(x - d, y);
          ctx.closePath();
          ctx.fill();
          ctx.globalAlpha = highlight === -1 || highlight === i ? 1 : 0.5;
          ctx.strokeStyle = this.#colour("--error");
          ctx.lineWidth = 1.5;
          ctx.stroke();
        } else {
          ctx.arc(x, y, r, 0, 2 * Math.PI);
          ctx.fill();
        }
      }
    }
    ctx.globalAlpha = 1;
    if (highlight >= 0 && highlight < n) {
      const x = xOf(points.start[highlight]!, domain, plot);
      const y = yOf(points.duration[highlight]!, domain, plot);
      ctx.lineWidth = 2;
      ctx.strokeStyle = this.#colour("--text");
      ctx.beginPath();
      ctx.arc(x, y, radius[highlight]! + 4, 0, 2 * Math.PI);
      ctx.stroke();
    }
  }

  #rectangle(drag: Drag, plot: Rect): void {
    const ctx = this.#ctx;
    const clampX = (x: number): number => Math.min(Math.max(x, plot.left), plot.left + plot.width);
    const clampY = (y: number): number => Math.min(Math.max(y, plot.top), plot.top + plot.height);
    const [ax, bx, ay, by] = [clampX(drag.ax), clampX(drag.bx), clampY(drag.ay), clampY(drag.by)];
    ctx.fillStyle = this.#colour("--wf-window");
    ctx.strokeStyle = this.#colour("--accent");
    ctx.lineWidth = 1;
    ctx.fillRect(Math.min(ax, bx), Math.min(ay, by), Math.abs(bx - ax), Math.abs(by - ay));
    ctx.strokeRect(Math.min(ax, bx) + 0.5, Math.min(ay, by) + 0.5, Math.abs(bx - ax), Math.abs(by - ay));
  }
}

/** A wall time with the precision that ticks `step` ns apart need. */
export function timeLabel(ns: bigint, step: number, zone: Zone): string {
  const d = new Date(Number(ns / 1_000_000n));
  const p = (n: number): string => String(n).padStart(2, "0");
  const utc = zone === "utc";
  const date = utc
    ? `${d.getUTCFullYear()}-${p(d.getUTCMonth() + 1)}-${p(d.getUTCDate())}`
    : `${d.getFullYear()}-${p(d.getMonth() + 1)}-${p(d.getDate())}`;
  const hm = utc ? `${p(d.getUTCHours())}:${p(d.getUTCMinutes())}` : `${p(d.getHours())}:${p(d.getMinutes())}`;
  if (step >= 86_400e9) return date;
  if (step >= 3600e9) return `${date.slice(5)} ${hm}`;
  if (step >= 60e9) return hm;
  const seconds = p(utc ? d.getUTCSeconds() : d.getSeconds());
  if (step >= 1e9) return `${hm}:${seconds}`;
  const digits = Math.min(9, Math.ceil(-Math.log10(step / 1e9) - 1e-9));
  return `${hm}:${seconds}.${String(ns % 1_000_000_000n).padStart(9, "0").slice(0, digits)}`;
}
