import { defineConfig } from "vitest/config";

/**
 * Three groups of test files, one after the other. `unit` files start no process, browser or database server. `database`
 * files share one PostgreSQL, or start short processes, and mostly wait. `process` files start browsers or whole
 * gateways and run two at a time, so that they do not compete for a core. The files of a group share their modules,
 * which keep no state.
 */
const DATABASE_FILES = [
  "test/**/*.{db,process}.test.ts",
  // Tests of whole gateways need a database for the record.
  "test/{changes,conformance,docs,graphql,http,schema}/**/*.test.ts",
];

export default defineConfig({
  resolve: { alias: { graphql: new URL("./node_modules/graphql/index.js", import.meta.url).pathname } },
  test: {
    testTimeout: 30_000,
    // The machine of CI is shared and noisy, and these are real databases, browsers and processes.
    retry: process.env["CI"] ? 1 : 0,
    hookTimeout: 60_000,
    // What everything writes is searched for secrets when the run is over.
    globalSetup: ["test/support/leaks/global-setup.ts", "test/support/compile-cache-setup.ts"],
    setupFiles: [
      "test/support/leaks/keep-all-written.ts",
      "test/support/compile-cache.ts",
      "test/support/end-file.ts",
    ],
    projects: [
      {
        extends: true,
        test: {
          name: "unit",
          include: ["test/**/*.test.ts"],
          exclude: ["test/e2e/**", ...DATABASE_FILES],
          isolate: false,
          maxWorkers: 2,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: "database",
          include: DATABASE_FILES,
          exclude: ["test/e2e/**"],
          globalSetup: "test/support/database-setup.ts",
          isolate: false,
          // More than cores, because most of these tests wait for a database, a timer or a program.
          maxWorkers: 4,
          sequence: { groupOrder: 1 },
        },
      },
      // `npm run record:routers` runs this one alone.
      ...(process.env["RECORD_ROUTERS"] === undefined
        ? []
        : [
            {
              extends: true as const,
              test: {
                name: "record",
                include: ["test/conformance/recorder/*.record.ts"],
                globalSetup: "test/support/database-setup.ts",
                testTimeout: 900_000,
                hookTimeout: 300_000,
                fileParallelism: false,
                sequence: { groupOrder: 3 },
              },
            },
          ]),
      {
        extends: true,
        test: {
          name: "process",
          include: ["test/e2e/**/*.test.ts"],
          isolate: false,
          maxWorkers: 2,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});
