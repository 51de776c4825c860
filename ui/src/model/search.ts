// SPDX-License-Identifier: Apache-2.0

// Search within the trace on the page, over what the payload holds. Words are
// joined by AND; each is one of
//
//   checkout          text in service, name or summary, or the start of a span id
//   "two words"       the same with a space in it
//   -checkout         not that
//   >10ms  <1.5s      duration
//   self>10ms         self-time
//   is:error          also is:exception, is:orphan, is:cycle, is:root, is:leaf, is:event,
//                     is:link, is:note, is:far (an impossible time), is:twin (its ids are another's too)
//   kind:client       span kind
//   service:cart      service name is exactly that
//
// Text is decided once per distinct string, then once per row by code, so
// 100,000 spans take about a millisecond.

import { noteFarTime, noteNoStart, noteSameIds, spanIdHex } from "../wire/columns";
import { type Trace, hasException, isCycle, isError, isOrphan, kindOf } from "./trace";

const unitNs: Record<string, number> = { ns: 1, us: 1e3, µs: 1e3, ms: 1e6, s: 1e9, m: 60e9, h: 3600e9 };

type Test = (row: number) => boolean;

const states: Record<string, (t: Trace, row: number) => boolean> = {
  error: isError,
  exception: hasException,
  orphan: isOrphan,
  cycle: isCycle,
  twin: (t, row) => (t.noteBits[row]! & noteSameIds) !== 0,
  root: (t, row) => t.parent[row] === -1,
  leaf: (t, row) => t.subtree[row] === 0,
  event: (t, row) => t.eventOff[row + 1]! > t.eventOff[row]!,
  link: (t, row) => t.linkCount[row]! > 0,
  note: (t, row) => t.noteBits[row] !== 0,
  far: (t, row) => (t.noteBits[row]! & (noteNoStart | noteFarTime)) !== 0,
};

/** Splits a query at spaces outside quotes. */
export function searchTerms(query: string): string[] {
  const terms = query.match(/-?"[^"]*"?|\S+/g) ?? [];
  return terms.map((t) => t.replace(/"/g, "")).filter((t) => t !== "" && t !== "-");
}

function compileTerm(trace: Trace, term: string): Test {
  if (term.startsWith("-") && term.length > 1) {
    const inner = compileTerm(trace, term.slice(1));
    return (row) => !inner(row);
  }
  const size = /^(self)?([<>]=?)(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)$/.exec(term);
  if (size !== null) {
    const values = size[1] === "self" ? trace.selfTime : trace.duration;
    const limit = Number(size[3]) * unitNs[size[4]!]!;
    switch (size[2]) {
      case ">":
        return (row) => values[row]! > limit;
      case ">=":
        return (row) => values[row]! >= limit;
      case "<":
        return (row) => values[row]! < limit;
      default:
        return (row) => values[row]! <= limit;
    }
  }
  const [, field, value] = /^(is|kind|service):(.*)$/.exec(term) ?? [];
  if (field === "is" && states[value!] !== undefined) {
    const state = states[value!]!;
    return (row) => state(trace, row);
  }
  if (field === "kind") return (row) => kindOf(trace, row) === value;
  if (field === "service") return (row) => trace.strings[trace.service[row]!] === value;

  const text = term.toLowerCase();
  const hit = new Uint8Array(trace.strings.length);
  trace.strings.forEach((s, code) => {
    if (s.toLowerCase().includes(text)) hit[code] = 1;
  });
  const idPrefix = /^[0-9a-f]{6,16}$/.test(text) ? text : "";
  return (row) =>
    hit[trace.name[row]!] === 1 ||
    hit[trace.service[row]!] === 1 ||
    hit[trace.summary[row]!] === 1 ||
    (idPrefix !== "" && spanIdHex(trace, row).startsWith(idPrefix));
}

export interface Matches {
  /** Matching rows in order. */
  rows: Uint32Array;
  /** 1 for a match, by row. */
  mask: Uint8Array;
}

/** Rows that match, or undefined for an empty query. */
export function searchTrace(trace: Trace, query: string): Matches | undefined {
  const terms = searchTerms(query);
  if (terms.length === 0) return undefined;
  const tests = terms.map((term) => compileTerm(trace, term));
  const mask = new Uint8Array(trace.spans);
  let count = 0;
  next: for (let row = 0; row < trace.spans; row++) {
    for (const test of tests) if (!test(row)) continue next;
    mask[row] = 1;
    count++;
  }
  const rows = new Uint32Array(count);
  for (let row = 0, i = 0; i < count; row++) if (mask[row] === 1) rows[i++] = row;
  return { rows, mask };
}

/** Rows of these span ids (16 hex digits). All spans that share an id match. */
export function matchesOf(trace: Trace, ids: readonly string[]): Matches {
  const wanted = new Set(ids);
  const mask = new Uint8Array(trace.spans);
  const rows: number[] = [];
  if (wanted.size > 0) {
    for (let row = 0; row < trace.spans; row++) {
      if (!wanted.has(spanIdHex(trace, row))) continue;
      mask[row] = 1;
      rows.push(row);
    }
  }
  return { rows: Uint32Array.from(rows), mask };
}
