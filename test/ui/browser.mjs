// SPDX-License-Identifier: Apache-2.0

// Chromium for the UI tests: pages that fail their test on any error in the
// console, screenshots, accessibility, and the cost of frames.

import assert from 'node:assert/strict';
import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

const artifacts = fileURLToPath(new URL('../artifacts/ui/', import.meta.url));
const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
export const themes = ['light', 'dark'];

/** Starts Chromium; `uncapped` lets it draw as many frames as it can (see frameCost). */
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
 * Calls `step(n, arg)` in the page once a frame for `frames` frames. In an
 * uncapped browser the distance of two frames is what one costs, script, layout
 * and drawing together. Returns { p50, p95, max } of it in ms.
 */
export function frameCost(page, frames, step, arg) {
  const run = async (frames, step, arg) => {
    const times = [];
    await new Promise((resolve, reject) => {
      const tick = (now) => {
        times.push(now);
        try {
          step(times.length - 1, arg);
        } catch (err) {
          reject(err);
          return;
        }
        if (times.length <= frames) requestAnimationFrame(tick);
        else resolve();
      };
      requestAnimationFrame(tick);
    });
    const costs = times.slice(1).map((t, i) => t - times[i]).sort((a, b) => a - b);
    return { p50: costs[Math.floor(frames * 0.5)], p95: costs[Math.floor(frames * 0.95)], max: costs[frames - 1] };
  };
  // One expression, because the page's CSP lets nothing be evaluated in it.
  return page.evaluate(`(${run})(${frames}, ${step}, ${JSON.stringify(arg ?? null)})`);
}

/**
 * Has the page note its main-thread tasks of 50 ms and more from now and from
 * its next navigation on. longTasks reads and forgets them, in ms.
 */
export async function watchLongTasks(page) {
  const watch = () => {
    globalThis.longTasks = [];
    const note = (entries) => globalThis.longTasks.push(...entries.map((e) => e.duration));
    globalThis.longTaskObserver = new PerformanceObserver((list) => note(list.getEntries()));
    globalThis.longTaskObserver.observe({ type: 'longtask', buffered: true });
  };
  await page.addInitScript(watch);
  await page.evaluate(watch);
}

export function longTasks(page) {
  return page.evaluate(() => {
    const seen = globalThis.longTasks.concat(globalThis.longTaskObserver.takeRecords().map((e) => e.duration));
    globalThis.longTasks = [];
    return seen;
  });
}
