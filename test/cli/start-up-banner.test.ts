import { expect, test } from "vitest";
import { describeConfig, startUpBanner } from "../../src/cli/start-up-banner.ts";
import { loadConfig } from "../../src/config/config.ts";

const KEY = { TENCENTCLOUD_SECRET_ID: "AKIDEXAMPLE", TENCENTCLOUD_SECRET_KEY: "the-secret-key-itself" };

test.each([
  [
    "https://cam.tencentcloudapi.com",
    "the REAL one at https://cam.tencentcloudapi.com; changes take effect there",
  ],
  ["https://cam.intl.tencentcloudapi.com", "the REAL one at https://cam.intl.tencentcloudapi.com"],
  ["http://127.0.0.1:4100", "the one at http://127.0.0.1:4100; changes take effect there"],
])("the banner shows the CAM at %s", (CAM_ENDPOINT, words) => {
  const config = loadConfig({ CAM_ENDPOINT, ...KEY }, "local");
  const address = { url: "http://127.0.0.1:4000/graphql", admin: undefined, emulators: new Map() };
  const banner = startUpBanner(config, address);
  expect(banner).toContain(words);
  expect(banner).not.toContain("the-secret-key-itself");
});

test("the banner names the accounts with an emulator", () => {
  const config = loadConfig({ CAM_ACCOUNTS: "accounts.yaml" }, "local");
  const at = (port: number) => ({
    url: `http://127.0.0.1:${port}`,
    controlUrl: `http://127.0.0.1:${port + 1}`,
  });
  const emulators = new Map([
    ["default", at(4100)],
    ["partner", at(4200)],
  ]);
  const banner = startUpBanner(config, { url: "http://127.0.0.1:4000/graphql", admin: undefined, emulators });
  expect(banner).toContain("an emulator on this machine, http://127.0.0.1:4100");
  expect(banner).toContain("partner, an emulator of its own, http://127.0.0.1:4200");
});

test("the banner names the console, unless it is off", () => {
  const address = { url: "http://127.0.0.1:4000/graphql", admin: undefined, emulators: new Map() };
  expect(startUpBanner(loadConfig({}, "local"), address)).toMatch(
    /^ {2}Console +http:\/\/127\.0\.0\.1:4000\/console/m,
  );
  expect(startUpBanner(loadConfig({ CONSOLE: "off" }, "local"), address)).not.toContain("Console");
});

test("the banner names the policy file", () => {
  const config = loadConfig({ POLICY_FILE: "/etc/policy.yaml" }, "local");
  const banner = startUpBanner(config, {
    url: "http://127.0.0.1:4000/graphql",
    admin: undefined,
    emulators: new Map(),
  });
  expect(banner).toMatch(/^ {2}Policy +\/etc\/policy\.yaml$/m);
  expect(describeConfig(config)).toContainEqual(expect.stringMatching(/Policy +\/etc\/policy\.yaml/));
});

test("the banner shows how callers authenticate", () => {
  const callersOf = (env: Readonly<Record<string, string>>): readonly string[] => {
    const config = loadConfig(env, "local");
    const address = { url: "http://127.0.0.1:4000/graphql", admin: undefined, emulators: new Map() };
    const isOfCallers = (line: string) => line.startsWith("  Callers");
    const rows = startUpBanner(config, address).split("\n").filter(isOfCallers);
    expect(describeConfig(config).filter(isOfCallers)).toEqual(rows);
    return rows.map((line) => line.slice("  Callers   ".length));
  };
  const issuer = { AUTH_ISSUER: "https://login.example.com/", AUTH_AUDIENCE: "cam-mfa-gateway, api://cam" };
  expect(callersOf(issuer)).toEqual(["tokens of https://login.example.com/ for cam-mfa-gateway, api://cam"]);
  const proxy = {
    AUTH_CLIENT_CERT_HEADER: "X-Client-Cert",
    AUTH_CLIENT_CERT_SCOPES: "cam.mfa:read",
    AUTH_PROXY_ADDRESSES: "10.0.4.0/24",
  };
  expect(callersOf({ AUTH_ISSUERS_FILE: "/etc/issuers.json", ...proxy })).toEqual([
    "tokens of the issuers in /etc/issuers.json",
    "client certificates, by the header x-client-cert",
  ]);
  expect(callersOf({})).toEqual([]);
});
