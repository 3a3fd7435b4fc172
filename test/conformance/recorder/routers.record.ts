import { writeFile } from "node:fs/promises";
import { describe, test } from "vitest";
import type { Subgraph } from "../../../scripts/federated/supergraph.ts";
import { formatJson } from "../../../scripts/generate/format.ts";
import { withoutSecurity } from "../../support/started-router.ts";
import { DIRECT, startColumns } from "../error-matrix/ask-columns.ts";
import { ERROR_CASES, PROMPT_CASES, SLOW_CASES } from "../error-matrix/error-cases.ts";
import { recordingFile } from "../support/recordings.ts";
import { learnRule } from "../support/router-rule.ts";
import { observe, observeAccess, observeTimeout } from "./observe.ts";
import { observeCost, observeTrustedDocuments } from "./observe-limits.ts";
import { ROUTER_PROGRAMS } from "./programs.ts";

const installed = JSON.parse(process.env["RECORD_ROUTERS"] ?? "{}") as Readonly<
  Partial<Record<keyof typeof ROUTER_PROGRAMS, string>>
>;

describe.each(Object.entries(installed) as [keyof typeof ROUTER_PROGRAMS, string][])(
  "%s",
  (name, program) => {
    const { settings, start, router, ...configure } = ROUTER_PROGRAMS[name];

    test("is recorded", async () => {
      let version = "";
      const startWith = async (configuration: string, subgraphs: readonly Subgraph[]) => {
        const started = await start(program, configuration, subgraphs);
        ({ version } = started);
        return started.url;
      };
      const columns = await startColumns(
        settings.map(({ id, configuration }) => ({
          id,
          start: (gateway) => startWith(configuration, [withoutSecurity(gateway)]),
        })),
      );
      for (const errorCase of PROMPT_CASES) await columns.ask(errorCase);
      for (const { cases } of SLOW_CASES) await Promise.all(cases.map(columns.ask));

      const startBy = (subgraphs: readonly Subgraph[], by = "") => startWith(by, subgraphs);
      const documented = settings.find(({ by }) => by === "docs")?.configuration ?? "";
      const access = await observeAccess(startBy, configure.authenticating, documented);
      const timeout = await observeTimeout(startBy, configure.impatient);
      const cost = await observeCost(startBy, configure.limitingCost);
      const trustedDocuments = await observeTrustedDocuments(startBy, configure.trusting);
      const once = { access, timeout, cost, trustedDocuments };
      for (const { id, by, configuration } of settings) {
        const passages = ERROR_CASES.map(({ name: errorCase }) => ({
          name: errorCase,
          sent: columns.thrownBy(DIRECT).get(errorCase) ?? [],
          arrived: columns.thrownBy(id).get(errorCase) ?? [],
        }));
        const observed = await observe((subgraphs) => startWith(configuration, subgraphs));
        const recording = {
          router,
          version,
          date: new Date().toISOString().slice(0, 10),
          by,
          configuration,
          rule: learnRule(passages),
          // Each of them arrived whole as data, and thrown as the rule says.
          errors: passages.map(({ name: errorCase }) => errorCase),
          observed: { ...observed, ...(by === "default" ? once : {}) },
        };
        await writeFile(recordingFile(id), formatJson(recording));
      }
    });
  },
);
