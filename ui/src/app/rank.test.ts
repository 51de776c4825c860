// SPDX-License-Identifier: Apache-2.0

import { expect, test } from "vitest";
import { rank } from "./rank";

const titles = ["Go to search", "Order: oldest first", "Order: newest first", "Edit the query", "Research"];

test.each([
  ["", titles],
  ["order", ["Order: oldest first", "Order: newest first"]],
  ["new ord", ["Order: newest first"]],
  ["search", ["Go to search", "Research"]],
  ["zzz", []],
  ["(", []],
])("%j", (typed, want) => expect(rank(titles, typed, (t) => t)).toEqual(want));
