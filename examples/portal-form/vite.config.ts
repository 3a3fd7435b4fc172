import { defineConfig } from "vite";

/**
 * The form and the gateway under one origin, as a portal's own server would have them: the gateway offers no CORS,
 * and a page of another origin cannot use it.
 */
export default defineConfig({
  root: pathOf("."),
  server: { proxy: { "/graphql": { target: "http://127.0.0.1:4000", changeOrigin: true } } },
  resolve: {
    // In the gateway's own repository; elsewhere the package is installed.
    alias: { "cam-mfa-gateway/client": pathOf("../../src/client/index.ts") },
  },
});

function pathOf(file: string): string {
  return new URL(file, import.meta.url).pathname;
}
