import { serverAudits } from "graphql-http";
import { afterAll, beforeAll, expect, test } from "vitest";
import { keepFigure } from "../support/leaks/written.ts";
import { type StartedGateway, startGateway } from "../support/start-gateway.ts";

/** The working group's audits of a server: https://github.com/graphql/graphql-http/blob/main/src/audits/server.ts */
const audits = serverAudits({ url: () => shared.gateway.address.url });

let shared: StartedGateway;
let passed = 0;

beforeAll(async () => {
  // Some audits query a type of the schema.
  shared = await startGateway({ env: { INTROSPECTION: "on", CALLER_RATE_PER_SECOND: "0" } });
});

afterAll(() =>
  keepFigure(`Audits of GraphQL over HTTP, with CSRF prevention: ${passed} of ${audits.length} ok`),
);

test("the package has 61 audits", () => {
  expect(audits).toHaveLength(61);
});

test.each(audits)("$id $name", async (audit) => {
  const result = await audit.fn();
  expect(result).toMatchObject({ status: "ok" });
  passed += 1;
});
