import { readFileSync } from "node:fs";
import { Ajv2020 } from "ajv/dist/2020.js";
import { expect } from "vitest";
import { type CamErrorCode, describeCamError } from "../../src/contract/index.ts";
import { type Reply, readReply, type StartedGateway } from "./start-gateway.ts";

const schemaFile = new URL("../../schema/error-extensions.schema.json", import.meta.url);
const isPublished = new Ajv2020().compile(JSON.parse(readFileSync(schemaFile, "utf8")));

const ARGUMENTS = "($opUin: Uin!, $login: LoginActionMfaFlagInput, $action: LoginActionMfaFlagInput)";
const PASSED = "(opUin: $opUin, login: $login, action: $action)";
const THROWING = `mutation ${ARGUMENTS} { setSubUserMfa${PASSED} { requestId } }`;
const TRYING = `mutation ${ARGUMENTS} {
  trySetSubUserMfa${PASSED} {
    __typename
    ... on CamFailure {
      code category message retryable retryAfterMs camCode camAction camRequestId expiresAt requestId
    }
  }
}`;

export interface Change {
  readonly opUin: string;
  readonly account?: string;
  readonly login?: Readonly<Record<string, boolean | null>> | null;
  readonly action?: Readonly<Record<string, boolean | null>> | null;
}

/**
 * Requests the change through both channels and expects the same error: thrown with extensions that match the published
 * schema, and as data. Returns the extensions. `second` serves the data channel if the first gateway cannot answer twice
 * alike.
 */
export async function expectInBothChannels(
  started: StartedGateway,
  change: Change,
  code: CamErrorCode,
  second = started,
): Promise<Readonly<Record<string, unknown>>> {
  const ask = async ({ http }: StartedGateway, query: string): Promise<Reply> => {
    const sent = http.post("/graphql").set("x-request-id", "both-channels");
    const reply = readReply(await sent.send({ query, variables: { ...change } }));
    // A router may replay what comes with any other status, or with this header.
    expect(reply.status).toBe(200);
    expect(reply.headers).not.toHaveProperty("retry-after");
    return reply;
  };
  const thrown = await ask(started, THROWING);
  const extensions = thrown.errors[0]?.extensions ?? {};
  const { message, category, retryable } = describeCamError(code);
  expect(thrown.data).toEqual({ setSubUserMfa: null });
  expect(thrown.errors).toHaveLength(1);
  expect(thrown.errors).toMatchObject([
    { path: ["setSubUserMfa"], message: expect.stringContaining(message) },
  ]);
  expect(extensions).toMatchObject({
    code,
    category,
    retryable,
    requestId: "both-channels",
    opUin: change.opUin,
  });
  expect(isPublished(extensions), JSON.stringify(isPublished.errors)).toBe(true);
  expectKnownToCam(started.cam, extensions["cam"]);

  const tried = await ask(second, TRYING);
  expect(tried.errors).toEqual([]);
  const failure = tried.data?.["trySetSubUserMfa"] as Readonly<Record<string, unknown>>;
  const answer = extensions["cam"] as { readonly code: string; readonly action: string } | undefined;
  expect(failure).toEqual({
    __typename: "CamFailure",
    code,
    category,
    message: thrown.errors[0]?.message,
    retryable,
    retryAfterMs: extensions["retryAfterMs"] === undefined ? null : expect.any(Number),
    camCode: answer?.code ?? null,
    camAction: answer?.action ?? null,
    camRequestId: answer === undefined ? null : expect.any(String),
    expiresAt: extensions["expiresAt"] ?? null,
    requestId: "both-channels",
  });
  if (answer !== undefined) {
    expectKnownToCam(second.cam, { ...answer, requestId: failure["camRequestId"] });
  }
  return extensions;
}

/** CAM's support finds a call only by its RequestId. */
function expectKnownToCam(cam: StartedGateway["cam"], answer: unknown): void {
  if (answer === undefined) return;
  const { code, action, requestId } = answer as Readonly<Record<string, string>>;
  const call = cam.journal({ action }).find((entry) => entry.requestId === requestId);
  expect(call).toMatchObject({ action, outcome: code });
}
