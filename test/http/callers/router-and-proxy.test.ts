import { expect, test } from "vitest";
import { readReply, type StartedGateway, startGateway } from "../../support/start-gateway.ts";
import { startIssuer } from "../../support/start-issuer.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

const SECRET = "a secret that only the router knows";

async function ask(
  { http }: StartedGateway,
  headers: Readonly<Record<string, string>>,
): Promise<readonly string[]> {
  const request = http.post("/graphql").set(headers);
  const { errors } = readReply(await request.send({ query: "{ camQuota { action } }" }));
  return errors.map(({ message }) => message);
}

test.each(["ROUTER_SECRET", "ROUTER_SECRET_FILE"])(
  "with %s nobody is served but by the router",
  async (name) => {
    const issuer = await startIssuer();
    const value =
      name === "ROUTER_SECRET" ? SECRET : await (await temporaryFolder()).write("secret", `${SECRET}\n`);
    const gateway = await startGateway({ callers: "proved", env: { ...issuer.env, [name]: value } });
    const authorization = `Bearer ${await issuer.sign()}`;
    expect(await ask(gateway, { authorization, "x-router-secret": SECRET })).toEqual([]);
    for (const wrong of [undefined, "", "x", SECRET.slice(1), SECRET.toUpperCase(), `${SECRET}, ${SECRET}`]) {
      const headers = { authorization, ...(wrong === undefined ? {} : { "x-router-secret": wrong }) };
      expect(await ask(gateway, headers), wrong).toEqual([
        expect.stringContaining("Only the router is served here."),
      ]);
    }
    // It says by which way a request came, and not who asks.
    expect(await ask(gateway, { "x-router-secret": SECRET })).toEqual([
      expect.stringContaining("cam.quota:read"),
    ]);
    expect((await gateway.http.get("/health/ready")).status).toBe(200);
    expect(gateway.logLines.join("\n")).not.toContain(SECRET);
  },
);

const CERTIFICATES = {
  AUTH_CLIENT_CERT_HEADER: "X-Client-Cert",
  AUTH_CLIENT_CERT_SCOPES: "cam.quota:read",
};

test("a proxy that is known vouches for certificates, without any issuer of tokens", async () => {
  const env = {
    ...CERTIFICATES,
    AUTH_PROXY_ADDRESSES: "127.0.0.1",
    AUTH_ISSUER: "",
    AUTH_JWKS_URL: "",
    AUTH_AUDIENCE: "",
  };
  const gateway = await startGateway({ callers: "proved", env });
  expect(await ask(gateway, { "x-client-cert": "CN=portal" })).toEqual([]);
  expect(await ask(gateway, {})).toEqual([expect.stringContaining("You are not signed in")]);
});

test("whoever else tells of a certificate is refused, and a token says more than a certificate", async () => {
  const issuer = await startIssuer();
  const env = { ...issuer.env, ...CERTIFICATES, AUTH_PROXY_ADDRESSES: "192.0.2.0/24" };
  const gateway = await startGateway({ callers: "proved", env });
  expect(await ask(gateway, { "x-client-cert": "CN=portal" })).toEqual([
    expect.stringContaining("only believed of a proxy that is known here"),
  ]);
  const authorization = `Bearer ${await issuer.sign({ claims: { scope: "" } })}`;
  expect(await ask(gateway, { authorization, "x-client-cert": "CN=portal" })).toEqual([
    expect.stringContaining("You do not have the permission"),
  ]);
});
