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

/** Hues that must lie between two services shown together, by how many there are: few can afford clear contrasts. */
function hueGap(services: number): number {
  return services <= 8 ? 3 : services <= 12 ? 2 : 1;
}

/**
 * Tokens for services shown together, as in one trace. Each gets its own hue
 * unless that is too near to another's; then the next one that is not, so that
 * they can be told apart. Past 24 services hues repeat in other tones.
 * Depends on the set of names alone, not on their order.
 */
export function serviceTokens(names: readonly string[]): string[] {
  const order = names.map((_, i) => i).sort((a, b) => (names[a]! < names[b]! ? -1 : names[a]! > names[b]! ? 1 : 0));
  const out = Array.from(names, () => "");
  let used: number[] = [];
  let tone = 0;
  for (const i of order) {
    if (used.length === serviceHues) {
      used = [];
      tone = (tone + 1) % tones.length;
    }
    const hue = nearestFree(serviceHue(names[i]!), used, hueGap(names.length));
    used.push(hue);
    out[i] = `--svc-${hue}${tones[tone]}`;
  }
  return out;
}

/** The hue nearest to `wanted` that is `gap` away from all used ones, or less where there is no room. */
function nearestFree(wanted: number, used: readonly number[], gap: number): number {
  for (let g = gap; g > 0; g--) {
    for (let d = 0; d <= serviceHues / 2; d++) {
      for (const candidate of [wanted + d, wanted - d + serviceHues]) {
        const hue = candidate % serviceHues;
        if (used.every((u) => Math.min(Math.abs(u - hue), serviceHues - Math.abs(u - hue)) >= g)) return hue;
      }
    }
  }
  return wanted;
}
