// SPDX-License-Identifier: Apache-2.0

import { expect, test } from "vitest";
import { encodeTrace } from "../../dev/columns.mjs";
import { makeTrace } from "../../dev/synthetic.mjs";
import { decodeColumns, spanIdHex } from "../wire/columns";
import { formatFold, parseFold } from "./fold";
import { Rows } from "./rows";

const columns = decodeColumns(encodeTrace("ab".repeat(16), 0n, makeTrace({ spans: 200, seed: 8 }).spans).buffer);

test("nothing folded says nothing", () => {
  expect(formatFold(new Rows(columns))).toEqual({});
});

test("folds by depth and by row survive the URL", () => {
  for (const fold of [(r: Rows) => r.setDepth(0), (r: Rows) => r.setDepth(2), (r: Rows) => r.setCollapsed(5, true), (r: Rows) => (r.setDepth(2), r.setCollapsed(r.collapsedRows()[1]!, false))]) {
    const rows = new Rows(columns);
    fold(rows);
    const again = new Rows(columns);
    again.setCollapsedRows(parseFold(again, formatFold(rows)));
    expect(again.visible.subarray(0, again.count)).toEqual(rows.visible.subarray(0, rows.count));
  }
});

test("depth is named where it is the whole truth", () => {
  const rows = new Rows(columns);
  rows.setDepth(2);
  expect(formatFold(rows)).toEqual({ depth: "2" });
  rows.setCollapsed(rows.collapsedRows()[0]!, false);
  expect(Object.keys(formatFold(rows))).toEqual(["collapsed"]);
});

test("ids of another trace are left out", () => {
  const rows = new Rows(columns);
  expect(parseFold(rows, { collapsed: `ffffffffffffffff,${spanIdHex(columns, 0)}` })).toEqual([0]);
});
