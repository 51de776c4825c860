// SPDX-License-Identifier: Apache-2.0

// Bundles the page into dist/. Target es2016: zone.js carries the context
// through promises, but cannot through native async functions.

import { copyFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

await build({ entryPoints: [here('src/page.js')], bundle: true, outfile: here('dist/page.js'), target: 'es2016', logLevel: 'warning' });
copyFileSync(here('src/index.html'), here('dist/index.html'));
