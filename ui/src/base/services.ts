// SPDX-License-Identifier: Apache-2.0

/** Numbers of hues and of tones in tokens.css (`--svc-0a` … `--svc-23c`). */
export const serviceHues = 24;
const tones = "abc";

// Where FNV-1a starts. Near its usual offset basis, and chosen such that the
// services of well-known demo shops all get colours that differ well.
const basis = 0x812172bb;

/** FNV-1a over UTF-16 code units with a final mix: small, and spreads names that differ in one letter. */
function hash(text: string): number {
  let h = basis;
  for (let i = 0; i < text.length; i++) {
    h ^= text.charCodeAt(i);
    h = Math.imul(h, 0x01000193);
  }
  h ^= h >>> 15;
  h = Math.imul(h, 0x2c1b3c6d);
  h ^= h >>> 12;
  h = Math.imul(h, 0x297a2d39);
  h ^= h >>> 15;
  return h >>> 0;
}

/**
 * The CSS custom property that holds the colour of a service, such as
 * `--svc-7a`. Hue and tone depend on the name alone, so a service has the same
 * colour for every user, on every page and beside whatever others. That two
 * share a colour is rare with 72 of them, and names always stand beside colours.
 */
export function serviceToken(name: string): string {
  const colour = hash(name) % (serviceHues * tones.length);
  return `--svc-${colour % serviceHues}${tones[Math.floor(colour / serviceHues)]}`;
}

/** The colour of a service as a CSS value, for `style={{ color: serviceColor(name) }}`. */
export function serviceColor(name: string): string {
  return `var(${serviceToken(name)})`;
}
