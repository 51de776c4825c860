// SPDX-License-Identifier: Apache-2.0

// What the Lezer build plugin (vite.config.ts) makes of *.grammar.
declare module "*.grammar" {
  import type { LRParser } from "@lezer/lr";
  export const parser: LRParser;
}
