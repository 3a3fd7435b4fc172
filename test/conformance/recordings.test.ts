import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { FORWARDED_HEADERS, ROUTER_GUIDES } from "../../src/cli/doctor/router-guides.ts";
import { startProgram } from "../support/start-program.ts";
import { ERROR_CASES } from "./error-matrix/error-cases.ts";
import { COST_CASES } from "./support/cost-cases.ts";
import { FAILURES } from "./support/failures.ts";
import { RECORDINGS } from "./support/recordings.ts";
import { learnRule } from "./support/router-rule.ts";

/** Apollo Router refuses some configurations without a licence of GraphOS. */
const LICENCE = /not available for your license/;

const AGAIN = "Record the router again: npm run record:routers";

describe.each(RECORDINGS)("$id, as recorded, ", ({ recording }) => {
  const { router, by, configuration, errors, observed } = recording;

  test("passed every error of the matrix on, whole as data", () => {
    expect(errors.toSorted(), AGAIN).toEqual(ERROR_CASES.map(({ name }) => name).toSorted());
  });

  test("had the configuration that the documents show", () => {
    const { file } = ROUTER_GUIDES.find(({ id }) => id === router)?.configuration ?? {};
    const shown = readFileSync(`docs/consumers/routers/${file}`, "utf8");
    if (by === "docs") expect(configuration, AGAIN).toBe(shown);
    else expect(configuration).not.toBe(shown);
  });

  test("sent each change to the gateway once, whatever failed behind the gateway", () => {
    expect(observed.failures, AGAIN).toEqual({ sentOnce: FAILURES.map(([what]) => what), others: [] });
  });

  test("did not repeat a change whose answer it lost or did not wait for", () => {
    expect(observed.lostAnswers.mutation.requests).toBe(1);
    if (by === "default") expect(observed.timeout?.requests).toBe(1);
  });

  test("kept changes and users apart that fail and that do not", () => {
    expect(observed.severalChanges.data).toEqual({ a: null, b: { resolvedBy: "REPLY" }, c: null });
    expect(observed.entities.partial.data.employees).toMatchObject([
      { camUser: { name: "alice", mfa: { login: {} } } },
      { camUser: { name: "bob", mfa: null } },
      { camUser: { name: "carol", mfa: { login: {} } } },
    ]);
    expect(observed.entities.thousand).toMatchObject({ users: 1_000, errors: 0 });
  });

  test("permitted callers by their scopes, each an answer of their own, if it verified tokens", () => {
    if (observed.access === undefined) return;
    const { verifyingTokensByDocs: access } = observed.access;
    if ("refuses" in access) return expect(access.refuses).toMatch(LICENCE);
    expect(access["the scope"].errors).toEqual([]);
    expect(access["another scope"].errors).not.toEqual([]);
    expect(access.callersShareAnswers).toBe(false);
  });

  test("counted the CAM calls of reads by the weights of the schema, and refused a list over the limit", () => {
    if (observed.cost === undefined) return;
    if ("refuses" in observed.cost) return expect(observed.cost.refuses).toMatch(LICENCE);
    const { operations, list } = observed.cost;
    for (const [what, query, calls] of COST_CASES) {
      const { estimated } = operations[what] ?? {};
      // A router may add costs of its own to a mutation.
      if (query.startsWith("mutation")) expect(estimated, what).toBeGreaterThanOrEqual(2);
      else expect(estimated, what).toBe(calls);
    }
    expect(list).toMatchObject({ estimated: 50, isRefused: true });
  });

  test("ran trusted documents by their ids, a change once, and no others", () => {
    const { trustedDocuments } = observed;
    if (trustedDocuments === undefined) return;
    if ("refuses" in trustedDocuments) return expect(trustedDocuments.refuses).toMatch(LICENCE);
    const { query, mutation, writes, unknownId, otherDocument } = trustedDocuments;
    expect([query.errors, mutation.errors, writes]).toEqual([[], [], 1]);
    expect([unknownId.errors.length, otherDocument.errors.length]).toEqual([1, 1]);
  });

  test("was judged by doctor as the documents say", () => {
    if (by !== "choice") expect(observed.doctor.exit).toBe(by === "docs" ? 0 : 1);
  });

  test("forwarded the client's headers if configured as documented", () => {
    expect(observed.headers).toEqual(expect.arrayContaining(by === "docs" ? [...FORWARDED_HEADERS] : []));
  });
});

test("the recorder explains itself if no program is given", async () => {
  const { end } = startProgram(process.execPath, ["scripts/record-routers.ts"]);
  const { code, output } = await end();
  expect(output).toContain("Usage: npm run record:routers -- [--cosmo PATH]");
  expect(code).toBe(64);
});

describe("a rule", () => {
  const sent = { message: "Not here.", path: ["a"], extensions: { code: "X", cam: { code: "Y" } } };
  const rename = (code: string) => ({ ...sent, extensions: { ...sent.extensions, code } });

  test("holds what a router replaces, keeps, adds and loses", () => {
    const arrived = [{ message: "Hidden", path: ["a"], extensions: { code: "X", service: "s" } }];
    expect(learnRule([{ name: "one", sent: [sent], arrived }])).toEqual({
      each: { message: "Hidden", path: "=", extensions: { code: "=", service: "s" } },
    });
  });

  test("holds the error around the errors", () => {
    const arrived = [{ message: "Failed", extensions: { errors: [{ message: "Not here." }], status: 200 } }];
    expect(learnRule([{ name: "one", sent: [sent], arrived }])).toEqual({
      each: { message: "=" },
      around: { message: "Failed", extensions: { status: 200 } },
    });
  });

  test("does not exist for a router that treats two errors differently", () => {
    const passages = [
      { name: "kept", sent: [sent], arrived: [sent] },
      { name: "lost", sent: [rename("Z")], arrived: [{ ...sent, extensions: {} }] },
    ];
    expect(() => learnRule(passages)).toThrow(/^lost: the rule gives/);
  });
});
