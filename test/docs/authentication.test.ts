import { describe, expect, test } from "vitest";
import { parseCertificateSubjects, parseIssuersFile } from "../../src/auth/auth-files.ts";
import { SCOPES } from "../../src/auth/caller.ts";
import { loadConfig } from "../../src/config/config.ts";
import { variables } from "../../src/config/variables.ts";
import { readReply, startGateway } from "../support/start-gateway.ts";
import { startIssuer } from "../support/start-issuer.ts";
import { fencedBlocks, readPages } from "./pages.ts";

const page = readPages(
  "docs/operators/authentication.md",
  "docs/operators/identity-providers.md",
  "docs/operators/token-checks.md",
  "docs/operators/tls.md",
);
const blocks = fencedBlocks(page);
const exported = blocks
  .filter(({ text }) => text.startsWith("export "))
  .map(({ text }) =>
    Object.fromEntries([...text.matchAll(/^export (\w+)=(.*)$/gm)].map(([, ...pair]) => pair)),
  );
const [issuerVariables = {}, ...others] = exported;
const SERVER = {
  CAM_ENDPOINT: "https://cam.tencentcloudapi.com",
  TENCENTCLOUD_PROFILE: "gateway",
  DATABASE_URL: "postgres://db/gateway",
};

function jsonBlock(beginning: string, holding = ""): unknown {
  const isWanted = (text: string) => text.startsWith(beginning) && text.includes(holding);
  return JSON.parse(blocks.find(({ language, text }) => language === "json" && isWanted(text))?.text ?? "");
}

describe("the pages on authentication", () => {
  test("show variables that server mode accepts", () => {
    expect(loadConfig({ ...SERVER, ...issuerVariables }, "server")).toMatchObject({
      http: { host: "0.0.0.0" },
      auth: { issuer: { issuer: "https://login.example.com/" } },
    });
    expect(others).toHaveLength(3);
    for (const more of others) {
      expect(loadConfig({ ...SERVER, ...issuerVariables, ...more }, "server")).toMatchObject({
        mode: "server",
      });
    }
  });

  test("name only variables that exist", () => {
    const known = Object.keys(variables.shape);
    for (const [name] of page.matchAll(/\b(AUTH|ROUTER)_[A-Z_]+\b/g)) expect(known).toContain(name);
  });

  test("explain every scope and no other", () => {
    const rows = [...page.matchAll(/^\| `(cam\.\S+)`/gm)].map(([, scope]) => scope);
    expect(rows).toEqual([...SCOPES]);
  });

  test("show a file of issuers that the gateway accepts", () => {
    const problems: string[] = [];
    const file = JSON.stringify(jsonBlock('{\n  "issuers"'));
    expect(parseIssuersFile(file, problems)).toHaveLength(2);
    expect(problems).toEqual([]);
  });

  test("show a file of certificates that the gateway accepts", () => {
    const problems: string[] = [];
    const file = JSON.stringify(jsonBlock('{\n  "certificates"'));
    expect(parseCertificateSubjects(file, ["https://login.example.com/"], problems).size).toBe(1);
    expect(problems).toEqual([]);
  });

  test("show a request with its answer, and the answer to an expired token", async () => {
    const issuer = await startIssuer();
    const gateway = await startGateway({ callers: "proved", env: issuer.env });
    const curl = blocks.find(({ text }) => text.startsWith("curl "))?.text ?? "";
    expect(curl).toContain('--header "authorization: Bearer $TOKEN"');
    const body = (/--data '(.*)'/.exec(curl) ?? [])[1] ?? "";
    const ask = async (token: string) =>
      gateway.http
        .post("/graphql")
        .set({ authorization: `Bearer ${token}`, "content-type": "application/json" })
        .send(body);
    expect((await ask(await issuer.sign())).body).toEqual(jsonBlock('{ "data"'));
    const refused = readReply(await ask(await issuer.sign({ claims: { exp: 1 } })));
    const shown = JSON.parse(JSON.stringify(jsonBlock('{\n  "errors"')));
    shown.errors[0].extensions.requestId = refused.headers["x-request-id"];
    expect(JSON.parse(refused.text)).toEqual(shown);
    expect(page).toContain(`WWW-Authenticate: ${refused.headers["www-authenticate"]}`);
  });

  test("show the answer while the issuer is unavailable", async () => {
    const issuer = await startIssuer();
    issuer.answer(503);
    const gateway = await startGateway({ callers: "proved", env: issuer.env });
    const request = gateway.http.post("/graphql").set("authorization", `Bearer ${await issuer.sign()}`);
    const refused = readReply(await request.send({ query: "{ __typename }" }));
    const shown = JSON.parse(JSON.stringify(jsonBlock('{\n  "errors"', "ISSUER_UNAVAILABLE")));
    const { retryAfterMs } = refused.errors[0]?.extensions ?? {};
    Object.assign(shown.errors[0].extensions, { requestId: refused.headers["x-request-id"], retryAfterMs });
    expect(JSON.parse(refused.text)).toEqual(shown);
    expect(refused.headers["www-authenticate"]).toBeUndefined();
    for (const word of ["auth.check_failed", "auth.keys_unavailable"]) {
      expect(page).toContain(word);
      expect(gateway.logLines.join("\n")).toContain(word);
    }
  });
});
