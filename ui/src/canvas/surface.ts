// SPDX-License-Identifier: Apache-2.0

/** A canvas whose drawing units are CSS pixels and whose backing store follows devicePixelRatio. */
export class Surface {
  readonly canvas: HTMLCanvasElement;
  readonly ctx: CanvasRenderingContext2D;
  width = 0;
  height = 0;
  ratio = 1;

  constructor(canvas: HTMLCanvasElement) {
    this.canvas = canvas;
    const ctx = canvas.getContext("2d");
    if (ctx === null) throw new Error("canvas: this browser gives no 2D context");
    this.ctx = ctx;
  }

  /** Sets the size in CSS px; true when the backing store was made anew (and is blank). */
  resize(width: number, height: number): boolean {
    const ratio = window.devicePixelRatio || 1;
    const w = Math.max(1, Math.round(width * ratio));
    const h = Math.max(1, Math.round(height * ratio));
    this.width = width;
    this.height = height;
    this.ratio = ratio;
    if (this.canvas.width === w && this.canvas.height === h) return false;
    this.canvas.width = w;
    this.canvas.height = h;
    this.canvas.style.width = `${width}px`;
    this.canvas.style.height = `${height}px`;
    return true;
  }

  /** Clears and sets the transform for drawing in CSS px. */
  begin(): CanvasRenderingContext2D {
    const { ctx } = this;
    // Cleared to the last pixel, or the browser would first copy what the screen still shows.
    ctx.setTransform(1, 0, 0, 1, 0, 0);
    ctx.clearRect(0, 0, this.canvas.width, this.canvas.height);
    ctx.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    return ctx;
  }
}
