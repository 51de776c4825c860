// SPDX-License-Identifier: Apache-2.0

// The searching half of the fixture server: status, search, fields, values,
// complete. Answers about a thousand made-up traces of the last hours whose
// ids lead to fixture traces. It understands one spanset of && conditions; a
// query with `slow` in a string answers after 4 s, to try cancelling.

import { fixtureId } from "../traces.mjs";

const started = Date.now();
const empty = { until: process.env.FIXTURE_EMPTY === undefined ? 0 : Date.now() + Number(process.env.FIXTURE_EMPTY) * 1000 };

function random(seed) {
  let s = seed >>> 0;
  return () => {
    s = (s + 0x6d2b79f5) >>> 0;
    let t = Math.imul(s ^ (s >>> 15), s | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

const journeys = [
  { root: ["frontend", "GET /"], weight: 6, ms: 42, spans: 14, services: ["frontend", "catalog", "recommendation", "redis"] },
  { root: ["frontend", "GET /product/{id}"], weight: 5, ms: 68, spans: 22, services: ["frontend", "catalog", "reviews", "pricing", "redis"] },
  { root: ["frontend", "POST /cart"], weight: 3, ms: 95, spans: 31, services: ["frontend", "cart", "inventory", "redis", "pricing"] },
  { root: ["frontend", "POST /checkout"], weight: 2, ms: 640, spans: 118, services: ["frontend", "checkout", "payment", "inventory", "shipping", "email", "cart", "fraud-check", "kafka"] },
  { root: ["mobile-gateway", "GET /v2/feed"], weight: 4, ms: 130, spans: 40, services: ["mobile-gateway", "catalog", "recommendation", "identity"] },
  { root: ["identity", "POST /login"], weight: 2, ms: 210, spans: 12, services: ["identity", "postgres", "email"] },
  { root: ["scheduler", "reindex products"], weight: 0.3, ms: 8200, spans: 4200, services: ["scheduler", "search-indexer", "catalog", "elasticsearch"] },
  { root: ["order-worker", "orders process"], weight: 2, ms: 310, spans: 26, services: ["order-worker", "inventory", "shipping", "postgres", "kafka"] },
];

function make() {
  const next = random(7);
  const total = journeys.reduce((s, j) => s + j.weight, 0);
  const out = [];
  for (let i = 0; i < 1100; i++) {
    let pick = next() * total;
    const journey = journeys.find((j) => (pick -= j.weight) <= 0) ?? journeys[0];
    const agoMs = i < 700 ? next() * 50 * 60e3 : next() * 30 * 3600e3;
    const incident = agoMs > 12 * 60e3 && agoMs < 17 * 60e3 && journey.services.includes("payment");
    const tail = next() < 0.04 ? 6 : 1;
    const ms = journey.ms * Math.exp((next() + next() + next() - 1.5) * 0.9) * tail * (incident ? 5 : 1);
    const failed = next() < (incident ? 0.7 : 0.035);
    const spans = Math.max(1, Math.round(journey.spans * (0.6 + next() * 0.9)));
    const seed = i % 100;
    const services = journey.services.map((name, k) => ({
      name,
      spans: Math.max(1, Math.round((spans / journey.services.length) * (k === 0 ? 1.2 : 0.5 + next()))),
      errors: failed && (k === 0 || (k === 2 && next() < 0.8)) ? 1 : 0,
    }));
    const missingRoot = next() < 0.012;
    out.push({
      traceId: fixtureId(missingRoot ? "d" : failed ? "c" : "a", Math.max(1, spans), seed),
      rootService: journey.root[0],
      rootName: missingRoot ? "" : journey.root[1],
      startNs: String(BigInt(Math.round(started - agoMs)) * 1_000_000n + BigInt(Math.floor(next() * 1e6))),
      durationNs: Math.round(ms * 1e6),
      spanCount: spans,
      errorCount: services.reduce((s, x) => s + x.errors, 0),
      services,
      missingRoot,
      status: failed ? "error" : "unset",
    });
  }
  const seen = new Set();
  return out.filter((t) => !seen.has(t.traceId) && seen.add(t.traceId));
}

const traces = make();

const fields = [
  ["intrinsic", "name", "string"], ["intrinsic", "duration", "duration"], ["intrinsic", "status", "status"], ["intrinsic", "kind", "kind"],
  ["intrinsic", "rootName", "string"], ["intrinsic", "rootServiceName", "string"], ["intrinsic", "traceDuration", "duration"], ["intrinsic", "statusMessage", "string"],
  ["resource", "service.name", "string"], ["resource", "service.version", "string"], ["resource", "k8s.pod.name", "string"], ["resource", "cloud.region", "string"],
  ["span", "http.route", "string"], ["span", "http.request.method", "string"], ["span", "http.response.status_code", "int"], ["span", "db.system.name", "string"],
  ["span", "db.query.text", "string"], ["span", "app.user.id", "string"], ["span", "app.order.id", "string"], ["span", "app.cart.items", "int"], ["span", "retry", "bool"],
  ["event", "exception.message", "string"], ["event", "exception.type", "string"],
].map(([scope, key, type]) => ({ name: scope === "intrinsic" ? key : `${scope}.${key}`, scope, key, types: [type] }));

const constants = {
  "span.http.request.method": [["GET", 8200], ["POST", 2900], ["PUT", 120]],
  "span.http.response.status_code": [[200, 9800], [201, 640], [404, 210], [500, 164], [503, 58]],
  "span.http.route": [["/", 3100], ["/product/{id}", 2600], ["/cart", 1500], ["/checkout", 1010], ["/v2/feed", 2020]],
  "span.db.system.name": [["postgresql", 6100], ["redis", 4020], ["elasticsearch", 800]],
  "resource.cloud.region": [["eu-west-1", 21000], ["us-east-1", 8000]],
  status: [["unset", 26000], ["ok", 9000], ["error", 870]],
  kind: [["server", 9000], ["client", 8700], ["internal", 16000], ["producer", 900], ["consumer", 880]],
};

const unit = { ns: 1, us: 1e3, ms: 1e6, s: 1e9, m: 60e9, h: 3600e9 };
const ns = (text) => {
  const m = /^([\d.]+)(ns|us|ms|s|m|h)$/.exec(text);
  return m === null ? Number(text) : Number(m[1]) * unit[m[2]];
};

function bad(q, message, from, to, hint) {
  return { error: { status: 400, json: { error: { code: "bad_query", message, hint, position: { from: Buffer.byteLength(q.slice(0, from)), to: Buffer.byteLength(q.slice(0, to)) } } } } };
}

/** A predicate for one spanset of conditions, or { error }. */
function compile(q) {
  const text = q.trim();
  if (text === "" || /^\{\s*\}$/.test(text)) return { test: () => true };
  if (!text.startsWith("{")) return bad(q, "a query starts with a spanset", 0, 1, "write { … }, such as { status = error }");
  const close = text.lastIndexOf("}");
  if (close < 0) return bad(q, "spanset is not closed", q.length - 1, q.length, "add }");
  const tests = [];
  const body = text.slice(1, close);
  const term = /\s*([\w.:/-]+)\s*(=~|!~|!=|>=|<=|=|>|<)\s*("(?:[^"\\]|\\.)*"|`[^`]*`|[\w.-]+)\s*(&&|$)/gy;
  while (term.lastIndex < body.length && body.slice(term.lastIndex).trim() !== "") {
    const at = term.lastIndex;
    const m = term.exec(body);
    if (m === null) {
      const from = q.indexOf("{") + 1 + at + (/^\s*/.exec(body.slice(at))[0].length);
      return bad(q, "expected a condition", from, Math.min(q.length, from + 1), "conditions look like span.http.route = \"/cart\"");
    }
    const [, field, op, literal] = m;
    if (!/[.:]/.test(field) && !fields.some((f) => f.name === field)) {
      const from = q.indexOf(field);
      return bad(q, `unknown intrinsic ${field}`, from, from + field.length, `attributes need a scope: span.${field}, resource.${field} or .${field}`);
    }
    const value = /^["`]/.test(literal) ? literal.slice(1, -1).replace(/\\(.)/g, "$1") : literal;
    tests.push((t) => {
      const own = valueOf(t, field);
      if (own === undefined) return literal !== "nil" && op === "=" && constants[field]?.some(([v]) => String(v) === value) === true && t.spanCount % 3 === 0;
      if (literal === "nil") return op === "!=";
      const list = Array.isArray(own) ? own : [own];
      if (op === "=~") return list.some((v) => new RegExp(`^(?:${value.replace(/^\(\?i\)/, "")})$`, "i").test(String(v)));
      if (op === "!=") return list.every((v) => String(v) !== value);
      if (op === "=") return list.some((v) => String(v) === value);
      const n = ns(value);
      return list.some((v) => (op === ">" ? v > n : op === ">=" ? v >= n : op === "<" ? v < n : v <= n));
    });
  }
  return { test: (t) => tests.every((f) => f(t)) };
}

function valueOf(t, field) {
  switch (field) {
    case "resource.service.name": case ".service.name": return t.services.map((s) => s.name);
    case "rootServiceName": case "trace:rootService": return t.rootService;
    case "name": case "span:name": case "rootName": return t.rootName;
    case "duration": case "traceDuration": case "trace:duration": case "span:duration": return t.durationNs;
    case "status": return t.errorCount > 0 ? ["error", "unset"] : ["unset"];
    default: return undefined;
  }
}

const orders = {
  newest: (a, b) => (BigInt(b.startNs) > BigInt(a.startNs) ? 1 : -1),
  oldest: (a, b) => (BigInt(b.startNs) < BigInt(a.startNs) ? 1 : -1),
  longest: (a, b) => b.durationNs - a.durationNs,
  errors: (a, b) => b.errorCount - a.errorCount || orders.newest(a, b),
  spans: (a, b) => b.spanCount - a.spanCount,
};

function instant(text) {
  if (text === null || text === "") return undefined;
  return /^\d+$/.test(text) ? BigInt(text) : BigInt(Date.parse(text)) * 1_000_000n;
}

function within(url) {
  const [start, end] = [instant(url.searchParams.get("start")), instant(url.searchParams.get("end"))];
  return (t) => {
    const from = BigInt(t.startNs);
    return (start === undefined || from + BigInt(t.durationNs) >= start) && (end === undefined || from <= end);
  };
}

function search({ url }) {
  const q = url.searchParams.get("q") ?? "";
  const compiled = compile(q);
  if (compiled.error) return compiled.error;
  const limit = Number(url.searchParams.get("limit") ?? 20);
  const offset = Number(url.searchParams.get("cursor") ?? 0) || 0;
  const found = traces.filter(within(url)).filter(compiled.test).sort(orders[url.searchParams.get("order") ?? "newest"]);
  const page = found.slice(offset, offset + limit);
  const all = q.trim() === "" || /^\{\s*\}$/.test(q.trim());
  return {
    status: 200,
    delayMs: q.includes("slow") ? 4000 : 25,
    json: {
      traces: page.map((t) => {
        const matched = all ? t.spanCount : Math.max(1, Math.round(t.spanCount / 7));
        return {
          ...t,
          status: undefined,
          durationNs: String(t.durationNs),
          matched,
          spans: Array.from({ length: Math.min(3, matched) }, (_, i) => {
            const s = t.services[i % t.services.length];
            return {
              spanId: `${t.traceId.slice(-14)}${String(i).padStart(2, "0")}`,
              name: i === 0 && t.rootName !== "" ? t.rootName : ["SELECT orders", "GET /internal", "charge card"][i],
              service: s.name,
              startNs: String(BigInt(t.startNs) + BigInt(Math.round((t.durationNs * i) / 4))),
              durationNs: String(Math.round(t.durationNs / (1 + i))),
              status: s.errors > 0 ? "error" : "unset",
              kind: i === 0 ? "server" : "client",
              attributes: [
                { key: "http.response.status_code", value: s.errors > 0 ? 500 : 200, type: "int" },
                { key: "http.route", value: "/cart", type: "string" },
              ],
            };
          }),
        };
      }),
      cursor: offset + limit < found.length ? String(offset + limit) : "",
      partial: false,
      scanned: { traces: traces.length, spans: traces.reduce((s, t) => s + t.spanCount, 0), bytes: 3_400_000 },
      tookMs: 3.14,
    },
  };
}

function values({ url }) {
  const field = url.searchParams.get("field");
  const prefix = (url.searchParams.get("prefix") ?? "").toLowerCase();
  const limit = Number(url.searchParams.get("limit") ?? 100);
  const compiled = compile(url.searchParams.get("q") ?? "");
  if (compiled.error) return compiled.error;
  const counts = new Map();
  if (constants[field] !== undefined) for (const [v, n] of constants[field]) counts.set(v, n);
  else {
    for (const t of traces.filter(within(url)).filter(compiled.test)) {
      if (field === "resource.service.name") for (const s of t.services) counts.set(s.name, (counts.get(s.name) ?? 0) + s.spans);
      else for (const v of [valueOf(t, field)].flat()) if (v !== undefined && v !== "") counts.set(v, (counts.get(v) ?? 0) + 1);
    }
  }
  const all = [...counts].filter(([v]) => String(v).toLowerCase().startsWith(prefix)).sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
  const type = fields.find((f) => f.name === field)?.types[0] ?? "string";
  return {
    status: 200,
    json: { field, values: all.slice(0, limit).map(([v, n]) => ({ value: String(v), type, count: n })), truncated: all.length > limit },
  };
}

function complete({ body }) {
  const { q, cursor } = JSON.parse(body);
  const before = q.slice(0, cursor);
  const word = /[\w.:-]*$/.exec(before)[0];
  const open = /([\w.:]+)\s*(?:=|!=|=~)\s*"?([^"&|{}]*)$/.exec(before);
  let items = [];
  let from = cursor - word.length;
  if (open !== null && /[=~]\s*"?[^"\s]*$/.test(before)) {
    const typed = open[2];
    from = cursor - typed.length - (before[cursor - typed.length - 1] === '"' ? 1 : 0);
    const url = new URL(`http://x/?field=${encodeURIComponent(open[1])}&prefix=${encodeURIComponent(typed)}`);
    const bare = ["status", "kind", "duration", "traceDuration"].includes(open[1]) || fields.find((f) => f.name === open[1])?.types[0] === "int";
    items = values({ url }).json.values.map((v) => ({ label: v.value, kind: "value", detail: String(v.count), insert: bare ? v.value : JSON.stringify(v.value) }));
  } else if (/[\w"]\s+$/.test(before) && !/(&&|\|\|)\s*$/.test(before)) {
    const afterField = fields.some((f) => before.trimEnd().endsWith(f.name));
    items = (afterField ? ["=", "!=", ">", "<", "=~"] : ["&&", "||", "}"]).map((o) => ({ label: o, kind: "operator", detail: "", insert: `${o} ` }));
  } else {
    items = fields.filter((f) => f.name.includes(word)).map((f) => ({ label: f.name, kind: f.scope === "intrinsic" ? "intrinsic" : "attribute", detail: f.types[0], insert: `${f.name} ` }));
  }
  const compiled = compile(q);
  const e = compiled.error?.json.error;
  return {
    status: 200,
    json: { from, to: cursor, items, diagnostics: e === undefined ? [] : [{ from: e.position.from, to: e.position.to, severity: "error", message: e.message, hint: e.hint }] },
  };
}

function status() {
  const none = Date.now() < empty.until;
  return {
    status: 200,
    json: {
      version: "0.2.0",
      startedAt: new Date(started - 3600e3 * 5).toISOString(),
      addresses: { http: "127.0.0.1:16686", "otlp-grpc": "127.0.0.1:4317", "otlp-http": "127.0.0.1:4318", tempo: "127.0.0.1:3200" },
      spans: none ? 0 : 1_284_332,
      traces: none ? 0 : 41_201,
      services: none ? 0 : 21,
      storageBytes: none ? 4096 : 38_220_110,
      walSync: "always",
      retention: "14d",
      memoryLimit: 1 << 30,
      oldestNs: none ? "0" : traces.reduce((m, t) => (BigInt(t.startNs) < BigInt(m) ? t.startNs : m), traces[0].startNs),
      newestNs: none ? "0" : traces.reduce((m, t) => (BigInt(t.startNs) > BigInt(m) ? t.startNs : m), traces[0].startNs),
    },
  };
}

const base = "/api/clew/v1/";

/** @type {import("../fixture-server.mjs").Route[]} */
export const routes = [
  { method: "GET", pattern: new RegExp(`^${base}status$`), answer: status },
  { method: "GET", pattern: new RegExp(`^${base}search$`), answer: search },
  { method: "GET", pattern: new RegExp(`^${base}values$`), answer: values },
  { method: "GET", pattern: new RegExp(`^${base}fields$`), answer: () => ({ status: 200, json: { fields } }) },
  { method: "POST", pattern: new RegExp(`^${base}complete$`), answer: complete },
];
