// SPDX-License-Identifier: Apache-2.0

import { describe, expect, test } from "vitest";
import { type FixtureSpan, encodeTrace } from "../../dev/columns.mjs";
import { makeTrace } from "../../dev/synthetic.mjs";
import { type TraceColumns, decodeColumns, noteFarTime, noteNoStart, noteSameIds, noteSelfParent } from "../wire/columns";
import { criticalPath } from "./criticalPath";
import { Rows } from "./rows";
import { matchesOf, searchTerms, searchTrace } from "./search";
import { type Trace, ancestorsOf, coveredByChildren, derive, isCycle, isOrphan, nameOf, notesOf, parentProblem, parentProblemText } from "./trace";

/** A trace drawn as text: one line a span, indented by two, `name from-to [!]`. */
function drawn(picture: string): Trace {
  const stack: string[] = [];
  const spans: FixtureSpan[] = picture
    .trim()
    .split("\n")
    .map((line, i) => {
      const [, indent, name, from, to, flag] = /^( *)(\S+) (\d+)-(\d+)(?: ([!?]))?$/.exec(line.replace(/^ {4}/, ""))!;
      const depth = indent!.length / 2;
      const spanId = (i + 1).toString(16).padStart(16, "0");
      stack.length = depth;
      const parentSpanId = flag === "?" ? "ffffffffffffffff" : (stack[depth - 1] ?? "");
      stack.push(spanId);
      return {
        spanId, parentSpanId, name: name!, service: name!.slice(0, 1), start: Number(from), duration: Number(to) - Number(from),
        kind: "internal", status: flag === "!" ? "error" : "unset", events: [], links: [],
      };
    });
  const columns = decodeColumns(encodeTrace("ab".repeat(16), 0n, spans).buffer);
  return { ...columns, ...derive(columns) };
}

const byName = <T>(t: Trace, f: (row: number) => T): Record<string, T> =>
  Object.fromEntries(Array.from({ length: t.spans }, (_, row) => [nameOf(t, row), f(row)]));

const byNameOf = (t: TraceColumns, name: string): number =>
  Array.from({ length: t.spans }, (_, row) => row).find((row) => nameOf(t, row) === name)!;

const names = (t: Trace, rows: Iterable<number>): string => Array.from(rows, (r) => nameOf(t, r)).join(" ");

const sample = (): Trace =>
  drawn(`
    a 0-100
      b 10-40
        b1 15-20 !
        b2 18-30
      c 30-60
      d 90-120
        d1 95-99 !
    orphan 50-70 ?
      o1 55-60
  `);

describe("derive", () => {
  test("self-time is the time no child runs", () => {
    expect(byName(sample(), (r) => sample().selfTime[r])).toEqual({
      a: 100 - 30 - 20 - 10, // b 10-40, c adds 40-60, d clipped to 90-100
      b: 30 - 15, b1: 5, b2: 12, c: 30, d: 26, d1: 4, orphan: 15, o1: 5,
    });
  });

  test("self-time equals a slow oracle on synthetic traces", () => {
    const columns = decodeColumns(encodeTrace("ab".repeat(16), 0n, makeTrace({ spans: 400, seed: 9, skew: true }).spans).buffer);
    const { selfTime } = derive(columns);
    for (let row = 0; row < columns.spans; row++) {
      const covered = coveredByChildren(columns, row);
      let busy = 0;
      for (let i = 0; i < covered.length; i += 2) busy += covered[i + 1]! - covered[i]!;
      expect(selfTime[row]).toBeCloseTo(columns.duration[row]! - busy, 3);
    }
  });

  test("errors and extents roll up", () => {
    const t = sample();
    expect(byName(t, (r) => t.errors[r])).toMatchObject({ a: 2, b: 1, b1: 1, b2: 0, d: 1, orphan: 0 });
    expect(byName(t, (r) => t.subtreeEnd[r])).toMatchObject({ a: 120, d: 120, b: 40 });
    expect(t.extent).toBe(120);
    expect(t.errorCount).toBe(2);
    expect(t.maxDepth).toBe(2);
    expect(t.services.find((s) => s.name === "b")).toEqual({ name: "b", spans: 3, errors: 1, selfTime: 15 + 5 + 12 });
  });

  test("a span of 1970 or 2200 does not squeeze the others", () => {
    const day = 86_400e9;
    const spans: FixtureSpan[] = [
      { spanId: "0000000000000001", parentSpanId: "", name: "epoch", service: "s", start: -20_000 * day, duration: 0 },
      { spanId: "0000000000000002", parentSpanId: "", name: "root", service: "s", start: 0, duration: 1000 },
      { spanId: "0000000000000003", parentSpanId: "0000000000000002", name: "child", service: "s", start: 100, duration: 300 },
      { spanId: "0000000000000004", parentSpanId: "0000000000000002", name: "far", service: "s", start: 50_000 * day, duration: 5 },
    ].map((s) => ({ kind: "internal", status: "unset", events: [{ time: s.start, name: "e" }], links: [], ...s }));
    const columns = decodeColumns(encodeTrace("ab".repeat(16), 1_700_000_000_000_000_000n, spans).buffer);
    columns.noteBits[byNameOf(columns, "epoch")] = noteNoStart;
    columns.noteBits[byNameOf(columns, "far")] = noteFarTime;
    const t = { ...columns, ...derive(columns) };
    expect(t.outOfAxis).toBe(2);
    expect(t.extent).toBeCloseTo(1000, -4); // doubles of 55 years are exact to some 200 ns
    expect(byName(t, (r) => Math.abs(t.start[r]!) < 1000)).toEqual({ epoch: false, root: true, child: true, far: false });
    expect(t.eventTime[byNameOf(columns, "root")]).toBe(0);
    expect(searchTrace(t, "is:far")!.rows.length).toBe(2);
  });

  test("ancestors and orphans", () => {
    const t = sample();
    expect(names(t, ancestorsOf(t, 3))).toBe("a b");
    expect(byName(t, (r) => isOrphan(t, r))).toMatchObject({ a: false, orphan: true, o1: false });
  });
});

