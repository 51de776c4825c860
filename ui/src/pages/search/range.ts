// SPDX-License-Identifier: Apache-2.0

// Time ranges of a search. Relative ones stay relative in the URL ("1h") and
// are resolved against the moment the search was run; absolute ones are two
// instants with up to nanoseconds, because a rectangle drawn in the scatter
// plot may be shorter than a millisecond.

import { type Zone, formatDuration, formatTime } from "../../base/format";

export type TimeRange =
  | { readonly kind: "relative"; readonly span: string }
  | { readonly kind: "absolute"; readonly startNs: bigint; readonly endNs: bigint }
  | { readonly kind: "all" };

/** Bounds for the server as decimal unix ns; absent means unbounded. */
export interface Bounds {
  readonly start?: string;
  readonly end?: string;
}

export const presets: readonly { span: string; label: string }[] = [
  { span: "5m", label: "Last 5 minutes" },
  { span: "15m", label: "Last 15 minutes" },
  { span: "1h", label: "Last hour" },
  { span: "6h", label: "Last 6 hours" },
  { span: "24h", label: "Last 24 hours" },
  { span: "7d", label: "Last 7 days" },
];

export const defaultRange: TimeRange = { kind: "relative", span: "1h" };

const unitMs: Record<string, number> = { s: 1e3, m: 60e3, h: 3600e3, d: 86_400e3, w: 7 * 86_400e3 };

/** The length of a relative range in ms, or null when it is not one. */
export function relativeMs(span: string): number | null {
  const match = /^([1-9]\d{0,5})([smhdw])$/.exec(span);
  return match === null ? null : Number(match[1]) * unitMs[match[2]!]!;
}

/** "15m" as "Last 15 minutes". */
export function relativeLabel(span: string): string {
  const preset = presets.find((p) => p.span === span);
  if (preset !== undefined) return preset.label;
  const match = /^(\d+)([smhdw])$/.exec(span);
  if (match === null) return span;
  const unit = { s: "second", m: "minute", h: "hour", d: "day", w: "week" }[match[2]!]!;
  return match[1] === "1" ? `Last ${unit}` : `Last ${match[1]} ${unit}s`;
}

/**
 * Bounds of a range asked at nowMs. A relative range has no upper bound: a
 * clock that runs a little ahead must not hide the newest traces.
 */
export function resolveRange(range: TimeRange, nowMs: number): Bounds {
  switch (range.kind) {
    case "all":
      return {};
    case "relative":
      return { start: String(BigInt(nowMs - (relativeMs(range.span) ?? 3600e3)) * 1_000_000n) };
    case "absolute":
      return { start: String(range.startNs), end: String(range.endNs) };
  }
}

/** An instant as RFC 3339 in UTC with as many digits of the second as it needs. */
export function formatInstant(ns: bigint): string {
  const sub = ((ns % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n;
  const seconds = (ns - sub) / 1_000_000_000n;
  const base = new Date(Number(seconds) * 1000).toISOString().slice(0, 19);
  const digits = String(sub).padStart(9, "0").replace(/0+$/, "");
  return digits === "" ? `${base}Z` : `${base}.${digits}Z`;
}

/** An RFC 3339 instant (or unix s, ms, µs or ns) in ns, or null. */
export function parseInstant(text: string): bigint | null {
  const trimmed = text.trim();
  if (/^\d{9,19}$/.test(trimmed)) {
    const scale = trimmed.length <= 11 ? 9 : trimmed.length <= 14 ? 6 : trimmed.length <= 17 ? 3 : 0;
    return BigInt(trimmed) * 10n ** BigInt(scale);
  }
  const match = /^(\d{4}-\d\d-\d\d[Tt]\d\d:\d\d(?::\d\d)?)(?:\.(\d{1,9}))?([Zz]|[+-]\d\d:\d\d)$/.exec(trimmed);
  if (match === null) return null;
  const ms = Date.parse(`${match[1]!.toUpperCase()}${match[3]!.toUpperCase()}`);
  if (Number.isNaN(ms)) return null;
  return BigInt(ms) * 1_000_000n + BigInt((match[2] ?? "").padEnd(9, "0") || 0);
}

/**
 * What a person types or pastes as a time, in their zone: `2026-11-23 14:03`,
 * `14:03` (today), `now-2h`, `now`, RFC 3339, or unix seconds to ns.
 */
export function parseTypedTime(text: string, zone: Zone, nowMs: number): bigint | null {
  const trimmed = text.trim();
  const instant = parseInstant(trimmed);
  if (instant !== null) return instant;
  const relative = /^(?:now)?\s*(?:-\s*(\d+[smhdw]))?$/i.exec(trimmed);
  if (relative !== null && trimmed !== "") {
    const back = relative[1] === undefined ? 0 : relativeMs(relative[1].toLowerCase());
    return back === null ? null : BigInt(nowMs - back) * 1_000_000n;
  }
  const match = /^(?:(\d{4})-(\d\d?)-(\d\d?)[ T]?)?(?:(\d\d?):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?)?$/.exec(trimmed);
  if (match === null || trimmed === "") return null;
  const now = new Date(nowMs);
  const utc = zone === "utc";
  const year = match[1] === undefined ? (utc ? now.getUTCFullYear() : now.getFullYear()) : Number(match[1]);
  const month = match[2] === undefined ? (utc ? now.getUTCMonth() : now.getMonth()) : Number(match[2]) - 1;
  const day = match[3] === undefined ? (utc ? now.getUTCDate() : now.getDate()) : Number(match[3]);
  const [hour, minute, second] = [Number(match[4] ?? 0), Number(match[5] ?? 0), Number(match[6] ?? 0)];
  if (month > 11 || day < 1 || day > 31 || hour > 23 || minute > 59 || second > 59) return null;
  const ms = utc ? Date.UTC(year, month, day, hour, minute, second) : new Date(year, month, day, hour, minute, second).getTime();
  const back = new Date(ms);
  if ((utc ? back.getUTCDate() : back.getDate()) !== day) return null; // 31 February
  return BigInt(ms) * 1_000_000n + BigInt((match[7] ?? "").padEnd(9, "0") || 0);
}

/** "Last hour", "All data", or both ends with no more digits than they need. */
export function rangeText(range: TimeRange, zone: Zone): string {
  if (range.kind === "all") return "All data";
  if (range.kind === "relative") return relativeLabel(range.span);
  const span = Number(range.endNs - range.startNs);
  const n = span < 10e9 ? 3 : 0;
  const start = formatTime(range.startNs, zone, n);
  const end = formatTime(range.endNs, zone, n);
  const sameDay = start.slice(0, 10) === end.slice(0, 10);
  return `${start.slice(5)} – ${sameDay ? end.slice(11) : end.slice(5)} (${formatDuration(span)})`;
}
