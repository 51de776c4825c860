// SPDX-License-Identifier: Apache-2.0

// A real `clew serve` for one test file, and what the tests put into it.

import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** Starts the binary that CLEW_BIN names on free ports; resolves once it is ready. */
export async function startClew() {
  const binary = process.env.CLEW_BIN;
  if (!binary) throw new Error('CLEW_BIN is not set: it names the clew binary under test (test/run.sh sets it)');
  const dir = mkdtempSync(join(tmpdir(), 'clew-ui-'));
  const file = join(dir, 'addresses.json');
  const child = spawn(binary, ['serve', '--ephemeral-ports', '--addresses-file', file, '--data', join(dir, 'data')], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let log = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (log = (log + chunk).slice(-20_000)));
  const exited = new Promise((resolve) => child.once('exit', resolve));

  const addresses = await ready(file, child, () => log);
  return {
    addresses,
    url: (path) => `http://${addresses.http}${path}`,
    /** Posts spans as OTLP/JSON; anything but a full success is an error. */
    async post(request) {
      const answer = await fetch(`http://${addresses['otlp-http']}/v1/traces`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(request),
      });
      const body = await answer.text();
      if (!answer.ok || body.includes('rejectedSpans')) throw new Error(`post spans: ${answer.status} ${body}`);
    },
    async get(path) {
      const answer = await fetch(`http://${addresses.http}${path}`);
      if (!answer.ok) throw new Error(`GET ${path}: ${answer.status} ${await answer.text()}`);
      return answer.json();
    },
    async stop() {
      child.kill('SIGKILL');
      await exited;
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

async function ready(file, child, log) {
  for (const deadline = Date.now() + 30_000; Date.now() < deadline; await sleep(10)) {
    if (child.exitCode !== null) break;
    try {
      const addresses = JSON.parse(readFileSync(file, 'utf8'));
      if ((await fetch(`http://${addresses.http}/ready`)).ok) return addresses;
    } catch {
      // Not there yet, or not whole yet.
    }
  }
  child.kill('SIGKILL');
  throw new Error(`clew serve did not become ready; its log:\n${log()}`);
}
