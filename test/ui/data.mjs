// SPDX-License-Identifier: Apache-2.0

// Spans for the UI tests: a shop's traces with errors, exceptions, links and a
// broken trace, and one trace of 10,000 spans. The same on every run but for
// the time, which ends now.

const second = 1_000_000_000n;

/** A small generator of pseudo-random numbers in [0, 1). */
export function randomOf(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

const hex = (n, digits) => n.toString(16).padStart(digits, '0');

function attribute(key, value) {
  if (typeof value === 'number') return { key, value: Number.isInteger(value) ? { intValue: String(value) } : { doubleValue: value } };
  if (typeof value === 'boolean') return { key, value: { boolValue: value } };
  if (Array.isArray(value)) return { key, value: { arrayValue: { values: value.map((v) => attribute('', v).value) } } };
  return { key, value: { stringValue: String(value) } };
}

const attributes = (object) => Object.entries(object).map(([key, value]) => attribute(key, value));

/** Collects spans by service and gives them as OTLP/JSON requests of at most 1,000 spans. */
export class Spans {
  #byService = new Map();
  #ids = 0;

  add(service, span) {
    const id = hex(0xc1e0_0000 + ++this.#ids, 16);
    if (!this.#byService.has(service)) this.#byService.set(service, []);
    this.#byService.get(service).push({
      traceId: span.traceId,
      spanId: id,
      parentSpanId: span.parent ?? '',
      name: span.name,
      kind: span.kind ?? 1,
      startTimeUnixNano: String(span.start),
      endTimeUnixNano: String(span.start + span.duration),
      attributes: attributes(span.attributes ?? {}),
      events: (span.events ?? []).map((e) => ({ timeUnixNano: String(e.time), name: e.name, attributes: attributes(e.attributes ?? {}) })),
      links: span.links ?? [],
      status: span.error === undefined ? {} : { code: 2, message: span.error },
    });
    return id;
  }

  *requests() {
    for (const [service, spans] of this.#byService) {
      for (let at = 0; at < spans.length; at += 1000) {
        yield {
          resourceSpans: [
            {
              resource: { attributes: attributes({ 'service.name': service, 'service.version': '1.4.2', 'host.name': `${service}-7f9c` }) },
              scopeSpans: [{ scope: { name: `${service}/http`, version: '0.9.0' }, spans: spans.slice(at, at + 1000) }],
            },
          ],
        };
      }
    }
  }
}

const stack = `Error: payment provider answered 503
    at charge (/srv/payment/src/provider.js:41:11)
    at async authorize (/srv/payment/src/authorize.js:18:5)
    at async handler (/srv/payment/src/http.js:77:16)`;

/**
 * A shop's traces over the last half hour. Every seventh checkout fails, every
 * eleventh trace has lost its root. Returns the spans and the ids by kind.
 */
export function shop(count = 120, now = BigInt(Date.now()) * 1_000_000n) {
  const spans = new Spans();
  const random = randomOf(42);
  const ids = { all: [], failed: [], broken: [], plain: [] };
  const ns = (ms) => BigInt(Math.round(ms * 1e6));
  for (let n = 1; n <= count; n++) {
    const traceId = `${hex(0x5e11, 16)}${hex(n * 7919, 16)}`;
    const start = now - 2n * second - ((1800n * second) / BigInt(count)) * BigInt(count - n);
    const failed = n % 7 === 0;
    const broken = n % 11 === 0;
    const total = 40 + random() ** 3 * 900;
    const route = failed || n % 3 === 0 ? 'POST /checkout' : n % 3 === 1 ? 'GET /products/{id}' : 'GET /search';
    const [method, path] = route.split(' ');
    const root = broken
      ? hex(0xdead, 16)
      : spans.add('storefront', {
          traceId, name: route, kind: 2, start, duration: ns(total), error: failed ? '502 Bad Gateway' : undefined,
          attributes: { 'http.request.method': method, 'http.route': path, 'http.response.status_code': failed ? 502 : 200, 'user.tier': n % 2 ? 'gold' : 'basic', 'cart.items': n % 9 },
        });
    let at = start + ns(total * 0.05);
    const calls = 2 + Math.floor(random() * 6);
    for (let c = 0; c < calls; c++) {
      const took = (total * 0.8) / calls;
      const service = ['catalog', 'cart', 'payment', 'search', 'shipping'][c % 5];
      const wrong = failed && service === 'payment';
      const client = spans.add('storefront', {
        traceId, parent: root, name: `POST ${service}`, kind: 3, start: at, duration: ns(took), error: wrong ? 'provider answered 503' : undefined,
        attributes: { 'http.request.method': 'POST', 'server.address': service, 'http.response.status_code': wrong ? 503 : 200 },
      });
      const server = spans.add(service, {
        traceId, parent: client, name: `POST /${service}`, kind: 2, start: at + ns(took * 0.05), duration: ns(took * 0.9),
        error: wrong ? 'provider answered 503' : undefined,
        events: wrong ? [{ time: at + ns(took * 0.5), name: 'exception', attributes: { 'exception.type': 'Error', 'exception.message': 'payment provider answered 503', 'exception.stacktrace': stack } }] : [{ time: at + ns(took * 0.3), name: 'cache.miss', attributes: { key: `${service}:${n}` } }],
        attributes: { 'http.request.method': 'POST', 'http.route': `/${service}`, 'http.response.status_code': wrong ? 503 : 200 },
        links: c === 1 ? [{ traceId: `${hex(0x5e11, 16)}${hex(7919, 16)}`, spanId: hex(0xc1e0_0001, 16), attributes: attributes({ 'link.kind': 'earlier order' }) }] : [],
      });
      spans.add(service, {
        traceId, parent: server, name: `SELECT ${service}`, kind: 3, start: at + ns(took * 0.2), duration: ns(took * 0.4),
        attributes: { 'db.system.name': 'postgresql', 'db.query.text': `SELECT * FROM ${service} WHERE id = $1`, 'db.collection.name': service },
      });
      at += ns(took);
    }
    ids.all.push(traceId);
    ids[failed ? 'failed' : broken ? 'broken' : 'plain'].push(traceId);
  }
  return { spans, ids };
}

/** One trace of n spans: a tree of uneven depth and width over 20 services. */
export function large(n = 10_000, now = BigInt(Date.now()) * 1_000_000n) {
  const spans = new Spans();
  const random = randomOf(7);
  const traceId = `${hex(0xb16, 16)}${hex(n, 16)}`;
  const start = now - 30n * second;
  const total = 20n * second;
  const open = [];
  for (let i = 0; i < n; i++) {
    const parent = i === 0 ? undefined : open[Math.floor(random() ** 0.7 * open.length)];
    const from = parent ? parent.start + (parent.duration * BigInt(Math.floor(random() * 900))) / 1000n : start;
    const room = parent ? parent.start + parent.duration - from : total;
    const duration = parent ? (room * BigInt(150 + Math.floor(random() * 800))) / 1000n : total;
    const depth = parent ? parent.depth + 1 : 0;
    const service = `service-${String(parent ? Math.floor(random() * 20) : 0).padStart(2, '0')}`;
    const id = spans.add(service, {
      traceId, parent: parent?.id, name: i === 0 ? 'nightly import' : `${['GET', 'POST', 'SELECT', 'publish', 'render'][i % 5]} step ${i % 97}`,
      kind: 1 + (i % 3), start: from, duration, error: i % 211 === 210 ? 'step failed' : undefined,
      attributes: { step: i, 'http.response.status_code': i % 211 === 210 ? 500 : 200, note: `row ${i} of ${n}` },
      events: i % 50 === 49 ? [{ time: from + duration / 2n, name: 'checkpoint', attributes: { at: i } }] : [],
    });
    if (depth < 12) open.push({ id, start: from, duration, depth });
    if (open.length > 600) open.splice(1 + Math.floor(random() * 500), 1);
  }
  return { spans, traceId };
}
