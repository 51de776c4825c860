// SPDX-License-Identifier: Apache-2.0

// The search page over a shop's traces: what it lists, how a query is typed
// and goes wrong, paging, keyboard, themes.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { accessible, openPage, shot, startChromium, themes } from './browser.mjs';
import { shop } from './data.mjs';
import { startClew } from './server.mjs';

const count = 120;
let clew;
let browser;
let ids;
before(async () => {
  clew = await startClew();
  browser = await startChromium();
  const made = shop(count);
  ids = made.ids;
  for (const request of made.spans.requests()) await clew.post(request);
});
after(async () => {
  await browser?.close();
  await clew?.stop();
});

const rows = (page) => page.locator('li[data-trace]');
const listed = (page) => rows(page).evaluateAll((items) => items.map((item) => item.dataset.trace));

/** The answer is there: not busy any more, or hidden because the query is wrong. */
const answered = (page) => page.locator('[aria-label="Results"][aria-busy="false"]').waitFor({ state: 'attached' });

/** Opens the search page with a query and waits for the answer. */
async function search(theme, q) {
  const opened = await openPage(browser, { theme, url: clew.url(`/search?${new URLSearchParams({ ...(q && { q }), range: 'all' })}`) });
  await answered(opened.page);
  return opened;
}

async function settled(page) {
  await page.waitForTimeout(150);
  await answered(page);
}

for (const theme of themes) {
  test(`newest traces first, ${theme}`, async () => {
    const { page, close } = await search(theme);
    await rows(page).first().waitFor();
    const shown = await listed(page);
    assert.deepEqual(shown, ids.all.toReversed().slice(0, shown.length), 'newest first, none missing');
    assert.ok(await page.getByRole('img', { name: /Durations of \d+ traces/ }).isVisible(), 'the scatter plot is there');
    assert.match(await rows(page).first().innerText(), /storefront|root span not received/);
    await accessible(page, `search, ${theme}`);
    await shot(page, `search-${theme}`);
    await close();
  });

  test(`a query with matches, ${theme}`, async () => {
    const { page, close } = await search(theme, '{ status = error && resource.service.name = "payment" }');
    await rows(page).first().waitFor();
    const api = await clew.get(`/api/clew/v1/search?${new URLSearchParams({ q: '{ status = error && resource.service.name = "payment" }', limit: '200' })}`);
    assert.ok(api.traces.length > 3, 'there are such traces');
    assert.deepEqual(await listed(page), api.traces.map((t) => t.traceId).slice(0, 50));
    await rows(page).first().getByRole('button', { name: /matching span/ }).click();
    await page.getByRole('list', { name: 'Matching spans' }).waitFor();
    await accessible(page, `search with matches, ${theme}`);
    await shot(page, `search-matches-${theme}`);
    await close();
  });

  test(`a wrong query points at the place, ${theme}`, async () => {
    const { page, close } = await search(theme, '{ span.http.route = }');
    const alert = page.getByRole('alert').first();
    await alert.waitFor();
    assert.match(await alert.innerText(), /\^/, 'a caret under the place');
    assert.match(await alert.innerText(), /column 21/);
    await accessible(page, `a wrong query, ${theme}`);
    await shot(page, `search-error-${theme}`);
    await close();
  });

  test(`nothing found, ${theme}`, async () => {
    const { page, close } = await search(theme, '{ resource.service.name = "nowhere" }');
    await settled(page);
    assert.deepEqual(await listed(page), []);
    await accessible(page, `nothing found, ${theme}`);
    await shot(page, `search-nothing-${theme}`);
    await close();
  });
}

test('paging shows every trace once', async () => {
  const { page, close } = await search();
  await rows(page).first().waitFor();
  for (let n = 0; n < 5; n++) {
    const more = page.getByRole('button', { name: 'Load more' });
    if (!(await more.isVisible())) break;
    await more.click();
    await settled(page);
  }
  assert.deepEqual(await listed(page), ids.all.toReversed());
  await close();
});

test('a query is typed with completion, and the URL keeps it', async () => {
  const { page, close } = await search();
  await rows(page).first().waitFor();
  await page.keyboard.press('/');
  const box = page.getByRole('textbox', { name: 'TraceQL query' }).or(page.getByRole('combobox', { name: 'TraceQL query' }));
  await box.waitFor();
  await page.keyboard.type('{ span.cart.it');
  const option = page.getByRole('option', { name: /span\.cart\.items/ }).first();
  await option.waitFor();
  await shot(page, 'search-completion-light');
  await option.click();
  await page.keyboard.type(' = 3 }');
  await page.keyboard.press('Escape');
  await page.keyboard.press('Enter');
  await settled(page);
  assert.match(decodeURIComponent(page.url().replaceAll('+', ' ')), /span\.cart\.items = 3/);
  const found = await listed(page);
  assert.ok(found.length > 0, 'the query finds traces');
  await page.reload();
  await rows(page).first().waitFor();
  await settled(page);
  assert.deepEqual(await listed(page), found, 'the URL is the state');
  await page.goBack();
  await settled(page);
  assert.notDeepEqual(await listed(page), found, 'back goes to the search before');
  await close();
});

for (const theme of themes) {
  test(`keyboard: rows, open, help, ${theme}`, async () => {
    const { page, close } = await search(theme);
    await rows(page).first().waitFor();
    await page.keyboard.press('j');
    await page.keyboard.press('j');
    const focused = await page.evaluate(() => document.activeElement.closest('li[data-trace]')?.dataset.trace);
    assert.equal(focused, ids.all.at(-2), 'j goes to the next row');
    await page.keyboard.press('?');
    await page.getByRole('dialog').waitFor();
    await accessible(page, 'the help sheet');
    await shot(page, `help-${theme}`);
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'hidden' });
    await page.keyboard.press('Control+k');
    await page.getByRole('dialog').waitFor();
    await accessible(page, 'the palette');
    await shot(page, `palette-${theme}`);
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'hidden' });
    await page.locator(`[data-row="${ids.all.at(-2)}"]`).focus();
    await page.keyboard.press('Enter');
    await page.waitForURL(`**/trace/${ids.all.at(-2)}*`);
    await close();
  });
}
