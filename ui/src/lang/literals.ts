// SPDX-License-Identifier: Apache-2.0

// TraceQL literals and attribute references as text: quoting, unquoting,
// durations. Follows the language's lexical rules: strings are "…" with Go
// escapes or `…` raw; durations are compounds of y w d h m s ms us µs ns.

/** Nanoseconds in each duration unit TraceQL knows. */
const unitNs: Record<string, number> = {
  ns: 1,
  us: 1e3,
  µs: 1e3,
  μs: 1e3,
  ms: 1e6,
  s: 1e9,
  m: 60e9,
  h: 3600e9,
  d: 86_400e9,
  w: 7 * 86_400e9,
  y: 365 * 86_400e9,
};

const durationShape = /^(?:\d+(?:\.\d+)?(?:ns|us|µs|μs|ms|s|m|h|d|w|y))+$/;

/** A duration literal ("1h30m", "1.5s") in ns, or null when it is not one. */
export function parseDuration(text: string): number | null {
  const trimmed = text.trim();
  if (!durationShape.test(trimmed)) return null;
  let ns = 0;
  for (const [, amount, unit] of trimmed.matchAll(/(\d+(?:\.\d+)?)(ns|us|µs|μs|ms|s|m|h|d|w|y)/g)) {
    ns += Number(amount) * unitNs[unit as string]!;
  }
  return Math.round(ns);
}

/**
 * What a person types into a duration field, as a literal: "250" counts
 * milliseconds, "1.5 s" loses its blank. Null when it cannot be read.
 */
export function normalizeDuration(input: string): string | null {
  const compact = input.replace(/[\s_]+/g, "").toLowerCase();
  if (compact === "") return null;
  if (/^\d+(\.\d+)?$/.test(compact)) return `${compact}ms`;
  return parseDuration(compact) === null ? null : compact;
}

/** ns as the shortest exact literal with at most two units' worth of digits: 1.5s, 20ms, 750us, 12ns. */
export function durationLiteral(ns: number): string {
  const whole = Math.max(0, Math.round(ns));
  for (const [unit, size] of [
    ["h", 3600e9],
    ["m", 60e9],
  ] as const) {
    if (whole >= size && whole % size === 0) return `${whole / size}${unit}`;
  }
  for (const [unit, size] of [
    ["s", 1e9],
    ["ms", 1e6],
    ["us", 1e3],
  ] as const) {
    if (whole >= size) {
      const digits = (whole / size).toString();
      if (!digits.includes("e")) return `${digits}${unit}`;
    }
  }
  return `${whole}ns`;
}

const escapes: Record<string, string> = { "\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t" };

/** s as a TraceQL string literal in double quotes. */
export function quote(s: string): string {
  let out = '"';
  for (const ch of s) {
    const code = ch.codePointAt(0)!;
    out += escapes[ch] ?? (code < 0x20 || code === 0x7f ? `\\x${code.toString(16).padStart(2, "0")}` : ch);
  }
  return `${out}"`;
}

const simpleEscapes: Record<string, string> = {
  a: "\x07",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
  "\\": "\\",
  '"': '"',
  "'": "'",
};

/** The value of a string literal, or null when an escape is not one of Go's. */
export function unquote(literal: string): string | null {
  if (literal.length < 2) return null;
  const body = literal.slice(1, -1);
  if (literal[0] === "`") return body;
  let bad = false;
  const value = body.replace(
    /\\(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[0-7]{3}|.)/gs,
    (_, escape: string) => {
      const first = escape[0]!;
      if (escape.length > 1) {
        const code = /[xuU]/.test(first) ? Number.parseInt(escape.slice(1), 16) : Number.parseInt(escape, 8);
        if (code <= 0x10ffff) return String.fromCodePoint(code);
        bad = true;
        return "";
      }
      const plain = simpleEscapes[first];
      if (plain === undefined) bad = true;
      return plain ?? "";
    },
  );
  return bad ? null : value;
}

/** Characters that end an unquoted attribute name. */
const nameBreaks = /[\s{}()=~!<>&|^,"\\]/;

/** An attribute reference: scope "" means unscoped. Keys that would not lex are quoted. */
export function attributeRef(scope: string, key: string): string {
  const name = key === "" || nameBreaks.test(key) ? `"${key.replace(/[\\"]/g, "\\$&")}"` : key;
  return `${scope}.${name}`;
}

/**
 * What a person types into a value field, as the literal they most likely
 * mean: numbers, durations and true/false stay bare when the field's types
 * allow it, everything else is a string. types are the field's types as the
 * server reports them ("string", "int", …); empty means unknown.
 */
export function literalFor(input: string, types: readonly string[]): string {
  const text = input.trim();
  const only = (t: string) => types.length === 0 || types.includes(t);
  if (/^".*"$|^`.*`$/s.test(text) && unquote(text) !== null) return text;
  if (/^-?\d+(\.\d+)?([eE][+-]?\d+)?$/.test(text) && (only("int") || only("double") || only("float"))) return text;
  if (/^(true|false)$/.test(text) && (only("bool") || only("boolean"))) return text;
  if (parseDuration(text) !== null && types.includes("duration")) return text;
  if (/^(ok|error|unset)$/.test(text) && types.includes("status")) return text;
  if (/^(unspecified|internal|server|client|producer|consumer)$/.test(text) && types.includes("kind")) return text;
  return quote(input);
}
