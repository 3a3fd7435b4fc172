import { expect, test } from "vitest";
import { ALICE } from "../support/seed-users.ts";
import { startExampleSubgraph } from "../support/start-example-subgraph.ts";
import { startGateway } from "../support/start-gateway.ts";
import { startHiveGateway } from "../support/start-hive-gateway.ts";
import { asSubgraph } from "../support/started-router.ts";

/** Hive Gateway with authentication. In this test, callers name their scopes themselves. */
const gateway = await startGateway();
const { send } = await startHiveGateway({
  subgraphs: [asSubgraph(gateway), await startExampleSubgraph()],
  hive: {
    genericAuth: {
      mode: "protect-granular",
      resolveUserFn: ({ headers }: { readonly headers?: Readonly<Record<string, string>> }) =>
        headers?.["x-scopes"] === undefined ? null : { scope: headers["x-scopes"] },
    },
  },
});

const READ = `{ subUser(opUin: "${ALICE}") { name mfa { login { phone } } } }`;
const READ_ELSEWHERE = `{ employee(id: "1001") { name camUser { name } } }`;
const WRITE = `mutation { setSubUserMfa(opUin: "${ALICE}", login: { phone: true }) { requestId } }`;
const APPROVE = 'mutation { tryApproveMfaChange(id: "none") { __typename } }';
const REJECT = 'mutation { rejectMfaChange(id: "none") { id } }';
const WRITE_AND_RECORD = WRITE.replace("requestId", "requestId change { id }");

test.each([
  ["a user", READ, "cam.mfa:read"],
  ["a user that the example subgraph mentions", READ_ELSEWHERE, "cam.mfa:read"],
  ["a change", WRITE, "cam.mfa:write"],
  ["a change and its record", WRITE_AND_RECORD, "cam.mfa:write cam.audit:read"],
  ["the record", "{ mfaChanges { nodes { id } } }", "cam.audit:read"],
  ["the quota", "{ camQuota { action } }", "cam.quota:read"],
  ["an approval", APPROVE, "cam.mfa:approve"],
  ["the directory", "{ subUserDirectory { totalCount nodes { name strength } } }", "cam.directory:read"],
  ["the list of paused callers", "{ pausedCallers { subject } }", "cam.callers:resume"],
])("a router that enforces access permits %s to a caller with the scopes", async (_case, query, scopes) => {
  expect((await send(query, {}, { "x-scopes": scopes })).errors).toEqual([]);
});

test.each([
  ["a user, with another scope", READ, "cam.mfa:write"],
  ["a user that the example subgraph mentions, with another scope", READ_ELSEWHERE, "cam.audit:read"],
  ["a change, with another scope", WRITE, "cam.mfa:read"],
  ["a change's record, with the scope of the change alone", WRITE_AND_RECORD, "cam.mfa:write"],
  ["the record, with another scope", "{ mfaChanges { nodes { id } } }", "cam.mfa:read"],
  ["the directory, with the scope of one user", "{ subUserDirectory { totalCount } }", "cam.mfa:read"],
  ["a scan, with the scope of reads", "mutation { scanDirectory { status } }", "cam.directory:read"],
  ["the quota, without any", "{ camQuota { action } }", undefined],
  ["an approval, with the scope of changes", APPROVE, "cam.mfa:write"],
  ["a rejection, with neither of its scopes", REJECT, "cam.mfa:read cam.audit:read"],
  [
    "to resume a caller, with another scope",
    'mutation { resumeCaller(subject: "x") { subject } }',
    "cam.mfa:approve",
  ],
])("a router that enforces access refuses %s without a call of CAM", async (_case, query, scopes) => {
  gateway.cam.clearJournal();
  const { errors } = await send(query, {}, scopes === undefined ? {} : { "x-scopes": scopes });
  expect(errors[0]?.extensions["code"]).toBe("UNAUTHORIZED_FIELD_OR_TYPE");
  // The gateway reads the identity of its key at the start.
  const heard = gateway.cam.journal().filter(({ action }) => action !== "GetCallerIdentity");
  expect(heard).toEqual([]);
});

test.each(["cam.mfa:approve", "cam.mfa:write"])(
  "one of two scopes is enough: a rejection with %s",
  async (scope) => {
    const { errors } = await send(REJECT, {}, { "x-scopes": scope });
    expect(errors[0]?.extensions["code"]).toBe("CHANGE_NOT_FOUND");
  },
);

test("every caller may read the error catalogue", async () => {
  expect((await send("{ camErrors { code } }")).errors).toEqual([]);
});
