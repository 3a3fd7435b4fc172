import { expect, test } from "vitest";
import { getCallerIdentity } from "../../../src/cam/index.ts";
import { createCam, createEmulatedCam, within } from "../../support/create-cam.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { reply, silence, startStubCam } from "../../support/start-stub-cam.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";
import { webIdentityToken } from "../../support/web-identity-token.ts";
import { failureOf } from "./reveal.ts";
import { OWN_PAIR, ROLE, ROLE_ARN } from "./role-keys.ts";

const FAR_SECONDS = 4_000_000_000;

async function start(token: string, more: { readonly providerId?: string } = {}) {
  const folder = await temporaryFolder();
  const tokenFile = await folder.write("token", token);
  const webIdentity = {
    roleArn: ROLE_ARN,
    sessionName: "cam-mfa-gateway",
    providerId: more.providerId ?? "cls-example",
    tokenFile,
    region: "ap-guangzhou",
  };
  const started = await createEmulatedCam({ keys: { webIdentity } });
  return { ...started, folder, tokenFile, webIdentity };
}

test("an unsigned call exchanges a pod's token for its role's key", async () => {
  const { client, clock, emulator } = await start(`${webIdentityToken({ exp: FAR_SECONDS })}\n`);
  const { output } = await client.call(getCallerIdentity, undefined, within(clock));
  expect(output).toMatchObject({ type: "CAMRole" });
  expect(emulator.control.journal().map(({ action, scheme }) => [action, scheme])).toEqual([
    ["AssumeRoleWithWebIdentity", "SKIP"],
    ["GetCallerIdentity", "TC3-HMAC-SHA256"],
  ]);
});

test("the token is read again for each key, because the cluster replaces it", async () => {
  const { credentials, folder } = await start(webIdentityToken({ exp: 1 }));
  expect(await failureOf(credentials.get())).toMatchObject({
    cause: { camCode: "InvalidParameter.WebIdentityTokenError" },
  });
  await folder.write("token", webIdentityToken({ exp: FAR_SECONDS }));
  await expect(credentials.get()).resolves.toMatchObject({ secretId: expect.stringMatching(/^AKID/) });
});

test("a missing, empty or untrusted token is an error that does not contain the token", async () => {
  const token = webIdentityToken({ exp: FAR_SECONDS });
  const untrusted = await start(token, { providerId: "cls-other" });
  const error = await failureOf(untrusted.credentials.get(), token);
  expect(error).toMatchObject({ cause: { camCode: "UnauthorizedOperation" } });
  const empty = await start("\n");
  expect((await failureOf(empty.credentials.get())).message).toBe(
    `The web identity token ${empty.tokenFile} is empty.`,
  );
  const { credentials } = await createEmulatedCam({
    keys: { webIdentity: { ...empty.webIdentity, tokenFile: `${empty.tokenFile}-none` } },
  });
  expect((await failureOf(credentials.get())).message).toContain("(ENOENT)");
});

test("key sources are tried in the official order, and a key of any source can assume a role", async () => {
  const { webIdentity } = await start(webIdentityToken({ exp: FAR_SECONDS }));
  const whoAsks = async (keys: NonNullable<Parameters<typeof createEmulatedCam>[0]>["keys"]) => {
    const { client, clock, emulator } = await createEmulatedCam({ ...(keys && { keys }) });
    await client.call(getCallerIdentity, undefined, within(clock));
    return emulator.control.journal().map(({ action }) => action);
  };
  expect(await whoAsks({ environment: OWN_PAIR, webIdentity })).toEqual(["GetCallerIdentity"]);
  expect(await whoAsks({ webIdentity })).toEqual(["AssumeRoleWithWebIdentity", "GetCallerIdentity"]);
  const { emulator, credentials } = await createEmulatedCam({
    keys: { webIdentity, role: { ...ROLE, roleArn: `${ROLE_ARN}-nobody` } },
  });
  await failureOf(credentials.get());
  expect(emulator.control.journal().map(({ action }) => action)).toEqual([
    "AssumeRoleWithWebIdentity",
    "AssumeRole",
  ]);
});

