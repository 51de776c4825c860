// SPDX-License-Identifier: Apache-2.0

// An empty Clew shows how to send the first span, with the real addresses, and
// moves on when it comes.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { accessible, openPage, shot, startChromium, themes } from './browser.mjs';
import { shop } from './data.mjs';
import { startClew } from './server.mjs';

let clew;
let browser;
before(async () => {
  clew = await startClew();
  browser = await startChromium();
});
after(async () => {
  await browser?.close();
  await clew?.stop();
});

for (const theme of themes) {
  test(`how to send the first span, ${theme}`, async () => {
    const { page, close } = await openPage(browser, { theme, url: clew.url('/') });
    await page.getByRole('heading', { name: 'Send the first span' }).waitFor();
    const text = await page.locator('main, #root').first().innerText();
    for (const name of ['otlp-http', 'otlp-grpc']) {
      assert.ok(text.includes(clew.addresses[name]), `the page names ${name} ${clew.addresses[name]}`);
    }
    await accessible(page, `the empty page, ${theme}`);
    await shot(page, `empty-${theme}`);
    for (const tab of await page.getByRole('tab').all()) {
      await tab.click();
      // By its name: the panel before it leaves only after the next frame.
      const panel = await page.getByRole('tabpanel', { name: await tab.innerText(), exact: true }).innerText();
      assert.ok(panel.includes(clew.addresses['otlp-http']) || panel.includes(clew.addresses['otlp-grpc']) || panel.includes(clew.addresses.http) || /clew demo/.test(panel), `the panel "${await tab.innerText()}" names a real address:\n${panel}`);
    }
    await accessible(page, `the empty page's last tab, ${theme}`);
    await close();
  });
}

test('the page moves on when the first span comes', async () => {
  const { page, close } = await openPage(browser, { url: clew.url('/') });
  await page.getByRole('heading', { name: 'Send the first span' }).waitFor();
  const { spans, ids } = shop(3);
  for (const request of spans.requests()) await clew.post(request);
  await page.locator(`[data-trace="${ids.all[0]}"]`).waitFor({ timeout: 20_000 });
  await close();
});
