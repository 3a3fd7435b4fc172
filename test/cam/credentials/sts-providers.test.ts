import { expect, test } from "vitest";
import { getCallerIdentity } from "../../../src/cam/index.ts";
import { createEmulatedCam, within } from "../../support/create-cam.ts";
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

test("a pod's token becomes its role's key, by a call that is not signed", async () => {
  const { client, clock, emulator } = await start(`${webIdentityToken({ exp: FAR_SECONDS })}\n`);
  const { output } = await client.call(getCallerIdentity, undefined, within(clock));
  expect(output).toMatchObject({ type: "CAMRole" });
  expect(emulator.control.journal().map(({ action, scheme }) => [action, scheme])).toEqual([
    ["AssumeRoleWithWebIdentity", "SKIP"],
    ["GetCallerIdentity", "TC3-HMAC-SHA256"],
  ]);
});

test("the token is read anew for each key, since the cluster replaces it", async () => {
  const { credentials, folder } = await start(webIdentityToken({ exp: 1 }));
  expect(await failureOf(credentials.get())).toMatchObject({
    cause: { camCode: "InvalidParameter.WebIdentityTokenError" },
  });
  await folder.write("token", webIdentityToken({ exp: FAR_SECONDS }));
  await expect(credentials.get()).resolves.toMatchObject({ secretId: expect.stringMatching(/^AKID/) });
});

test("a token that is not there, is empty or is not trusted is an error that does not tell it", async () => {
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

test("keys are looked for in the official order, and any of them can assume a role", async () => {
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
