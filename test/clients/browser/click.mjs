// SPDX-License-Identifier: Apache-2.0

// Serves dist/ on an origin of its own, opens it in Chromium, clicks once and
// prints one line of JSON: {"status", "traceId", "origin", "failures": [...]}.
// usage: node click.mjs OTLP_HTTP_ORIGIN API_ORIGIN [AMOUNT]

import { createServer } from 'node:http';
import { readFileSync } from 'node:fs';
import { chromium } from 'playwright-core';

const [otlp, api, amount = '42'] = process.argv.slice(2);
const types = { '/': 'text/html; charset=utf-8', '/page.js': 'text/javascript; charset=utf-8' };
const server = createServer((req, res) => {
  const path = new URL(req.url, 'http://page').pathname;
  if (!(path in types)) {
    res.writeHead(404).end();
    return;
  }
  const file = path === '/' ? 'index.html' : path.slice(1);
  res.writeHead(200, { 'content-type': types[path] }).end(readFileSync(new URL(`dist/${file}`, import.meta.url)));
});
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
const origin = `http://127.0.0.1:${server.address().port}`;

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox'] });
try {
  const page = await browser.newPage();
  const failures = [];
  let posts = 0;
  page.on('response', (res) => (posts += res.url().startsWith(otlp) ? 1 : 0));
  page.on('pageerror', (err) => failures.push(String(err)));
  const answered = new Set();
  page.on('response', (res) => {
    answered.add(res.request());
    if (!res.ok()) failures.push(`${res.request().method()} ${res.url()}: ${res.status()}`);
  });
  page.on('requestfailed', (req) => {
    // The exporter drops the answer's body unread, which Chromium calls aborted.
    if (!answered.has(req)) failures.push(`${req.method()} ${req.url()}: ${req.failure()?.errorText}`);
  });
  page.on('console', (msg) => msg.type() === 'error' && failures.push(msg.text()));
  await page.goto(`${origin}/?${new URLSearchParams({ otlp, api })}`);
  await page.fill('#amount', amount);
  await page.click('#buy');
  await page.waitForFunction(() => document.getElementById('result').textContent !== '', undefined, { timeout: 20_000 });
  const outcome = JSON.parse(await page.textContent('#result'));
  // The spans of fetch and click end shortly after the answer, when their
  // resource timings are in: flush until nothing new was posted for a second.
  for (let round = 0, seen = -1; round < 10 && (seen !== posts || posts === 0); round++) {
    seen = posts;
    await page.waitForTimeout(1000);
    await page.evaluate(() => window.flushSpans());
  }
  console.log(JSON.stringify({ ...outcome, origin, failures }));
} finally {
  await browser.close();
  server.close();
}