describe("Rows", () => {
  const shown = (rows: Rows): string => names(rows.trace as Trace, rows.visible.subarray(0, rows.count));

  test("folding hides the subtree and nothing else", () => {
    const rows = new Rows(sample());
    expect(shown(rows)).toBe("a b b1 b2 c d d1 orphan o1");
    rows.setCollapsed(1, true);
    expect(shown(rows)).toBe("a b c d d1 orphan o1");
    expect(rows.positionOf(2)).toBe(-1);
    expect(rows.nearestVisible(2)).toBe(1);
    expect(rows.positionOf(4)).toBe(2);
    rows.setCollapsed(0, true);
    expect(shown(rows)).toBe("a orphan o1");
    expect(rows.maxDepth).toBe(1);
    rows.reveal(2);
    expect(shown(rows)).toBe("a b b1 b2 c d d1 orphan o1");
  });

  test("a leaf cannot be folded", () => {
    const rows = new Rows(sample());
    expect(rows.setCollapsed(4, true)).toBe(false);
  });

  test("by depth", () => {
    const rows = new Rows(sample());
    rows.setDepth(0);
    expect(shown(rows)).toBe("a orphan");
    rows.setDepth(1);
    expect(shown(rows)).toBe("a b c d orphan o1");
    expect(names(rows.trace as Trace, rows.collapsedRows())).toBe("b d");
    rows.expandAll();
    expect(rows.count).toBe(9);
  });

  test("a filter keeps matches and their ancestors, folded or not", () => {
    const t = sample();
    const rows = new Rows(t);
    rows.setCollapsed(0, true);
    rows.setOnly(searchTrace(t, "is:error")!.mask);
    expect(shown(rows)).toBe("a b b1 d d1");
    rows.setOnly(undefined);
    expect(shown(rows)).toBe("a orphan o1");
  });
});

