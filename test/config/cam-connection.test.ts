import { expect, test } from "vitest";
import { profilePaths, readCredentialSettings } from "../../src/config/cam-connection.ts";
import { variables } from "../../src/config/variables.ts";

const ARN = "qcs::cam::uin/100000000001:roleName/mfa-gateway";
const TKE = {
  TKE_REGION: "ap-singapore",
  TKE_PROVIDER_ID: "cls-example",
  TKE_WEB_IDENTITY_TOKEN_FILE: "/var/run/secrets/token",
  TKE_ROLE_ARN: ARN,
};

function settingsOf(env: Readonly<Record<string, string>>) {
  const problems: string[] = [];
  const { settings, isAnyNamed } = readCredentialSettings({ vars: variables.parse(env), problems });
  return { settings, isAnyNamed, problems };
}

test("without a variable the gateway uses no place for keys, not even the default section of the official file", () => {
  const { settings, isAnyNamed } = settingsOf({});
  expect(isAnyNamed).toBe(false);
  expect(settings).toEqual({ environment: {} });
});

test.each([
  [{ TENCENTCLOUD_CAM_ROLE_NAME: "r" }, { origin: "http://metadata.tencentyun.com", roleName: "r" }],
  [
    { CAM_METADATA_ENDPOINT: "http://metadata.tencentyun.com/" },
    { origin: "http://metadata.tencentyun.com" },
  ],
  [{ CAM_METADATA_ENDPOINT: "http://127.0.0.1:4101" }, { origin: "http://127.0.0.1:4101" }],
  [{ CAM_METADATA_ENDPOINT: "http://[::1]:4101" }, { origin: "http://[::1]:4101" }],
])("%o selects the instance's metadata service", (env, metadata) => {
  expect(settingsOf(env)).toMatchObject({ isAnyNamed: true, settings: { metadata }, problems: [] });
});

test("TKE's variables become a web identity", () => {
  expect(settingsOf(TKE)).toMatchObject({
    isAnyNamed: true,
    problems: [],
    settings: {
      webIdentity: {
        region: "ap-singapore",
        providerId: "cls-example",
        tokenFile: "/var/run/secrets/token",
        roleArn: ARN,
        sessionName: "cam-mfa-gateway",
      },
    },
  });
});

test("a role has its own session, and needs a key from another source", () => {
  const env = {
    TENCENTCLOUD_ROLE_ARN: ARN,
    TENCENTCLOUD_ROLE_SESSION_NAME: "gateway-1",
    TENCENTCLOUD_ROLE_EXTERNAL_ID: "word",
    TENCENTCLOUD_ROLE_DURATION_SECONDS: "900",
    TENCENTCLOUD_REGION: "ap-singapore",
  };
  expect(settingsOf(env)).toMatchObject({
    isAnyNamed: false,
    problems: [],
    settings: {
      role: {
        roleArn: ARN,
        sessionName: "gateway-1",
        externalId: "word",
        durationSeconds: 900,
        region: "ap-singapore",
      },
    },
  });
});

test.each([
  [{ TENCENTCLOUD_ROLE_ARN: "mfa-gateway" }, "TENCENTCLOUD_ROLE_ARN must be a role"],
  [{ TENCENTCLOUD_CAM_ROLE_NAME: "../user-data" }, "TENCENTCLOUD_CAM_ROLE_NAME must be letters"],
  [{ CAM_METADATA_ENDPOINT: "http://169.254.0.23" }, "CAM_METADATA_ENDPOINT must be"],
  [{ CAM_METADATA_ENDPOINT: "https://metadata.tencentyun.com" }, "CAM_METADATA_ENDPOINT must be"],
  [{ CAM_METADATA_ENDPOINT: "http://127.0.0.1.example.com" }, "CAM_METADATA_ENDPOINT must be"],
  [{ CAM_METADATA_ENDPOINT: "http://127.0.0.1:1@example.com" }, "CAM_METADATA_ENDPOINT must be"],
  [{ ...TKE, TKE_ROLE_ARN: "role" }, "TKE_ROLE_ARN must be a role"],
])("%o is refused", (env, problem) => {
  expect(settingsOf(env).problems).toEqual([expect.stringContaining(problem)]);
});

test.each(Object.keys(TKE))("a web identity without %s is refused", (name) => {
  const { [name]: _left, ...rest }: Record<string, string> = TKE;
  expect(settingsOf(rest).problems).toEqual([`A part of TKE's web identity is missing: ${name}.`]);
});

test("the home folder is the first place of a profile", () => {
  expect(profilePaths(() => "/home/ops")).toEqual([
    "/home/ops/.tencentcloud/credentials",
    "/etc/tencentcloud/credentials",
  ]);
});

test("a user without a home folder has only the profiles of the machine", () => {
  const noHome = (): never => {
    throw new Error("A system error occurred: uv_os_homedir returned ENOENT");
  };
  expect(profilePaths(noHome)).toEqual(["/etc/tencentcloud/credentials"]);
});
