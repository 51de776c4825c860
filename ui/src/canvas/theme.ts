// SPDX-License-Identifier: Apache-2.0

// Design tokens as the canvases use them: read from the computed style when the
// theme changes, never written down a second time.

export interface CanvasTheme {
  dark: boolean;
  panel: string;
  text: string;
  text2: string;
  text3: string;
  grid: string;
  gridStrong: string;
  barText: string;
  error: string;
  warn: string;
  tick: string;
  mark: string;
  markStrong: string;
  accent: string;
  shade: string;
  /** CSS font shorthands. */
  font: string;
  fontSmall: string;
  /** The value of a token such as `--svc-3a`. */
  token: (name: string) => string;
}

export function readTheme(element: Element): CanvasTheme {
  const style = getComputedStyle(element);
  const token = (name: string): string => style.getPropertyValue(name).trim();
  const family = token("--font");
  return {
    dark: document.documentElement.dataset["theme"] === "dark",
    panel: token("--panel"),
    text: token("--text"),
    text2: token("--text-2"),
    text3: token("--text-3"),
    grid: token("--wf-grid"),
    gridStrong: token("--wf-grid-strong"),
    barText: token("--wf-bar-text"),
    error: token("--error"),
    warn: token("--warn"),
    tick: token("--wf-tick"),
    mark: token("--mark"),
    markStrong: token("--mark-strong"),
    accent: token("--accent"),
    shade: token("--wf-shade"),
    font: `500 11px ${family}`,
    fontSmall: `400 11px ${family}`,
    token,
  };
}

/** Calls back when `data-theme` of the page changes. Returns what stops it. */
export function onThemeChange(changed: () => void): () => void {
  const observer = new MutationObserver(changed);
  observer.observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
  return () => observer.disconnect();
}

/** CSS colours as 0xAABBGGRR, the byte order of ImageData on every machine that browsers run on. */
export function toPixels(colors: readonly string[]): Uint32Array {
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, colors.length);
  canvas.height = 1;
  const ctx = canvas.getContext("2d", { willReadFrequently: true })!;
  colors.forEach((color, i) => {
    ctx.fillStyle = color;
    ctx.fillRect(i, 0, 1, 1);
  });
  return new Uint32Array(ctx.getImageData(0, 0, canvas.width, 1).data.buffer).slice(0, colors.length);
}
