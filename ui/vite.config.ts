// SPDX-License-Identifier: Apache-2.0

// Build of the UI. Two things are particular to Clew:
//  - `base: './'`: every asset is addressed relative to index.html, so the same
//    build works at / and below any reverse-proxy prefix (the Go handler writes
//    <base href> into index.html when it serves it).
//  - precompress(): .gz and .br twins are made here once, so the server never
//    compresses the UI and carries no brotli encoder.

import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { lezer } from "@lezer/generator/rollup";
import react from "@vitejs/plugin-react";
import type { Plugin } from "vite";
import { defineConfig } from "vitest/config";

const compressible = /\.(js|css|html|svg|json|wasm)$/;

function precompress(): Plugin {
  let outDir = "dist";
  return {
    name: "clew-precompress",
    apply: "build",
    configResolved(config) {
      outDir = config.build.outDir;
    },
    closeBundle() {
      const walk = (dir: string): void => {
        for (const entry of readdirSync(dir, { withFileTypes: true })) {
          const path = join(dir, entry.name);
          if (entry.isDirectory()) {
            walk(path);
          } else if (compressible.test(entry.name) && entry.name !== "index.html") {
            // index.html is rewritten per base path by the server, so it has no twin.
            const raw = readFileSync(path);
            if (raw.length < 512) continue;
            const br = brotliCompressSync(raw, {
              params: {
                [constants.BROTLI_PARAM_QUALITY]: 11,
                [constants.BROTLI_PARAM_SIZE_HINT]: raw.length,
              },
            });
            const gz = gzipSync(raw, { level: 9 });
            if (br.length < raw.length) writeFileSync(`${path}.br`, br);
            if (gz.length < raw.length) writeFileSync(`${path}.gz`, gz);
          }
        }
      };
      walk(outDir);
      // emptyOutDir removes the tracked placeholder; put it back so the tree stays clean.
      writeFileSync(
        join(outDir, ".placeholder"),
        "Tracked so that //go:embed all:dist works before the UI is built. 'make build' fills this folder.\n",
      );
    },
  };
}

const backend = process.env["CLEW_SERVER"] ?? "http://127.0.0.1:16690";

export default defineConfig({
  base: "./",
  plugins: [lezer(), react(), precompress()],
  build: {
    target: ["chrome120", "firefox121", "safari17"],
    assetsInlineLimit: 0, // the CSP has no data: for scripts, styles or fonts
    modulePreload: { polyfill: false },
    sourcemap: false,
    chunkSizeWarningLimit: 700,
  },
  worker: { format: "es" },
  server: { host: "127.0.0.1", proxy: { "/api": backend } },
  preview: { host: "127.0.0.1", proxy: { "/api": backend } },
  test: { environment: "node", include: ["src/**/*.test.{ts,tsx}"] },
});
