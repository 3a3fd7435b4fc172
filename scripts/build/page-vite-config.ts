import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import type { Plugin, UserConfig } from "vite";

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

/** The Vite settings of a page that the gateway serves. scripts/build-if-needed.mjs names the folder to write. */
export const PAGE_CONFIG = {
  plugins: [gzip],
  base: "./",
  logLevel: "warn",
  build: {
    target: "es2022",
    // The content security policy permits images and fonts only as the gateway's own files, not as data: addresses.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    rolldownOptions: {
      onwarn: (warning, warn) => {
        // React libraries mark modules with "use client". The pages have no server rendering.
        if (warning.code !== "MODULE_LEVEL_DIRECTIVE") warn(warning);
      },
    },
  },
  experimental: {
    // A page and its files are at different paths. Only the server has both paths.
    renderBuiltUrl: (filename, { hostType }) =>
      hostType === "html" ? `__ASSETS__/${filename}` : { relative: true },
  },
} satisfies UserConfig;
