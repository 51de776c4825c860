// SPDX-License-Identifier: Apache-2.0

// Queries that were run here before, newest first, in localStorage.

import * as v from "valibot";

const key = "clew.queries";
const keep = 50;
const shape = v.array(v.string());

export function pastQueries(): readonly string[] {
  try {
    return v.parse(shape, JSON.parse(localStorage.getItem(key) ?? "[]"));
  } catch {
    return [];
  }
}

/** A list with query moved or added to its front. */
export function remember(list: readonly string[], query: string): string[] {
  const trimmed = query.trim();
  if (trimmed === "") return [...list];
  return [trimmed, ...list.filter((q) => q !== trimmed)].slice(0, keep);
}

export function rememberQuery(query: string): void {
  try {
    localStorage.setItem(key, JSON.stringify(remember(pastQueries(), query)));
  } catch {
    // No storage: history lasts as long as nothing.
  }
}
