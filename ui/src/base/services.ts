// SPDX-License-Identifier: Apache-2.0

/** Number of hues in tokens.css (`--svc-0a` … `--svc-23c`). */
export const serviceHues = 24;

const tones = ["a", "b", "c"] as const;

/** FNV-1a over UTF-16 code units with a final mix: small, and spreads names that differ in one letter. */
function hash(text: string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) {
    h ^= text.charCodeAt(i);
    h = Math.imul(h, 0x01000193);
  }
  h ^= h >>> 15;
  h = Math.imul(h, 0x2c1b3c6d);
  h ^= h >>> 12;
  return h >>> 0;
}

/** The hue of a service: depends on its name alone, so it is the same for every user and on every page. */
export function serviceHue(name: string): number {
  return hash(name) % serviceHues;
}

/** The CSS custom property that holds the colour of a service, such as `--svc-7a`. */
export function serviceToken(name: string): string {
  return `--svc-${serviceHue(name)}a`;
}

/** The colour of a service as a CSS value, for `style={{ color: serviceColor(name) }}`. */
export function serviceColor(name: string): string {
  return `var(${serviceToken(name)})`;
}

/**
 * Tokens for services shown together. A service keeps its hue always; where
 * several share one, the later ones by name get another tone of it.
 */
export function serviceTokens(names: readonly string[]): string[] {
  const order = names.map((_, i) => i).sort((a, b) => (names[a]! < names[b]! ? -1 : names[a]! > names[b]! ? 1 : 0));
  const used = new Map<number, number>();
  const out = Array.from(names, () => "");
  for (const i of order) {
    const hue = serviceHue(names[i]!);
    const n = used.get(hue) ?? 0;
    used.set(hue, n + 1);
    out[i] = `--svc-${hue}${tones[n % tones.length]}`;
  }
  return out;
}
