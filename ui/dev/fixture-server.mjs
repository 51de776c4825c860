// SPDX-License-Identifier: Apache-2.0

// A stand-in for `clew serve` that answers the native API with synthetic data,
// and serves ui/dist as the real one does (base path, CSP), for work on the UI:
//
//   npm run fixture            # 127.0.0.1:16690
//   npm run dev                # vite, proxies /api to it
//
// Each module in dev/routes exports `routes`.

import { readdirSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import { dirname, extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";

/**
 * @typedef {{ match: RegExpExecArray, url: URL, body: string, req: import("node:http").IncomingMessage }} Asked
 * @typedef {{ status: number, json?: unknown, body?: Uint8Array | string, type?: string, encoding?: string, delayMs?: number }} Answer
 * @typedef {{ method: string, pattern: RegExp, answer: (asked: Asked) => Answer | Promise<Answer> }} Route
 */

const here = dirname(fileURLToPath(import.meta.url));
const dist = process.env.FIXTURE_DIST ?? join(here, "..", "dist");
const types = { ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".html": "text/html" };

/** Starts the server; port 0 picks a free one. @returns {Promise<{ port: number, close: () => void }>} */
export async function startFixtureServer({ port = 16690, host = "127.0.0.1", prefix = "" } = {}) {
  /** @type {Route[]} */
  const routes = [];
  for (const file of readdirSync(join(here, "routes")).sort()) {
    if (file.endsWith(".mjs")) routes.push(...(await import(`./routes/${file}`)).routes);
  }
  const server = createServer(async (req, res) => {
    try {
      const url = new URL(req.url ?? "/", "http://fixture");
      if (prefix !== "" && !url.pathname.startsWith(prefix)) {
        res.writeHead(404).end();
        return;
      }
      const path = url.pathname.slice(prefix.length);
      let body = "";
      for await (const chunk of req) body += chunk;
      for (const route of routes) {
        const match = route.method === req.method ? route.pattern.exec(path) : null;
        if (match === null) continue;
        const answer = await route.answer({ match, url, body, req });
        if (answer.delayMs) await new Promise((done) => setTimeout(done, answer.delayMs));
        const head = { "Content-Type": answer.type ?? "application/json" };
        if (answer.encoding) head["Content-Encoding"] = answer.encoding;
        res.writeHead(answer.status, head).end(answer.body ?? JSON.stringify(answer.json));
        return;
      }
      if (path.startsWith("/api/")) {
        res.writeHead(404, { "Content-Type": "application/json" });
        res.end(JSON.stringify({ error: { code: "not_found", message: `nothing is served at ${path}`, hint: "" } }));
        return;
      }
      servePages(path, res);
    } catch (error) {
      res.writeHead(500, { "Content-Type": "text/plain" }).end(String(error?.stack ?? error));
    }
  });
  await new Promise((done) => server.listen(port, host, done));
  return { port: server.address().port, close: () => server.close() };
}

function servePages(path, res) {
  const file = normalize(path).replace(/^\/+/, "");
  if (types[extname(file)] !== undefined && !file.includes("..")) {
    try {
      const data = readFileSync(join(dist, file));
      res.writeHead(200, { "Content-Type": types[extname(file)] }).end(data);
    } catch {
      res.writeHead(404).end();
    }
    return;
  }
  const nonce = "fixture";
  const depth = path.replace(/^\//, "").split("/").length - 1;
  const html = readFileSync(join(dist, "index.html"), "utf8")
    .replace('<base href="/" />', `<base href="${depth === 0 ? "./" : "../".repeat(depth)}" />`)
    .replace('name="clew-csp-nonce" content=""', `name="clew-csp-nonce" content="${nonce}"`);
  res.writeHead(200, {
    "Content-Type": "text/html; charset=utf-8",
    "Content-Security-Policy":
      `default-src 'none'; script-src 'self'; style-src 'self' 'nonce-${nonce}'; img-src 'self' data:; font-src 'self'; connect-src 'self'; ` +
      "worker-src 'self'; manifest-src 'self'; base-uri 'self'; form-action 'self'; frame-ancestors 'self'",
  });
  res.end(html);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { port } = await startFixtureServer({ port: Number(process.env.PORT ?? 16690) });
  process.stdout.write(`fixture server on http://127.0.0.1:${port}\n`);
}
