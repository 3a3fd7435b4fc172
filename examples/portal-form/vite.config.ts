import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";

/**
 * The form and the gateway under one origin, as a portal's own server would have them: the gateway offers no CORS,
 * and a page of another origin cannot use it.
 */
export default defineConfig({
  root: import.meta.dirname,
  server: { proxy: { "/graphql": "http://127.0.0.1:4000" } },
  resolve: {
    // In the gateway's own repository; elsewhere the package is installed.
    alias: { "cam-mfa-gateway/client": fileURLToPath(new URL("../../src/client/index.ts", import.meta.url)) },
  },
});
