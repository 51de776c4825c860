// SPDX-License-Identifier: Apache-2.0

// Synthetic traces of a shop, for development, screenshots and unit tests:
// deterministic by seed, with the things that make traces hard to read (N+1
// queries, retries, errors that travel up, exceptions, spans whose parent was
// lost, a service whose clock is wrong, queues with links).

const us = 1e3;
const ms = 1e6;

/** mulberry32: small, and the same numbers everywhere. */
function randomFrom(seed) {
  let a = seed >>> 0;
  return () => {
    a = (a + 0x6d2b79f5) >>> 0;
    let t = a;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

const goStack = `goroutine 418 [running]:
runtime/debug.Stack()
	/usr/local/go/src/runtime/debug/stack.go:26 +0x5e
shop/payment.(*Gateway).charge(0xc0003a2000, {0x1a2b3c0, 0xc00048e1e0}, 0xc000612000)
	/src/payment/gateway.go:142 +0x2d1
shop/payment.(*Server).Charge(0xc00012a0c0, {0x1a2b3c0, 0xc00048e1e0}, 0xc000612000)
	/src/payment/server.go:88 +0x1b9
google.golang.org/grpc.(*Server).processUnaryRPC(0xc000214000, {0x1a2b3f8, 0xc00048e0f0})
	/go/pkg/mod/google.golang.org/grpc@v1.71.0/server.go:1405 +0xe8b`;

const javaStack = `java.util.concurrent.TimeoutException: no answer from tax-service within 250 ms
	at shop.pricing.TaxClient.await(TaxClient.java:71)
	at shop.pricing.Quotes.quote(Quotes.java:133)
	at shop.pricing.QuoteController.post(QuoteController.java:48)
	at java.base/jdk.internal.reflect.DirectMethodHandleAccessor.invoke(DirectMethodHandleAccessor.java:103)
	at org.springframework.web.servlet.DispatcherServlet.doDispatch(DispatcherServlet.java:1089)
	... 38 more
Caused by: java.net.SocketTimeoutException: Read timed out
	at java.base/sun.nio.ch.NioSocketImpl.timedRead(NioSocketImpl.java:278)
	... 12 more`;

/**
 * @param {{ seed?: number, spans?: number, traceId?: string, drop?: number, skew?: boolean, errors?: boolean }} options
 * @returns {{ traceId: string, spans: import("./columns.mjs").FixtureSpan[] }}
 */
export function makeTrace({ seed = 1, spans: budget = 120, traceId, drop = 0, skew = false, errors = true } = {}) {
  const random = randomFrom(seed * 7919 + 17);
  const between = (lo, hi) => Math.round(lo + (hi - lo) * random() ** 2);
  const hex = (n) => Array.from({ length: n }, () => Math.floor(random() * 16).toString(16)).join("");
  const id = traceId ?? hex(32);
  const spans = [];

  const open = (parent, service, name, kind, start, extra = {}) => {
    const span = {
      spanId: hex(16),
      parentSpanId: parent?.spanId ?? "",
      name,
      service,
      start: Math.round(start),
      duration: 0,
      kind,
      status: "unset",
      events: [],
      links: [],
      remote: parent != null && parent.service !== service,
      ...extra,
    };
    spans.push(span);
    return span;
  };
  const close = (span, end) => {
    span.duration = Math.max(0, Math.round(end) - span.start);
    return end;
  };
  const leaf = (parent, service, name, kind, start, lo, hi, extra) => {
    const span = open(parent, service, name, kind, start, extra);
    return close(span, start + between(lo, hi));
  };
  const fail = (span, message, exception) => {
    span.status = "error";
    span.statusMessage = message;
    if (exception) {
      span.events.push({
        time: span.start + Math.round(span.duration * 0.97),
        name: "exception",
        attributes: exception,
      });
    }
  };
  const sql = (parent, service, table, verb, start, lo = 300 * us, hi = 4 * ms) =>
    leaf(parent, service, `${verb} shop.${table}`, "client", start, lo, hi, {
      summary: `${verb} ${table}`,
      attributes: {
        "db.system.name": "postgresql",
        "db.namespace": "shop",
        "db.operation.name": verb,
        "db.collection.name": table,
        "db.query.text":
          verb === "SELECT"
            ? `SELECT id, name, price_cents, stock FROM ${table} WHERE id = $1`
            : `${verb} ${verb === "INSERT" ? "INTO " : ""}${table} SET stock = stock - $2 WHERE id = $1`,
        "server.address": "pg-primary.shop.internal",
        "server.port": 5432,
        "db.response.returned_rows": between(0, 20),
      },
    });
  const redis = (parent, service, verb, start) =>
    leaf(parent, service, verb, "client", start, 80 * us, 900 * us, {
      summary: `${verb} ${service}:*`,
      attributes: { "db.system.name": "redis", "db.operation.name": verb, "server.address": "redis.shop.internal", "server.port": 6379 },
    });
  const call = (parent, from, to, method, start, body, lag = 400 * us) => {
    const attributes = { "rpc.system": "grpc", "rpc.service": `shop.${to}`, "rpc.method": method, "rpc.grpc.status_code": 0 };
    const client = open(parent, from, `shop.${to}/${method}`, "client", start, { summary: `${to}/${method}`, attributes });
    const server = open(client, to, `shop.${to}/${method}`, "server", start + between(lag / 4, lag), {
      summary: `${to}/${method}`,
      attributes: { ...attributes, "thread.id": between(1, 64), "network.peer.address": `10.2.${between(0, 8)}.${between(2, 250)}` },
    });
    const end = body(server, server.start + between(50 * us, 300 * us), client);
    close(server, end);
    return close(client, end + between(lag / 4, lag));
  };

  const product = (parent, from, start, n) =>
    call(parent, from, "catalog", "GetProduct", start, (server, t) => {
      t = redis(server, "catalog", "GET", t);
      if (random() < 0.6) t = sql(server, "catalog", "products", "SELECT", t + 40 * us);
      if (random() < 0.25) {
        t = call(server, "catalog", "media", "Thumbnails", t, (m, u) => leaf(m, "media", "resize image", "internal", u, ms, 9 * ms));
      }
      if (errors && n % 97 === 13) {
        server.duration = t - server.start;
        fail(server, "product is gone", {
          "exception.type": "shop.NotFound",
          "exception.message": `product ${n} does not exist`,
          "exception.stacktrace": javaStack,
        });
      }
      return t + 60 * us;
    });

  const root = open(null, "storefront", "POST /checkout", "server", 0, {
    summary: "POST /checkout 502",
    attributes: {
      "http.request.method": "POST",
      "http.route": "/checkout",
      "url.path": "/checkout",
      "url.scheme": "https",
      "http.response.status_code": errors ? 502 : 200,
      "user_agent.original": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/156.0 Safari/537.36",
      "client.address": "203.0.113.24",
      "enduser.id": "u-48213",
      "session.id": hex(24),
      "feature.flags": ["new-cart", "tax-v2"],
      "cart.total": 129.9,
      "cart.express": true,
    },
  });
  let t = 300 * us;
  t = leaf(root, "storefront", "middleware - session", "internal", t, 100 * us, 600 * us);
  t = call(root, "storefront", "auth", "Verify", t, (s, u) => {
    u = redis(s, "auth", "GET", u);
    return sql(s, "auth", "sessions", "SELECT", u + 30 * us);
  });
  t = call(root, "storefront", "cart", "GetCart", t, (s, u) => {
    u = redis(s, "cart", "HGETALL", u);
    // The N+1 that everybody has.
    const items = Math.max(6, Math.min(24, Math.floor(budget / 12)));
    for (let i = 0; i < items; i++) u = sql(s, "cart", "items", "SELECT", u + between(20 * us, 90 * us), 350 * us, 900 * us);
    return u + 100 * us;
  });

  // Prices of all items in parallel, by several workers.
  const workersStart = t + 200 * us;
  const workers = budget > 2000 ? 8 : 3;
  const quote = open(root, "storefront", "price cart", "internal", workersStart);
  let quoteEnd = workersStart;
  const fixed = 60;
  let n = 0;
  const share = Math.max(1, Math.floor((budget - fixed - spans.length) / workers));
  for (let w = 0; w < workers; w++) {
    const until = spans.length + share;
    let u = workersStart + w * between(50 * us, 300 * us);
    const worker = open(quote, "storefront", `worker ${w}`, "internal", u);
    let chunk = 0;
    while (spans.length < until - 4) {
      u = call(worker, "storefront", "pricing", "Quote", u + between(50 * us, 400 * us), (s, v) => {
        v = leaf(s, "pricing", "load rules", "internal", v, 100 * us, 2 * ms);
        const size = budget > 2000 ? 12 : 2;
        for (let k = 0; k < size && spans.length < until; k++) v = product(s, "pricing", v + between(30 * us, 200 * us), n++);
        if (random() < 0.5) {
          v = call(s, "pricing", "tax", "Rate", v, (x, y) => leaf(x, "tax", "evaluate rules", "internal", y, ms, 6 * ms));
        }
        return v + between(100 * us, ms);
      });
      if (++chunk > 100000) break;
    }
    quoteEnd = Math.max(quoteEnd, close(worker, u + 100 * us));
  }
  t = close(quote, quoteEnd + 150 * us);

  t = call(root, "storefront", "inventory", "Reserve", t + 300 * us, (s, u) => {
    u = leaf(s, "inventory", "BEGIN", "client", u, 60 * us, 200 * us);
    for (let i = 0; i < 4; i++) u = sql(s, "inventory", "stock", "UPDATE", u + 40 * us, 500 * us, 6 * ms);
    return leaf(s, "inventory", "COMMIT", "client", u, 300 * us, 3 * ms);
  });

  t = call(root, "storefront", "payment", "Charge", t + 500 * us, (s, u, client) => {
    u = leaf(s, "payment", "fraud score", "internal", u, 4 * ms, 12 * ms);
    // Three tries at a bank that does not answer.
    for (let attempt = 1; attempt <= (errors ? 3 : 1); attempt++) {
      const http = open(s, "payment", "POST", "client", u, {
        summary: errors ? "POST bank.example 503" : "POST bank.example 201",
        attributes: {
          "http.request.method": "POST",
          "url.full": "https://bank.example/v2/charges",
          "server.address": "bank.example",
          "server.port": 443,
          "http.request.resend_count": attempt - 1,
          "http.response.status_code": errors ? 503 : 201,
        },
      });
      u = close(http, u + between(22 * ms, 40 * ms));
      if (errors) {
        fail(http, "503 Service Unavailable");
        http.events.push({ time: http.start + 2 * ms, name: "tls handshake done" });
        http.events.push({ time: http.start + 3 * ms, name: "request sent", attributes: { bytes: 1284 } });
        s.events.push({ time: u, name: "retry", attributes: { attempt, "backoff.ms": 4 * attempt } });
        u += 4 * attempt * ms;
      }
    }
    if (errors) {
      s.duration = u - s.start;
      fail(s, "charge failed after 3 attempts", {
        "exception.type": "*payment.GatewayError",
        "exception.message": "charge failed after 3 attempts: 503 Service Unavailable",
        "exception.stacktrace": goStack,
      });
      client.status = "error";
      client.statusMessage = "rpc error: code = Unavailable";
      client.attributes = { ...client.attributes, "rpc.grpc.status_code": 14 };
    }
    return u + 200 * us;
  });

  const publish = open(root, "storefront", "publish orders", "producer", t + 200 * us, {
    summary: "publish orders",
    attributes: { "messaging.system": "kafka", "messaging.destination.name": "orders", "messaging.operation.type": "publish" },
  });
  t = close(publish, publish.start + between(500 * us, 2 * ms));
  close(root, t + 800 * us);
  if (errors) fail(root, "payment is not available");

  // The queue: consumed after the answer went out.
  const consume = open(publish, "shipping", "process orders", "consumer", t + between(4 * ms, 14 * ms), {
    summary: "process orders",
    links: [{ traceId: id, spanId: publish.spanId }, { traceId: hex(32), spanId: hex(16) }],
    attributes: { "messaging.system": "kafka", "messaging.destination.name": "orders", "messaging.kafka.offset": 918234 },
  });
  let u = sql(consume, "shipping", "parcels", "INSERT", consume.start + 300 * us);
  u = call(consume, "shipping", "email", "SendReceipt", u, (s, v) => leaf(s, "email", "render template", "internal", v, 2 * ms, 8 * ms));
  close(consume, u + 200 * us);

  let kept = spans;
  if (drop > 0) {
    const lost = randomFrom(seed + 1);
    kept = spans.filter((s) => s === root || s.kind !== "server" || lost() >= drop);
  }
  if (skew) {
    for (const s of kept) {
      if (s.service !== "inventory") continue;
      s.start -= 3 * ms;
      for (const e of s.events) e.time -= 3 * ms;
      s.notes = ["clock of this service looks 3 ms behind its caller's"];
    }
  }
  return { traceId: id, spans: kept };
}

/** A chain of n spans, each the only child of the one before: as deep as a trace can be. */
export function makeChain(n, traceId) {
  return {
    traceId,
    spans: Array.from({ length: n }, (_, i) => ({
      spanId: (i + 1).toString(16).padStart(16, "0"),
      parentSpanId: i === 0 ? "" : i.toString(16).padStart(16, "0"),
      name: `call ${i}`,
      service: `service-${Math.floor(i / 7) % 30}`,
      start: i * 1000,
      duration: (2 * n - 2 * i) * 1000,
      kind: "internal",
      status: "unset",
      events: [],
      links: [],
    })),
  };
}

/** A root with n children of no duration, with names and values of every unpleasant kind. */
export function makeHostile(n, traceId) {
  const names = ["", " ", "<img src=x onerror=alert(1)>", "\u202eevil\u202c", "a".repeat(5000), "{{constructor}}", "emoji 🧵🧶", "two\nlines\tand a tab", "\u0000nul", "Ünïcödé 測試 اختبار"];
  const span = (i, parentSpanId, duration) => ({
    spanId: (i + 1).toString(16).padStart(16, "0"),
    parentSpanId,
    name: names[i % names.length],
    service: i % 97 === 0 ? names[(i / 97) % names.length] : "plain",
    start: i,
    duration,
    kind: "internal",
    status: i % 3 === 0 ? "error" : "unset",
    statusMessage: names[(i + 2) % names.length],
    attributes:
      i === 1
        ? Object.fromEntries(Array.from({ length: 2000 }, (_, k) => [`key.${k}`, k % 7 === 0 ? "v".repeat(3000) : names[k % names.length]]))
        : { big: i === 2 ? "x".repeat(1 << 20) : i, nested: { a: [1, "two", { three: true }], none: null } },
    events: i === 3 ? Array.from({ length: 500 }, (_, k) => ({ time: i + k, name: names[k % names.length], attributes: { k } })) : [],
    links: [],
  });
  const root = span(0, "", 0);
  return { traceId, spans: [root, ...Array.from({ length: n - 1 }, (_, i) => span(i + 1, root.spanId, 0))] };
}
