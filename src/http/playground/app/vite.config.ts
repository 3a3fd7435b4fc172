import { defineConfig, mergeConfig } from "vite";
import { PAGE_CONFIG } from "../../../../scripts/build/page-vite-config.ts";

export default defineConfig(
  mergeConfig(PAGE_CONFIG, {
    build: {
      chunkSizeWarningLimit: 5_000,
      // GraphiQL derives the accessible names of its icons from the names of their functions.
      rolldownOptions: { output: { keepNames: true } },
    },
    // An "es" worker loads its rarely used parts (prettier) on demand. An "iife" worker would contain them.
    worker: { format: "es" },
  }),
);
