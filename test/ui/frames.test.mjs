// SPDX-License-Identifier: Apache-2.0

// A trace of 10,000 spans opens and scrolls smoothly: the 95th percentile of a
// frame's cost is at most 16 ms and no task of the main thread takes over 100 ms.
//
// Costs are CPU time (see record): the clock would also count what else the
// machine was busy with. Caches and cores are still shared, so each figure is
// taken several times, with longer and longer pauses, and the best run counts,
// the one least disturbed.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { eachFrame, openPage, quantile, record, shot, startChromium, themes } from './browser.mjs';
import { large } from './data.mjs';
import { startClew } from './server.mjs';

const runs = 12;
const spans = 10_000;
let clew;
let browser;
let traceId;
before(async () => {
  clew = await startClew();
  browser = await startChromium({ uncapped: true });
  const made = large(spans);
  traceId = made.traceId;
  for (const request of made.spans.requests()) await clew.post(request);
});
after(async () => {
  await browser?.close();
  await clew?.stop();
});

const opened = (page) => page.waitForFunction(() => document.querySelectorAll('[role=treegrid] [role=row]').length > 5);

const round = (n) => Math.round(n * 10) / 10;

/**
 * Repeats `once`, which gives figures by name, until a run keeps all `limits`;
 * returns the best one: the one whose figures exceed their limits least.
 */
async function best(what, limits, once) {
  let found;
  for (let run = 1; run <= runs; run++) {
    const figures = await once();
    console.log(`${what}, run ${run}: ${JSON.stringify(figures)}`);
    const excess = Math.max(...Object.entries(limits).map(([name, limit]) => figures[name] / limit));
    if (found === undefined || excess < found.excess) found = { excess, figures };
    if (excess <= 1) break;
    await sleep(run * 500);
  }
  for (const [name, limit] of Object.entries(limits)) {
    assert.ok(found.figures[name] <= limit, `${what}: ${name} is ${found.figures[name]} ms at best, want at most ${limit}`);
  }
}

test('it opens without a task over 100 ms', async () => {
  const { page, close } = await openPage(browser, { url: clew.url('/search') });
  await best('open', { longest: 100 }, async () => {
    await page.goto('about:blank');
    let rows;
    const { longest, longestByClock } = await record(browser, page, async () => {
      const began = performance.now();
      await page.goto(clew.url(`/trace/${traceId}`));
      await opened(page);
      rows = performance.now() - began;
      await page.waitForTimeout(700);
    });
    return { longest: round(longest), longestByClock: round(longestByClock), rows: round(rows) };
  });
  await shot(page, 'trace-10000-light');
  await close();
});

/** What a frame does: n is its number. Scrolling moves by rows, then by pages. */
const steps = {
  'scrolls by rows': (n) => {
    const e = document.querySelector('[role=treegrid]');
    e.scrollTop += n % 240 < 120 ? 57 : -43;
  },
  'scrolls by pages': (n) => {
    const e = document.querySelector('[role=treegrid]');
    e.scrollTop = (e.scrollTop + 700) % (e.scrollHeight - e.clientHeight);
  },
  'zooms and pans': (n) => {
    const e = document.querySelector('[role=treegrid]');
    const box = e.getBoundingClientRect();
    const at = { clientX: box.right - 300, clientY: box.top + 200, bubbles: true, cancelable: true };
    if (n % 3 === 2) e.dispatchEvent(new WheelEvent('wheel', { ...at, shiftKey: true, deltaY: n % 60 < 30 ? 40 : -40 }));
    else e.dispatchEvent(new WheelEvent('wheel', { ...at, ctrlKey: true, deltaY: n % 80 < 40 ? -20 : 20 }));
  },
};

for (const [what, step] of Object.entries(steps)) {
  test(`it ${what} with p95 of a frame at most 16 ms`, async () => {
    const { page, close } = await openPage(browser, { url: clew.url(`/trace/${traceId}`) });
    await opened(page);
    await page.waitForTimeout(500);
    await best(what, { p95: 16, longest: 100 }, async () => {
      const { frames, longest, longestByClock } = await record(browser, page, () => eachFrame(page, 300, step));
      assert.ok(frames.length >= 300, `${frames.length} frames were seen`);
      return { p50: round(quantile(frames, 0.5)), p95: round(quantile(frames, 0.95)), max: round(Math.max(...frames)), longest: round(longest), longestByClock: round(longestByClock) };
    });
    await close();
  });
}

test('it is drawn while it scrolls', async () => {
  for (const theme of themes) {
    const { page, close } = await openPage(browser, { theme, url: clew.url(`/trace/${traceId}`) });
    await opened(page);
    const text = () => page.locator('[role=treegrid] [role=row]').evaluateAll((rows) => rows.filter((r) => !r.hidden).map((r) => r.ariaLabel).join('\n'));
    const top = await text();
    await page.mouse.move(700, 600);
    for (let n = 0; n < 10; n++) await page.mouse.wheel(0, 1500);
    await page.waitForTimeout(300);
    assert.notEqual(await text(), top, 'other rows are shown');
    await shot(page, `trace-10000-scrolled-${theme}`);
    await close();
  }
});
