import { defineConfig } from "vitest/config";

/**
 * Two groups: `unit` files share both cores; `process` files start browsers, child processes or whole
 * gateways and run one at a time afterwards, so that they never compete with each other for a core.
 */
export default defineConfig({
  resolve: { alias: { graphql: new URL("./node_modules/graphql/index.js", import.meta.url).pathname } },
  test: {
    testTimeout: 30_000,
    hookTimeout: 60_000,
    projects: [
      {
        extends: true,
        test: {
          name: "unit",
          include: ["test/**/*.test.ts"],
          exclude: ["test/e2e/**"],
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: "process",
          include: ["test/e2e/**/*.test.ts"],
          fileParallelism: false,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
