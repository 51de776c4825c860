// SPDX-License-Identifier: Apache-2.0

import { gzipSync } from "node:zlib";
import { fixtureTrace, spanDetails } from "../traces.mjs";

const notFound = (id) => ({
  status: 404,
  json: {
    error: {
      code: "not_found",
      message: `no span of trace ${id} is stored`,
      hint: "It may have been sampled away, may be past the retention time, or is still on its way.",
    },
  },
});

/** @type {import("../fixture-server.mjs").Route[]} */
export const routes = [
  {
    method: "GET",
    pattern: /^\/api\/clew\/v1\/traces\/([^/]+)\/columns$/,
    answer: ({ match }) => {
      const entry = fixtureTrace(match[1]);
      if (entry === undefined) return notFound(match[1]);
      return { status: 200, type: "application/vnd.clew.trace-columns", encoding: "gzip", body: gzipSync(new Uint8Array(entry.buffer), { level: 1 }) };
    },
  },
  {
    method: "GET",
    pattern: /^\/api\/clew\/v1\/traces\/([^/]+)\/spans$/,
    answer: ({ match, url }) => {
      const entry = fixtureTrace(match[1]);
      if (entry === undefined) return notFound(match[1]);
      const rows = [];
      const range = /^(\d+)-(\d+)$/.exec(url.searchParams.get("rows") ?? "");
      if (range !== null) {
        for (let r = Number(range[1]); r <= Math.min(Number(range[2]), entry.order.length - 1); r++) rows.push(r);
      }
      const ids = new Set((url.searchParams.get("ids") ?? "").split(",").filter((id) => id !== ""));
      if (ids.size > 0) entry.order.forEach((s, row) => ids.has(s.spanId) && rows.push(row));
      return { status: 200, json: { spans: rows.map((row) => spanDetails(match[1], entry, row)) } };
    },
  },
  {
    method: "GET",
    pattern: /^\/api\/clew\/v1\/traces\/([^/]+)$/,
    answer: ({ match }) => {
      const entry = fixtureTrace(match[1]);
      if (entry === undefined) return notFound(match[1]);
      return { status: 200, json: { resourceSpans: [], fixture: entry.order.slice(0, 50) } };
    },
  },
];
