import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { defineConfig, type Plugin } from "vite";

/**
 * Writes a .gz file next to each script, style sheet and SVG image, at a quarter of its size. Fonts are already
 * compressed.
 */
const gzip: Plugin = {
  name: "gzip",
  writeBundle({ dir = "" }) {
    const assets = join(dir, "assets");
    for (const file of readdirSync(assets).filter((name) => /\.(js|css|svg)$/.test(name))) {
      writeFileSync(join(assets, `${file}.gz`), gzipSync(readFileSync(join(assets, file))));
    }
  },
};

/** Bundles the page into dist/playground. scripts/build.mjs runs it and allows one build at a time. */
export default defineConfig({
  plugins: [gzip],
  base: "./",
  logLevel: "warn",
  build: {
    outDir: "../../../../dist/playground",
    emptyOutDir: true,
    target: "es2022",
    // The content security policy permits fonts only as the gateway's own files, not as data: addresses.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    chunkSizeWarningLimit: 5_000,
    rolldownOptions: {
      // GraphiQL derives the accessible names of its icons from the names of their functions.
      output: { keepNames: true },
      onwarn: (warning, warn) => {
        // React libraries mark modules with "use client". This page has no server rendering.
        if (warning.code !== "MODULE_LEVEL_DIRECTIVE") {
          warn(warning);
        }
      },
    },
  },
  // An "es" worker loads its rarely used parts (prettier) on demand. An "iife" worker would contain them.
  worker: { format: "es" },
  experimental: {
    // The page is at the GraphQL path, and its files are at another path. Only the server has both paths.
    renderBuiltUrl: (filename, { hostType }) =>
      hostType === "html" ? `__ASSETS__/${filename}` : { relative: true },
  },
});
