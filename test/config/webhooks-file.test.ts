import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import { parseWebhooksFile, type WebhooksSettings } from "../../src/config/webhooks-file.ts";
import { Secret } from "../../src/secret.ts";

const ENTRY = {
  url: "https://siem.example.com/hooks",
  secrets: [{ file: "/run/secrets/siem" }],
  events: ["drift.found"],
};

function parse(text: string, more: Partial<WebhooksSettings> = {}) {
  const problems: string[] = [];
  const settings: WebhooksSettings = {
    ...{ file: "webhooks.json", mode: "server" },
    variable: (name) => (name === "SIEM_SECRET" ? new Secret("the-secret-itself") : undefined),
    ...more,
  };
  return { receivers: parseWebhooksFile(text, settings, problems), problems };
}

function problemsOf(change: object, mode: WebhooksSettings["mode"] = "server"): readonly string[] {
  return parse(JSON.stringify({ receivers: { siem: { ...ENTRY, ...change } } }), { mode }).problems;
}

describe("a receiver", () => {
  test("has its address, secrets and events, and no private address unless it says so", () => {
    const { receivers, problems } = parse(JSON.stringify({ receivers: { siem: ENTRY } }));
    expect(problems).toEqual([]);
    expect(receivers).toEqual([
      {
        ...{ name: "siem", url: new URL(ENTRY.url), secrets: ENTRY.secrets, events: ["drift.found"] },
        ...{
          accounts: undefined,
          privateAddresses: false,
          settings: expect.stringMatching(/^[0-9a-f]{64}$/),
        },
      },
    ]);
  });

  test("may take a secret from a variable, which no print shows", () => {
    const secrets = [{ variable: "SIEM_SECRET" }, { file: "/run/secrets/next" }];
    const { receivers } = parse(JSON.stringify({ receivers: { siem: { ...ENTRY, secrets } } }));
    const [first] = receivers[0]?.secrets ?? [];
    expect(first !== undefined && "value" in first && first.value.reveal()).toBe("the-secret-itself");
    expect(inspect(receivers, { depth: 9 })).not.toContain("the-secret-itself");
  });

  test("has other settings after each change of its entry", () => {
    const settingsOf = (change: object) =>
      parse(JSON.stringify({ receivers: { siem: { ...ENTRY, ...change } } })).receivers[0]?.settings;
    const all = [
      settingsOf({}),
      settingsOf({ url: "https://siem.example.com/other" }),
      settingsOf({ accounts: ["a"] }),
      settingsOf({ privateAddresses: true }),
    ];
    expect(new Set(all).size).toBe(4);
    expect(settingsOf({})).toBe(all[0]);
  });

  test("is written in YAML too", () => {
    const text =
      "receivers:\n  siem:\n    url: https://a.example\n    secrets: [{ file: s }]\n    events: [scan.finished]";
    expect(parse(text)).toMatchObject({ receivers: [{ name: "siem" }], problems: [] });
  });

  test.each<[mistake: string, change: object, problem: string]>([
    ["plain HTTP", { url: "http://siem.example.com/" }, "must be an https address"],
    ["HTTP to this machine", { url: "http://localhost:8080/" }, "must be an https address"],
    ["no address", { url: "siem" }, "must be an https address"],
    ["a password", { url: "https://user:Hidden1234@a.example/" }, "must have no user and no password"],
    ["a metadata service", { url: "https://169.254.0.23/" }, "linkLocal, which is refused"],
    ["this machine", { url: "https://[::1]/" }, "loopback, which is refused"],
    ["a private address", { url: "https://10.0.0.8/" }, "private, which is refused"],
    ["a secret in the file", { secrets: ["whsec_Hidden1234"] }, "this file must not hold a secret"],
    ["no list of secrets", { secrets: undefined }, "secrets is missing"],
    ["one event without a list", { events: "drift.found" }, "events must be a list"],
    ["no secret", { secrets: [] }, "names no secret"],
    ["three secrets", { secrets: [{ file: "a" }, { file: "b" }, { file: "c" }] }, "more than two secrets"],
    ["an unset variable", { secrets: [{ variable: "NOT_SET" }] }, "names NOT_SET, which is not set"],
    ["no event", { events: [] }, "names no type of event"],
    ["an unknown event", { events: ["drift.lost"] }, "must be one of approval.requested"],
    ["an account that cannot be", { accounts: ["A B"] }, "is not a valid account name"],
    ["a property that means nothing", { token: "Hidden1234" }, "token"],
  ])("with %s is a mistake, which the message does not repeat", (_mistake, change, problem) => {
    const problems = problemsOf(change);
    expect(problems).toEqual([expect.stringContaining(problem)]);
    expect(problems[0]).toMatch(/^WEBHOOKS_FILE: receivers\.siem.*[^.]\.$/);
    expect(problems[0]).not.toContain("Hidden1234");
  });

  test("may be on this machine in local mode, also by plain HTTP", () => {
    for (const url of ["http://localhost:8080/", "http://127.0.0.1/", "http://[::1]/", "https://127.0.0.1/"])
      expect(problemsOf({ url }, "local")).toEqual([]);
    expect(problemsOf({ url: "http://siem.example.com/" }, "local")).toHaveLength(1);
  });
});

test.each([
  ["no YAML", "receivers: [", "cannot be read as JSON or YAML"],
  ["no receiver", "receivers: {}", "names no receiver"],
  [
    "a name with spaces",
    `receivers: { "a b": ${JSON.stringify(ENTRY)} }`,
    "is not a valid name of a receiver",
  ],
])("a file with %s is a mistake", (_name, text, problem) => {
  expect(parse(text).problems).toEqual([expect.stringContaining(problem)]);
});
