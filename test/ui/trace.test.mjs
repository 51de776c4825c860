// SPDX-License-Identifier: Apache-2.0

// The trace page: waterfall, details with events, stack trace and links,
// keyboard, URL as the state, a trace without its root, one whose parents go in
// circles, one that is not there; colours of services.

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
    await details(page).getByText('http.response.status_code').first().waitFor();
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

test('cycles of parents are cut and are not missing parents; spans of the same ids are marked', async () => {
  const traceId = 'c1'.repeat(16);
  const hex = (id) => (id === 0 ? '' : id.toString(16).padStart(16, '0'));
  const now = BigInt(Date.now()) * 1_000_000n;
  const span = (id, parent, name, ms) => ({
    traceId, spanId: hex(id), parentSpanId: hex(parent), name, kind: 1,
    startTimeUnixNano: String(now + BigInt(ms) * 1_000_000n), endTimeUnixNano: String(now + BigInt(ms + 20) * 1_000_000n),
  });
  const service = 'a-service-of-a-rather-long-name';
  const spans = [
    span(1, 0, 'root', 0), span(2, 1, 'twin a', 1), span(2, 1, 'twin b', 2),
    span(3, 3, 'self', 3), span(4, 6, 'x', 4), span(5, 4, 'y', 5), span(6, 5, 'z', 6),
  ];
  await clew.post({ resourceSpans: [{ resource: { attributes: [{ key: 'service.name', value: { stringValue: service } }] }, scopeSpans: [{ spans }] }] });
  const { page, close } = await openTrace('light', traceId);
  await expectRows(page, spans.length, 'every span has a row');
  assert.equal(await page.getByRole('status').filter({ hasText: 'not received' }).count(), 0);
  assert.match(await page.getByRole('status').filter({ hasText: 'lead back' }).innerText(), /2 spans/);
  assert.equal(await grid(page).getByText('parent missing').count(), 0);
  assert.equal(await grid(page).getByText('parent is in a cycle').count(), 2);
  assert.equal(await grid(page).getByText('same ids').count(), 2);
  const cut = await page.getByRole('heading', { level: 1 }).evaluate((h) => [...h.children].some((c) => c.scrollWidth > c.clientWidth));
  assert.equal(cut, false, 'service and operation have room in the header');
  await accessible(page, 'a trace with cycles');
  for (const [name, text] of [['self', /names itself as its parent/], [' x,', /chain of parents leads back to it/], ['twin a', /same ids and other content/]]) {
    await row(page, name).click();
    await details(page).getByText(text).first().waitFor();
  }
  await shot(page, 'trace-cycle');
  await close();
});

test('a service has one colour on all pages', async () => {
  const { page, close } = await openTrace('light', ids.failed[0]);
  // What stands after a mark of a service's colour is the service's name.
  const colours = () => page.evaluate(() => {
    const found = {};
    for (const mark of document.querySelectorAll('[style*="--svc-"]')) {
      const name = mark.nextElementSibling?.textContent ?? '';
      if (/^[a-z-]+$/.test(name)) (found[name] ??= []).push(getComputedStyle(mark).backgroundColor);
    }
    return Object.fromEntries(Object.entries(found).map(([name, all]) => [name, [...new Set(all)]]));
  });
  const inTrace = await colours();
  assert.ok(Object.keys(inTrace).length >= 3, JSON.stringify(inTrace));
  await page.goto(clew.url('/search?q=' + encodeURIComponent('{ }')));
  await page.locator('[data-trace]').first().waitFor();
  const inSearch = await colours();
  for (const [name, all] of Object.entries(inSearch)) {
    assert.equal(all.length, 1, `${name} in search: ${all}`);
    if (inTrace[name] !== undefined) assert.deepEqual(all, inTrace[name], name);
  }
  const both = Object.keys(inTrace).filter((name) => inSearch[name] !== undefined);
  assert.ok(both.length >= 3, `services of both pages: ${both}`);
  await close();
});

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
