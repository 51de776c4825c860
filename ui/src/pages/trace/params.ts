// SPDX-License-Identifier: Apache-2.0

// The URL of the trace page: /trace/{id}?span=&zoom=&collapsed=… says all of
// what is on the page. Everything is a string there; absent is the default.

import * as v from "valibot";

const text = v.pipe(v.union([v.string(), v.number(), v.boolean()]), v.transform(String));
const flag = v.fallback(v.optional(v.pipe(text, v.transform((s) => (s === "1" || s === "true" ? "1" : undefined)))), undefined);

export const traceSearch = v.object({
  /** Selected span id; the page opens on it. */
  span: v.fallback(v.optional(v.pipe(text, v.regex(/^[0-9a-f]{16}$/i))), undefined),
  /** Window of time, ns after the trace's start: `1200-3400`. */
  zoom: v.fallback(v.optional(v.pipe(text, v.regex(/^\d+-\d+$/))), undefined),
  /** Levels shown, where the tree is folded by depth. */
  depth: v.fallback(v.optional(v.pipe(text, v.regex(/^\d{1,5}$/))), undefined),
  /** Span ids of folded rows, comma-separated. */
  collapsed: v.fallback(v.optional(v.pipe(text, v.regex(/^[0-9a-f]{16}(,[0-9a-f]{16})*$/i))), undefined),
  /** Search within the trace. */
  q: v.fallback(v.optional(text), undefined),
  /** "1": only matches and their ancestors. */
  only: flag,
  /** "1": the critical path is drawn. */
  path: flag,
  /** "1": clocks that disagree are aligned. */
  align: flag,
});

export type TraceSearch = v.InferOutput<typeof traceSearch>;
