// SPDX-License-Identifier: Apache-2.0

/** Edit distance with transpositions (optimal string alignment), case ignored. */
export function distance(a: string, b: string): number {
  const s = a.toLowerCase();
  const t = b.toLowerCase();
  let before: number[] = [];
  let previous = Array.from({ length: t.length + 1 }, (_, j) => j);
  for (let i = 1; i <= s.length; i++) {
    const row = [i];
    for (let j = 1; j <= t.length; j++) {
      const same = s[i - 1] === t[j - 1] ? 0 : 1;
      row[j] = Math.min(previous[j]! + 1, row[j - 1]! + 1, previous[j - 1]! + same);
      if (i > 1 && j > 1 && s[i - 1] === t[j - 2] && s[i - 2] === t[j - 1]) row[j] = Math.min(row[j]!, before[j - 2]! + 1);
    }
    before = previous;
    previous = row;
  }
  return previous[t.length]!;
}

/** The name most like wanted, or null when none is alike: at most a third of the letters wrong, or one within the other. */
export function closest(wanted: string, names: readonly string[]): string | null {
  let best: string | null = null;
  let bestDistance = Infinity;
  for (const name of names) {
    const within = wanted.length >= 3 && name.toLowerCase().includes(wanted.toLowerCase());
    const d = within ? 0.5 : distance(wanted, name);
    if (d < bestDistance && (within || d <= Math.max(1, Math.floor(Math.max(wanted.length, name.length) / 3)))) {
      best = name;
      bestDistance = d;
    }
  }
  return best;
}
