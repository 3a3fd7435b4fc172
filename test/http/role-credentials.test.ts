import { expect, test } from "vitest";
import { startGateway } from "../support/start-gateway.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { webIdentityToken } from "../support/web-identity-token.ts";

const ARN = "qcs::cam::uin/100000000001:roleName/mfa-gateway";
const CHANGE = `mutation { setSubUserMfa(opUin: "100021969091", login: { phone: true }) { requestId } }`;
/** Unsets the default key pair of the test gateway. */
const NO_PAIR = { TENCENTCLOUD_SECRET_ID: "", TENCENTCLOUD_SECRET_KEY: "" };

const callersOf = (journal: readonly { readonly action: string | null; readonly keyId: string | null }[]) =>
  new Map(journal.map(({ action, keyId }) => [action, keyId]));

test("a change is made with the key of a role, and AssumeRole uses no quota", async () => {
  const { cam, send, logLines } = await startGateway({ env: { TENCENTCLOUD_ROLE_ARN: ARN } });
  expect((await send(CHANGE)).errors).toEqual([]);
  const callers = callersOf(cam.journal());
  expect(callers.get("AssumeRole")).toBe("AKIDLOCALEXAMPLE");
  expect(callers.get("SetMfaFlag")).not.toBe("AKIDLOCALEXAMPLE");
  expect(cam.journal({ action: "AssumeRole" })).toHaveLength(1);
  const { text } = await send("{ camQuota { action } }");
  expect(text).toContain("SetMfaFlag");
  expect(text).not.toContain("AssumeRole");
  const loaded = logLines.filter((line) => line.includes("key for CAM loaded"));
  expect(loaded).toHaveLength(2);
  expect(logLines.join("\n")).not.toContain("LocalExampleSecretKey");
});

test("a change is made with a pod's web identity", async () => {
  const folder = await temporaryFolder();
  const tokenFile = await folder.write("token", webIdentityToken({ exp: 4_000_000_000 }));
  const env = {
    ...NO_PAIR,
    TKE_REGION: "ap-singapore",
    TKE_PROVIDER_ID: "cls-example",
    TKE_WEB_IDENTITY_TOKEN_FILE: tokenFile,
    TKE_ROLE_ARN: ARN,
  };
  const { send } = await startGateway({ env });
  expect((await send(CHANGE)).errors).toEqual([]);
});

test("without a key, a caller gets only an error code, and the log has the failed source", async () => {
  const env = {
    ...NO_PAIR,
    TENCENTCLOUD_ROLE_ARN: `${ARN}-nobody`,
    CAM_METADATA_ENDPOINT: "http://127.0.0.1:1",
  };
  const { send, logLines } = await startGateway({ env });
  const { errors, text } = await send(CHANGE);
  expect(errors).toMatchObject([{ extensions: { code: "CAM_CREDENTIALS_UNAVAILABLE" } }]);
  expect(text).not.toMatch(/metadata|127\.0\.0\.1|roleName/);
  const failed = logLines.find((line) => line.includes("NO_CREDENTIAL")) ?? "";
  expect(failed).toContain("The metadata service http://127.0.0.1:1 gave no key.");
});
