// SPDX-License-Identifier: Apache-2.0

// How numbers and times are written for people. Durations and offsets are in
// nanoseconds; wall times are unix nanoseconds as bigint (or their decimal
// string), because a double cannot hold them.

const units: readonly [ns: number, unit: string][] = [
  [1e9, "s"],
  [1e6, "ms"],
  [1e3, "µs"],
  [1, "ns"],
];

function two(n: number): string {
  return String(n).padStart(2, "0");
}

/** A duration in ns with three significant digits: `0`, `870 ns`, `1.53 ms`, `12.4 s`, `3m 05s`, `2h 07m`, `3d 04h`. */
export function formatDuration(ns: number): string {
  if (!Number.isFinite(ns)) return "–";
  if (ns < 0) return `−${formatDuration(-ns)}`;
  if (ns === 0) return "0";
  if (ns >= 59.95e9) {
    const s = Math.round(ns / 1e9);
    if (s < 3600) return `${Math.floor(s / 60)}m ${two(s % 60)}s`;
    if (s < 86400) return `${Math.floor(s / 3600)}h ${two(Math.floor((s % 3600) / 60))}m`;
    return `${Math.floor(s / 86400)}d ${two(Math.floor((s % 86400) / 3600))}h`;
  }
  for (const [size, unit] of units) {
    // 0.9995 so that 999.6 µs is written 1 ms and not 1000 µs.
    if (ns >= size * 0.9995 || size === 1) {
      const v = ns / size;
      const digits = size === 1 || v >= 99.95 ? 0 : v >= 9.995 ? 1 : 2;
      return `${trimZeros(v.toFixed(digits))} ${unit}`;
    }
  }
  return "0";
}

/** A duration to the last nanosecond, for tooltips: `1,534,201 ns`. */
export function formatDurationExact(ns: number): string {
  return `${formatCount(ns)} ns`;
}

/** An offset on an axis whose ticks are `step` ns apart: all ticks get one unit and the same digits. */
export function formatTick(ns: number, step: number): string {
  if (ns === 0) return "0";
  if (step >= 60e9) return formatDuration(ns);
  const scale = Math.max(Math.abs(ns), step);
  let [size, unit] = units[units.length - 1]!;
  for (const [s, u] of units) {
    if (scale >= s) {
      [size, unit] = [s, u];
      break;
    }
  }
  const digits = Math.max(0, Math.min(6, -Math.floor(Math.log10(step / size) + 1e-9)));
  return `${(ns / size).toFixed(digits)} ${unit}`;
}

function trimZeros(text: string): string {
  return text.includes(".") ? text.replace(/\.?0+$/, "") : text;
}

/** 1234567 -> `1,234,567`. */
export function formatCount(n: number): string {
  return Math.round(n).toString().replace(/\B(?=(\d{3})+(?!\d))/g, ",");
}

/** 1234567 -> `1.23M`: for chips and table cells. */
export function formatShort(n: number): string {
  if (n < 1000) return String(n);
  for (const [size, unit] of [[1e9, "G"], [1e6, "M"], [1e3, "k"]] as const) {
    if (n >= size * 0.9995) {
      const v = n / size;
      return `${trimZeros(v.toFixed(v >= 99.95 ? 0 : v >= 9.995 ? 1 : 2))}${unit}`;
    }
  }
  return String(n);
}

/** Bytes in binary units: `512 B`, `1.5 KiB`, `23 MiB`. */
export function formatBytes(n: number): string {
  let v = n;
  for (const unit of ["B", "KiB", "MiB", "GiB", "TiB"]) {
    if (v < 1023.5 || unit === "TiB") return `${trimZeros(v.toFixed(unit === "B" || v >= 99.95 ? 0 : 1))} ${unit}`;
    v /= 1024;
  }
  return `${n} B`;
}

/** `1 span`, `2 spans`. */
export function plural(n: number, one: string, many = `${one}s`): string {
  return `${formatCount(n)} ${n === 1 ? one : many}`;
}

export type Zone = "local" | "utc";

/** A wall time as `2026-11-23 14:03:12.345` with `digits` of the second (0–9). */
export function formatTime(unixNs: bigint | string, zone: Zone, digits = 3): string {
  const ns = BigInt(unixNs);
  const ms = Number(ns / 1_000_000n);
  const d = new Date(ms);
  if (Number.isNaN(d.getTime())) return `${ns} ns`;
  const frac = String(((ns % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n).padStart(9, "0").slice(0, digits);
  const [y, mo, da, h, mi, s] =
    zone === "utc"
      ? [d.getUTCFullYear(), d.getUTCMonth(), d.getUTCDate(), d.getUTCHours(), d.getUTCMinutes(), d.getUTCSeconds()]
      : [d.getFullYear(), d.getMonth(), d.getDate(), d.getHours(), d.getMinutes(), d.getSeconds()];
  return `${y}-${two(mo! + 1)}-${two(da!)} ${two(h!)}:${two(mi!)}:${two(s!)}${digits > 0 ? `.${frac}` : ""}`;
}

/** How long ago a wall time is, against `nowMs`: `just now`, `42 s ago`, `5 min ago`, `3 h ago`, `2 d ago`. */
export function formatAgo(unixNs: bigint | string, nowMs: number): string {
  const s = Math.round((nowMs - Number(BigInt(unixNs) / 1_000_000n)) / 1000);
  if (s < -1) return `in ${formatDuration(-s * 1e9)}`;
  if (s < 2) return "just now";
  if (s < 60) return `${s} s ago`;
  if (s < 3600) return `${Math.floor(s / 60)} min ago`;
  if (s < 86400) return `${Math.floor(s / 3600)} h ago`;
  return `${Math.floor(s / 86400)} d ago`;
}

/**
 * Text of a span made safe to look at: control characters and those that turn
 * the direction of writing become visible signs, so that a name can neither
 * hide nor reorder what stands around it. Keeps line ends and tabs when asked.
 */
export function visibleText(text: string, keepLines = false): string {
  // Nearly all text is plain, and this runs for each row drawn.
  if (!unseen.test(text)) return text;
  return text.replace(unseenAll, (c) => {
    if (keepLines && (c === "\n" || c === "\t" || c === "\r")) return c;
    const code = c.charCodeAt(0);
    return code < 0x20 ? String.fromCharCode(0x2400 + code) : code === 0x7f ? "\u2421" : `\u27e8U+${code.toString(16).toUpperCase().padStart(4, "0")}\u27e9`;
  });
}

// C0 controls, DEL, C1 controls; zero-width marks; bidirectional embeddings, overrides and isolates.
const unseenClass = "[\\u0000-\\u001f\\u007f-\\u009f\\u200b-\\u200f\\u202a-\\u202e\\u2066-\\u2069\\ufeff]";
const unseen = new RegExp(unseenClass);
const unseenAll = new RegExp(unseenClass, "g");
