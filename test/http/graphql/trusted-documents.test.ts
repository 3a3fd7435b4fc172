import { createHash } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { DOCUMENTS } from "../../../src/client/documents.ts";
import { CONSOLE_DOCUMENTS } from "../../../src/http/console/console.ts";
import { TrustedDocuments, TrustedDocumentsError } from "../../../src/http/graphql/trusted-documents.ts";
import { ALICE } from "../../support/seed-users.ts";
import { readReply, type StartedGateway, startGateway } from "../../support/start-gateway.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

const KNOWN = "query Known($opUin: Uin!) { subUser(opUin: $opUin) { opUin } }";
const UNKNOWN = "query Unknown { __typename }";
const ID = createHash("sha256").update(KNOWN).digest("hex");
const VARIABLES = { opUin: ALICE };
const ANSWER = { subUser: { opUin: ALICE } };

const manifests = {
  Apollo: {
    format: "apollo-persisted-query-manifest",
    version: 1,
    operations: [{ id: ID, name: "Known", type: "query", body: KNOWN }],
  },
  Relay: { [ID]: KNOWN },
};

async function manifestOf(content: string): Promise<string> {
  const { path: folder } = await temporaryFolder();
  const file = join(folder, "manifest.json");
  await writeFile(file, content);
  return file;
}

async function startTrusting(mode: string, manifest: object = manifests.Apollo): Promise<StartedGateway> {
  const file = await manifestOf(JSON.stringify(manifest));
  return startGateway({ env: { TRUSTED_DOCUMENTS: mode, TRUSTED_DOCUMENTS_FILE: file } });
}

describe.each(Object.entries(manifests))("a manifest in the format of %s", (_tool, manifest) => {
  test("permits clients to send only the id, in each common form", async () => {
    const { http } = await startTrusting("enforce", manifest);
    const bodies = [
      { documentId: ID, variables: VARIABLES },
      { documentId: `sha256:${ID}`, variables: VARIABLES },
      { variables: VARIABLES, extensions: { persistedQuery: { version: 1, sha256Hash: ID } } },
      { query: KNOWN, variables: VARIABLES },
    ];
    for (const body of bodies) {
      expect(readReply(await http.post("/graphql").send(body)).data).toEqual(ANSWER);
    }
    const search = { documentId: ID, variables: JSON.stringify(VARIABLES) };
    expect(readReply(await http.get("/graphql").query(search)).data).toEqual(ANSWER);
  });
});

test("enforce refuses any other document", async () => {
  const { http, send, logLines } = await startTrusting("enforce");
  const { status, errors } = await send(UNKNOWN);
  expect(status).toBe(400);
  expect(errors).toMatchObject([
    { message: expect.stringContaining("only trusted documents"), extensions: { code: "BAD_REQUEST" } },
  ]);
  const { errors: unknownId } = readReply(await http.post("/graphql").send({ documentId: "nobody" }));
  expect(unknownId).toMatchObject([{ message: "No trusted document has this id." }]);
  expect(logLines.join()).toContain("documents.untrusted");
});

test("audit runs every document and logs those that enforce would refuse", async () => {
  const { send, logLines } = await startTrusting("audit");
  expect((await send(KNOWN, VARIABLES)).data).toEqual(ANSWER);
  expect(logLines.join()).not.toContain("documents.untrusted");
  expect((await send(UNKNOWN)).data).toEqual({ __typename: "Query" });
  expect(logLines.join()).toContain("documents.untrusted");
});

test("off, the default, refuses ids with the code that Apollo's clients expect", async () => {
  const { http } = await startGateway();
  const persistedQuery = { version: 1, sha256Hash: ID };
  for (const body of [{ documentId: ID }, { extensions: { persistedQuery } }]) {
    const { errors } = readReply(await http.post("/graphql").send(body));
    expect(errors).toMatchObject([{ extensions: { code: "PERSISTED_QUERY_NOT_SUPPORTED" } }]);
  }
  const whole = { query: KNOWN, variables: VARIABLES, extensions: { persistedQuery } };
  expect(readReply(await http.post("/graphql").send(whole)).data).toEqual(ANSWER);
});

test("the operations of the gateway's own pages need no entry in the manifest", async () => {
  const manifestFile = await manifestOf(JSON.stringify(manifests.Apollo));
  const options = { mode: "enforce", manifestFile, onUntrusted: () => undefined } as const;
  const query = DOCUMENTS.pausedCallers;
  const withConsole = await TrustedDocuments.load({ ...options, own: CONSOLE_DOCUMENTS });
  expect(withConsole.isTrusted(query)).toBe(true);
  const none = {
    operationName: undefined,
    variables: undefined,
    extensions: undefined,
    documentId: undefined,
  };
  const request = { ...none, query };
  expect(withConsole.resolve(request)).toBe(request);
  const without = await TrustedDocuments.load({ ...options, own: [] });
  expect(() => without.resolve(request)).toThrow("only trusted documents");
});

describe("an invalid manifest is an error", () => {
  const options = { mode: "enforce", own: [], onUntrusted: () => undefined } as const;

  test.each(["{", "[]", '{"operations": [{"id": "a"}]}', '{"a": 1}', '"text"'])("%s", async (content) => {
    const manifestFile = await manifestOf(content);
    const error = await TrustedDocuments.load({ ...options, manifestFile }).catch(
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(TrustedDocumentsError);
    expect(String(error)).toContain(manifestFile);
  });

  test("a missing file", async () => {
    await expect(
      TrustedDocuments.load({ ...options, manifestFile: "/nowhere/manifest.json" }),
    ).rejects.toThrow("TRUSTED_DOCUMENTS_FILE /nowhere/manifest.json cannot be read (ENOENT).");
  });
});