const KEYS = { environment: OWN_PAIR, role: ROLE };

test("calls are signed with the role's key, which is requested once", async () => {
  const { emulator, client, clock, quota } = await createEmulatedCam({ keys: KEYS });
  const call = () => client.call(getCallerIdentity, undefined, within(clock));
  const answers = await Promise.all(Array.from({ length: 10 }, call));
  for (const { output } of answers) expect(output).toMatchObject({ type: "CAMRole" });
  const journal = emulator.control.journal();
  expect(journal.filter(({ action }) => action === "AssumeRole")).toMatchObject([
    { keyId: "AKIDLOCALEXAMPLE", outcome: "Success" },
  ]);
  expect(quota.slots.map(({ request }) => request.secretId)).toEqual(Array(10).fill(ROLE_ARN));
});

test("the role is requested with its external ID and duration", async () => {
  const { credentials } = await createEmulatedCam({
    keys: {
      environment: OWN_PAIR,
      role: {
        ...ROLE,
        roleArn: `${ROLE_ARN}-of-partner`,
        externalId: "LocalExampleExternalId",
        durationSeconds: 900,
      },
    },
  });
  await expect(credentials.get()).resolves.toMatchObject({ secretId: expect.stringMatching(/^AKID/) });
});

test.each([
  { what: "the role does not exist", role: { ...ROLE, roleArn: `${ROLE_ARN}-nobody` } },
  { what: "the duration is too long", role: { ...ROLE, durationSeconds: 43_201 } },
])("a refusal of STS is a CredentialError with the refusal as its cause: $what", async ({ role }) => {
  const { credentials, emulator } = await createEmulatedCam({ keys: { environment: OWN_PAIR, role } });
  const error = await failureOf(credentials.get(), "LocalExampleSecretKey");
  expect(error).toMatchObject({ name: "CredentialError", cause: { kind: "REFUSED", action: "AssumeRole" } });
  expect(error.message).toBe(`STS gave no key for the role ${role.roleArn}.`);
  await failureOf(credentials.get());
  expect(emulator.control.journal(), "a failure is not cached").toHaveLength(2);
});

test("the error of a call without a key for the role lists the searched sources", async () => {
  const { client, clock, emulator } = await createEmulatedCam({ keys: { role: ROLE } });
  const error = await failureOf(client.call(getCallerIdentity, undefined, within(clock)));
  expect(error).toMatchObject({ kind: "NO_CREDENTIAL" });
  expect(error.cause).toMatchObject({
    cause: { kind: "NO_CREDENTIAL", cause: { message: expect.stringContaining("looked in: environment") } },
  });
  expect(emulator.control.journal()).toEqual([]);
});

test.each([
  ["half a key", { body: '{"Response":{"RequestId":"1","Credentials":{"TmpSecretKey":"s3cr3t"}}}' }],
  ["truncated JSON", { body: '{"Response":{"Credentials":{"TmpSecretKey":"s3cr3t" x' }],
  ["an HTML page", { body: "<html>s3cr3t</html>", contentType: "text/html" }],
])("a request to STS has the region, and %s gives no key and appears in no error", async (_what, answer) => {
  const stub = await startStubCam(reply(answer));
  const { credentials } = createCam(stub.url, { keys: KEYS });
  await failureOf(credentials.get(), "s3cr3t");
  expect(stub.requests[0]).toMatch(/^x-tc-region: ap-guangzhou\r$/m);
  expect(stub.requests[0]).toMatch(/^host: sts\.tencentcloudapi\.com\r$/m);
});

test("a call ends at its deadline if STS does not answer", async () => {
  const stub = await startStubCam(silence);
  const clock = new FakeClock();
  const { client } = createCam(stub.url, { keys: KEYS, clock });
  const call = failureOf(client.call(getCallerIdentity, undefined, within(clock, { ms: 3_000 })));
  await stub.requestCount(1);
  await clock.advance(3_000);
  expect(await call).toMatchObject({ kind: "NO_CREDENTIAL" });
});
