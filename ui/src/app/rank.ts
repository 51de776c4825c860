// SPDX-License-Identifier: Apache-2.0

/** How well text answers what was typed: all words must occur; beginnings of words count more. 0 is no match. */
export function score(text: string, typed: string): number {
  const hay = text.toLowerCase();
  let total = 0;
  for (const word of typed.toLowerCase().split(/\s+/)) {
    if (word === "") continue;
    const at = hay.indexOf(word);
    if (at === -1) return 0;
    const starts = at === 0 || new RegExp(`(?:^|[^a-z0-9])${word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")}`).test(hay);
    total += (starts ? 4 : 1) + (at === 0 ? 2 : 0);
  }
  return total;
}

/** The items that match, best first; ties keep their order. All of them when nothing is typed. */
export function rank<T>(items: readonly T[], typed: string, text: (item: T) => string): T[] {
  if (typed === "") return [...items];
  return items
    .map((item, i) => ({ item, i, s: score(text(item), typed) }))
    .filter((x) => x.s > 0)
    .sort((a, b) => b.s - a.s || a.i - b.i)
    .map((x) => x.item);
}