describe("a cycle of parents", () => {
  const looped = (): Trace => {
    const span = (id: number, parent: number, name: string, start: number): FixtureSpan => ({
      spanId: id.toString(16).padStart(16, "0"), parentSpanId: parent === 0 ? "" : parent.toString(16).padStart(16, "0"), name, service: "s", start, duration: 10,
      kind: "internal", status: name === "z" ? "error" : "unset", events: [], links: [],
    });
    const spans = [span(1, 0, "root", 0), span(2, 1, "child", 1), span(3, 3, "self", 2), span(4, 3, "below", 3), span(5, 7, "x", 4), span(6, 5, "y", 5), span(7, 6, "z", 6), span(8, 99, "orphan", 7)];
    const columns = decodeColumns(encodeTrace("ab".repeat(16), 0n, spans).buffer);
    columns.noteBits[byNameOf(columns, "self")]! |= noteSelfParent | noteSameIds;
    columns.notes = Array.from({ length: 12 }, (_, bit) => `note ${bit}`);
    return { ...columns, ...derive(columns) };
  };

  test("is cut at one row, which stands at the top like an orphan but is not one", () => {
    const t = looped();
    expect(names(t, t.parent.keys())).toBe("root child self below x y z orphan");
    expect(Array.from(t.parent)).toEqual([-1, 0, -3, 2, -3, 4, 5, -2]);
    expect([t.cycles, t.missingParents]).toEqual([2, 1]);
    expect(byName(t, (r) => isOrphan(t, r))).toMatchObject({ self: false, x: false, orphan: true });
    expect(byName(t, (r) => isCycle(t, r))).toEqual({ root: false, child: false, self: true, below: false, x: true, y: false, z: false, orphan: false });
    expect(names(t, ancestorsOf(t, byNameOf(t, "z")))).toBe("x y");
    expect(byName(t, (r) => t.errors[r])).toMatchObject({ x: 1, y: 1, z: 1, self: 0 });
    const rows = new Rows(t);
    rows.setCollapsed(byNameOf(t, "x"), true);
    expect(names(t, rows.visible.subarray(0, rows.count))).toBe("root child self below x orphan");
  });

  test("is told apart from a missing parent in words and in search", () => {
    const t = looped();
    expect(byName(t, (r) => parentProblem(t, r))).toEqual({
      root: "", child: "", self: "parent is in a cycle", below: "", x: "parent is in a cycle", y: "", z: "", orphan: "parent missing",
    });
    const text = byName(t, (r) => parentProblemText(t, r));
    expect(text["self"]).toMatch(/^It names itself as its parent/);
    expect(text["x"]).toMatch(/^Its chain of parents leads back to it/);
    expect(text["orphan"]).toMatch(/was not received/);
    expect(text["root"]).toBe("");
    expect(names(t, searchTrace(t, "is:cycle")!.rows)).toBe("self x");
    expect(names(t, searchTrace(t, "is:orphan")!.rows)).toBe("orphan");
    expect(names(t, searchTrace(t, "is:root")!.rows)).toBe("root");
  });

  test("notes have their text by bit", () => {
    const t = looped();
    expect(notesOf(t, byNameOf(t, "self"))).toEqual(["note 10", "note 11"]);
    expect(notesOf(t, byNameOf(t, "root"))).toEqual([]);
    expect(names(t, searchTrace(t, "is:twin")!.rows)).toBe("self");
  });
});

describe("searchTrace", () => {
  const found = (query: string): string => {
    const t = sample();
    const m = searchTrace(t, query);
    return m === undefined ? "all" : names(t, m.rows);
  };
  test.each([
    ["", "all"],
    ["  ", "all"],
    ["b", "b b1 b2"],
    ["B1", "b1"],
    ["is:error", "b1 d1"],
    ["is:error -d1", "b1"],
    ["is:orphan", "orphan"],
    [">=30ns", "a b c d"],
    ["<5ns", "d1"],
    ["self>25ns", "a c d"],
    ["service:o", "orphan o1"],
    ["kind:client", ""],
    ["0000000000000003", "b1"],
    ["no such thing", ""],
    ["is:nonsense", ""],
  ])("%s -> %s", (query, want) => expect(found(query)).toBe(want));

  test("by span id", () => {
    const t = sample();
    const m = matchesOf(t, ["0000000000000003", "0000000000000005", "ffffffffffffffff"]);
    expect(names(t, m.rows)).toBe("b1 c");
    expect(m.mask.reduce((a, b) => a + b)).toBe(2);
    expect(matchesOf(t, []).rows.length).toBe(0);
  });

  test("terms", () => {
    expect(searchTerms('one "two words" -"not this" -')).toEqual(["one", "two words", "-not this"]);
  });
});

describe("criticalPath", () => {
  const path = (t: Trace, root = 0): string => {
    const p = criticalPath(t, root);
    return Array.from(p.row, (r, i) => `${nameOf(t, r)} ${p.from[i]}-${p.to[i]}`).join(", ");
  };
  test("goes back through what was waited for last", () => {
    expect(
      path(drawn(`
    a 0-100
      b 10-40
        b1 15-20
      c 30-90
        c1 50-90
      late 95-130
    `)),
    ).toBe("a 0-30, a 90-100, c 30-50, c1 50-90");
  });
  test("a sequence is wholly on it, and covers the root's time once", () => {
    const t = drawn(`
    a 0-100
      b 10-40
      c 40-60
      d 70-100
    `);
    expect(path(t)).toBe("a 0-10, a 60-70, b 10-40, c 40-60, d 70-100");
  });
  test("segments tile the root's duration", () => {
    const columns = decodeColumns(encodeTrace("ab".repeat(16), 0n, makeTrace({ spans: 500, seed: 2 }).spans).buffer);
    const p = criticalPath(columns, columns.rootRow);
    let sum = 0;
    for (let i = 0; i < p.row.length; i++) sum += p.to[i]! - p.from[i]!;
    expect(sum).toBeCloseTo(columns.duration[columns.rootRow]!, 3);
    for (let row = 0; row < columns.spans; row++) {
      for (let i = p.offset[row]!; i < p.offset[row + 1]!; i++) expect(p.row[i]).toBe(row);
    }
  });
  test("no root, no path", () => expect(path(sample(), -1)).toBe(""));
});
