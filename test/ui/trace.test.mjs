// SPDX-License-Identifier: Apache-2.0

// The trace page: waterfall, details with events, stack trace and links,
// keyboard, URL as the state, a trace without its root, one that is not there.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { accessible, openPage, shot, startChromium, themes } from './browser.mjs';
import { shop } from './data.mjs';
import { startClew } from './server.mjs';

let clew;
let browser;
let ids;
before(async () => {
  clew = await startClew();
  browser = await startChromium();
  const made = shop(40);
  ids = made.ids;
  for (const request of made.spans.requests()) await clew.post(request);
});
after(async () => {
  await browser?.close();
  await clew?.stop();
});

const grid = (page) => page.getByRole('treegrid', { name: 'Spans of the trace' });
const row = (page, name) => grid(page).getByRole('row', { name }).first();
const details = (page) => page.getByRole('complementary', { name: 'Span details' });
const visibleRows = (page) => grid(page).getByRole('row').filter({ visible: true }).count();

/** Rows are drawn in the frame after the key: waits until there are `count` of them. */
async function expectRows(page, count, why) {
  let found;
  for (const deadline = Date.now() + 5000; Date.now() < deadline; await page.waitForTimeout(20)) {
    found = await visibleRows(page);
    if (found === count) return;
  }
  assert.equal(found, count, why);
}

async function openTrace(theme, id) {
  const opened = await openPage(browser, { theme, url: clew.url(`/trace/${id}`) });
  await grid(opened.page).getByRole('row').first().waitFor();
  return opened;
}

for (const theme of themes) {
  test(`a failed checkout, ${theme}`, async () => {
    const { page, close } = await openTrace(theme, ids.failed[0]);
    assert.match(await page.getByRole('heading', { level: 1 }).innerText(), /storefront[\s\S]*POST \/checkout/);
    await accessible(page, `trace, ${theme}`);
    await shot(page, `trace-${theme}`);

    await row(page, /^payment POST \/payment, server.*error/).click();
    await details(page).waitFor();
    const text = await details(page).innerText();
    assert.match(text, /payment provider answered 503/);
    assert.match(text, /provider\.js:41/, 'the stack trace is shown');
    assert.match(text, /http\.response\.status_code/);
    assert.match(page.url(), /span=[0-9a-f]{16}/);
    await accessible(page, `trace with details, ${theme}`);
    await shot(page, `trace-details-${theme}`);
    await close();
  });

  test(`a trace without its root, ${theme}`, async () => {
    const { page, close } = await openTrace(theme, ids.broken[0]);
    assert.match(await page.getByRole('status').filter({ hasText: 'not received' }).innerText(), /there is no root span/);
    await accessible(page, `broken trace, ${theme}`);
    await shot(page, `trace-broken-${theme}`);
    await close();
  });

  test(`a trace that is not there, ${theme}`, async () => {
    const { page, close } = await openPage(browser, { theme, url: clew.url(`/trace/${'a'.repeat(32)}`) });
    await page.getByText(/not found|no trace|no span/i).first().waitFor();
    await accessible(page, `missing trace, ${theme}`);
    await shot(page, `trace-missing-${theme}`);
    await close();
  });
}

test('keyboard: move, fold, unfold, find, details; the URL keeps it', async () => {
  const { page, close } = await openTrace('light', ids.plain.at(-1));
  const all = await visibleRows(page);
  await grid(page).focus();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Home');
  const first = await grid(page).getByRole('row', { selected: true }).getAttribute('aria-label');
  assert.match(first, /^storefront /, 'the root is selected');
  await page.keyboard.press('ArrowLeft');
  await expectRows(page, 1, 'the root is folded');
  await page.keyboard.press('ArrowRight');
  await expectRows(page, all, 'and unfolded');
  await page.keyboard.press('ArrowDown');
  await page.waitForFunction((old) => document.querySelector('[role=rowgroup] [role=row][aria-selected=true]')?.ariaLabel !== old, first, { timeout: 5000 });
  const second = await grid(page).getByRole('row', { selected: true }).getAttribute('aria-label');
  assert.notEqual(second, first, 'down moves on');
  // The URL follows when the keys rest: it then names the span of the details.
  await page.waitForFunction(() => new URL(location.href).searchParams.get('span') === document.querySelector('aside code')?.textContent);
  const url = page.url();
  await page.reload();
  await grid(page).getByRole('row', { selected: true }).waitFor();
  assert.equal(await grid(page).getByRole('row', { selected: true }).getAttribute('aria-label'), second, 'a reload shows the same span');
  assert.equal(page.url(), url);

  await page.keyboard.press('/');
  await page.keyboard.type('SELECT');
  await page.keyboard.press('Enter');
  await page.waitForFunction(() => /SELECT/.test(document.querySelector('[role=row][aria-selected=true]')?.ariaLabel ?? ''));
  await shot(page, 'trace-find-light');
  await close();
});

test('a link leads to the linked trace', async () => {
  const { page, close } = await openTrace('light', ids.plain.at(-1));
  const trace = await clew.get(`/api/clew/v1/traces/${ids.plain.at(-1)}`);
  const linked = trace.resourceSpans.flatMap((r) => r.scopeSpans.flatMap((s) => s.spans)).find((s) => s.links?.length);
  await page.goto(clew.url(`/trace/${ids.plain.at(-1)}?span=${linked.spanId}`));
  await details(page).waitFor();
  await details(page).locator(`a[href*="/trace/${linked.links[0].traceId}"]`).first().click();
  await page.waitForURL(`**/trace/${linked.links[0].traceId}*`);
  await grid(page).getByRole('row').first().waitFor();
  await close();
});
