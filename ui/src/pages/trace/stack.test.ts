// SPDX-License-Identifier: Apache-2.0

import { expect, test } from "vitest";
import { parseStack } from "./stack";

/** Each line as `kind [place] *`: m message, f frame; * a library's. */
function read(stack: string): string[] {
  return parseStack(stack).map((l) => `${l.kind === "frame" ? "f" : "m"}${l.place === undefined ? "" : ` ${l.text.slice(...l.place)}`}${l.library ? " *" : ""}`);
}

test("Java", () => {
  expect(
    read(`java.lang.IllegalStateException: no cart
\tat shop.Cart.get(Cart.java:71)
\tat org.springframework.web.Servlet.doGet(Servlet.java:10)
\tat java.base/java.lang.Thread.run(Thread.java:1583)
\t... 38 more
Caused by: java.io.IOException: gone
\tat sun.nio.ch.Net.poll(Native Method)`),
  ).toEqual(["m", "f Cart.java:71", "f Servlet.java:10 *", "f Thread.java:1583 *", "f *", "m", "f Native Method *"]);
});

test("JavaScript", () => {
  expect(
    read(`TypeError: x is not a function
    at charge (/srv/payment/src/provider.js:41:11)
    at async Promise.all (index 0)
    at /srv/app.js:3:9
    at Layer.handle (/srv/node_modules/express/lib/router/layer.js:95:5)
    at node:internal/process/task_queues:95:5`),
  ).toEqual(["m", "f /srv/payment/src/provider.js:41:11", "f", "f /srv/app.js:3:9", "f /srv/node_modules/express/lib/router/layer.js:95:5 *", "f node:internal/process/task_queues:95:5 *"]);
});

test("Python", () => {
  expect(
    read(`Traceback (most recent call last):
  File "/app/pay.py", line 12, in charge
    raise Declined(card)
  File "/usr/lib/python3.12/site-packages/requests/api.py", line 59, in get
pay.Declined: card 42`),
  ).toEqual(["m", 'f /app/pay.py", line 12', "m", 'f /usr/lib/python3.12/site-packages/requests/api.py", line 59 *', "m"]);
});

test("Go: a call and its place are two lines of one frame", () => {
  expect(
    read(`goroutine 7 [running]:
shop/payment.(*Gateway).charge(0xc0003a2000, {0x1a2b3c0, 0xc0})
	/src/payment/gateway.go:142 +0x2d1
net/http.HandlerFunc.ServeHTTP(...)
	/usr/local/go/src/net/http/server.go:2220 +0x29`),
  ).toEqual(["m", "f", "f /src/payment/gateway.go:142", "f *", "f /usr/local/go/src/net/http/server.go:2220 *"]);
});

test(".NET, Ruby, PHP", () => {
  expect(read("   at Shop.Pay.Charge() in /src/Pay.cs:line 42")).toEqual(["f /src/Pay.cs:line 42"]);
  expect(read("app/pay.rb:12:in `charge'\n\tfrom /gems/rack-3/lib/rack.rb:9:in `call'")).toEqual(["f app/pay.rb:12", "f /gems/rack-3/lib/rack.rb:9 *"]);
  expect(read("#0 /app/Pay.php(12): charge()")).toEqual(["f /app/Pay.php(12)"]);
});

test("anything else is plain lines, and hostile text harmless", () => {
  expect(read("")).toEqual(["m"]);
  expect(read("<script>alert(1)</script>\n\u202Eline")).toEqual(["m", "m"]);
  expect(parseStack(`${"at a".repeat(20_000)}(`)).toHaveLength(1);
});
