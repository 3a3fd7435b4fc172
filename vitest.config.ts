import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";

/**
 * Two projects that run in one group, so that no worker waits for the last file of another project. `integration` files
 * share one PostgreSQL, or start programs, browsers or whole gateways. `unit` files start none of these, and come last. The
 * files of a project share their modules, which keep no state.
 */
const INTEGRATION_FILES = [
  "test/**/*.{db,process}.test.ts",
  // Tests of whole gateways need a database for the record.
  "test/{changes,conformance,docs,e2e,graphql,http,schema}/**/*.test.ts",
];

/** More than cores, because most integration tests wait for a database, a timer, a browser or a program. */
const WORKERS = 5;

/** Files that take a minute, whatever their size. They begin first, so that no other file waits for them at the end. */
const LONG_FILES = /\/test\/(e2e|conformance)\//;

class LongFilesFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const byDuration = await super.sort(files);
    const isLater = ({ moduleId }: TestSpecification): number => Number(!LONG_FILES.test(moduleId));
    return byDuration.toSorted((one, other) => isLater(one) - isLater(other));
  }
}

export default defineConfig({
  resolve: { alias: { graphql: new URL("./node_modules/graphql/index.js", import.meta.url).pathname } },
  test: {
    testTimeout: 60_000,
    // The machine of CI is shared and noisy, and these are real databases, browsers and processes.
    retry: process.env["CI"] ? 1 : 0,
    hookTimeout: 120_000,
    // A test waits for an effect as long as its own time allows.
    expect: { poll: { timeout: 30_000 } },
    sequence: { sequencer: LongFilesFirst },
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
          exclude: INTEGRATION_FILES,
          isolate: false,
          maxWorkers: WORKERS,
        },
      },
      {
        extends: true,
        test: {
          name: "integration",
          include: INTEGRATION_FILES,
          globalSetup: "test/support/database-setup.ts",
          isolate: false,
          maxWorkers: WORKERS,
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
                sequence: { groupOrder: 1 },
              },
            },
          ]),
    ],
  },
});
