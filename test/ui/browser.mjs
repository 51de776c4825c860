// SPDX-License-Identifier: Apache-2.0

// Chromium for the UI tests: pages that fail their test on any error in the
// console, screenshots, accessibility, and the cost of tasks and frames.

import assert from 'node:assert/strict';
import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

const artifacts = fileURLToPath(new URL('../artifacts/ui/', import.meta.url));
const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
export const themes = ['light', 'dark'];

/** Starts Chromium; `uncapped` lets it draw as many frames as it can, not only as a display asks for. */
export function startChromium({ uncapped = false } = {}) {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--no-sandbox', ...(uncapped ? ['--disable-frame-rate-limit', '--disable-gpu-vsync'] : [])],
  });
}

/**
 * A page of 1440 x 900 in a theme. `complaints` gathers what the browser finds
 * wrong: exceptions, console errors, failed requests and answers from 500 on.
 */
export async function openPage(browser, { theme = 'light', url }) {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, colorScheme: theme, reducedMotion: 'reduce' });
  const page = await context.newPage();
  const complaints = [];
  page.on('pageerror', (err) => complaints.push(`exception: ${err.stack ?? err}`));
  page.on('console', (msg) => {
    // A 404 of a trace that is not there is an answer, not a fault of the page.
    if (msg.type() === 'error' && !/status of 40[04]/.test(msg.text())) complaints.push(`console: ${msg.text()}`);
  });
  page.on('requestfailed', (req) => {
    if (req.failure()?.errorText !== 'net::ERR_ABORTED') complaints.push(`request: ${req.url()} ${req.failure()?.errorText}`);
  });
  page.on('response', (res) => {
    if (res.status() >= 500) complaints.push(`answer: ${res.url()} ${res.status()}`);
    if (!res.url().startsWith(new URL(url).origin) && !res.url().startsWith('data:') && !res.url().startsWith('blob:')) complaints.push(`foreign origin: ${res.url()}`);
  });
  await page.goto(url);
  return {
    page,
    async close() {
      await context.close();
      assert.deepEqual(complaints, [], 'the browser complains');
    },
  };
}

/** Saves what the page looks like as artifacts/ui/NAME.png. */
export async function shot(page, name) {
  mkdirSync(artifacts, { recursive: true });
  await page.screenshot({ path: `${artifacts}${name}.png` });
}

/** Expects axe-core to find nothing wrong. */
export async function accessible(page, what) {
  // By evaluate, not by a script element: the page's CSP forbids those.
  await page.evaluate(axeSource);
  const { violations } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ['violations'] }));
  const found = violations.map((v) => `${v.id} (${v.impact}): ${v.help}: ${v.nodes.map((n) => n.target.join(' ')).slice(0, 3).join('; ')}`);
  assert.deepEqual(found, [], `axe-core on ${what}`);
}

/**
 * Records what Chromium does while `act` runs, and measures it in CPU time of
 * its threads, which other work on the machine does not add to as it does to
 * the time on the clock. Returns, in ms:
 *
 *  - longest: the dearest task of the page's main thread
 *  - longestByClock: the longest by the clock, for comparison
 *  - frames: what each frame cost the two threads that make it one after the
 *    other, main and compositor; a frame begins where the page sets the mark
 *    "frame" (see eachFrame). Rasterising and display run beside them.
 *
 * The browser must have no other page at work.
 */
export async function record(browser, page, act) {
  await browser.startTracing(page, { categories: ['toplevel', 'blink.user_timing'] });
  let events;
  try {
    await act();
  } finally {
    events = JSON.parse((await browser.stopTracing()).toString()).traceEvents;
  }
  const threads = new Map();
  for (const e of events) if (e.ph === 'M' && e.name === 'thread_name') threads.set(`${e.pid}/${e.tid}`, e.args.name);
  const marks = events.filter((e) => e.name === 'frame' && e.cat.includes('user_timing')).sort((a, b) => a.ts - b.ts);
  const costs = marks.map(() => 0);
  const out = { longest: 0, longestByClock: 0 };
  for (const e of events) {
    if (e.ph !== 'X' || e.name !== 'ThreadControllerImpl::RunTask') continue;
    const thread = threads.get(`${e.pid}/${e.tid}`);
    if (thread !== 'CrRendererMain' && thread !== 'Compositor') continue;
    const cost = (e.tdur ?? 0) / 1000; // absent: less than the clock can tell
    if (thread === 'CrRendererMain') {
      out.longest = Math.max(out.longest, cost);
      out.longestByClock = Math.max(out.longestByClock, e.dur / 1000);
    }
    const next = firstAfter(marks, e.ts);
    if (next > 0 && next < marks.length) costs[next] += cost;
  }
  return { ...out, frames: costs.slice(1) };
}

/** Index of the first mark later than `ts`. */
function firstAfter(marks, ts) {
  let [from, to] = [0, marks.length];
  while (from < to) {
    const middle = (from + to) >> 1;
    if (marks[middle].ts <= ts) from = middle + 1;
    else to = middle;
  }
  return from;
}

/** Calls `step(n)` in the page once a frame for `frames` frames, with the mark that `record` looks for. */
export function eachFrame(page, frames, step) {
  const run = (frames, step) =>
    new Promise((resolve, reject) => {
      let n = 0;
      const tick = () => {
        performance.mark('frame');
        try {
          step(n++);
        } catch (err) {
          reject(err);
          return;
        }
        if (n <= frames) requestAnimationFrame(tick);
        else resolve();
      };
      requestAnimationFrame(tick);
    });
  // One expression, because the page's CSP lets nothing be evaluated in it.
  return page.evaluate(`(${run})(${frames}, ${step})`);
}

/** The q-quantile of numbers. */
export function quantile(numbers, q) {
  const sorted = numbers.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))];
}
