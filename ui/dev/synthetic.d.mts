// SPDX-License-Identifier: Apache-2.0

import type { FixtureSpan } from "./columns.mjs";

export interface TraceOptions {
  seed?: number;
  /** About how many spans (60 at least). */
  spans?: number;
  traceId?: string;
  /** Share of server spans that are lost, 0–1. */
  drop?: number;
  /** Whether one service's clock is 3 ms behind. */
  skew?: boolean;
  errors?: boolean;
}

export function makeTrace(options?: TraceOptions): { traceId: string; spans: FixtureSpan[] };
export function makeChain(n: number, traceId: string): { traceId: string; spans: FixtureSpan[] };
export function makeHostile(n: number, traceId: string): { traceId: string; spans: FixtureSpan[] };
