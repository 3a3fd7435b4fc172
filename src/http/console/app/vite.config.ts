import { defineConfig } from "vite";
import { PAGE_CONFIG } from "../../../../scripts/build/page-vite-config.ts";

export default defineConfig(PAGE_CONFIG);
