import { connect } from "node:net";
import { text } from "node:stream/consumers";
import { beforeAll, expect, test } from "vitest";
import { ALICE } from "../../support/seed-users.ts";
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
  "with %s only requests from the router are served",
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
        expect.stringContaining("The gateway serves only requests of the router."),
      ]);
    }
    // The secret proves that a request comes from the router, and authenticates no caller.
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

test("a trusted proxy authenticates callers by certificate, without a token issuer", async () => {
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

/** For the tests of names, which read only what they cause. */
let behindProxy: StartedGateway;

beforeAll(async () => {
  behindProxy = await startGateway({
    callers: "proved",
    env: {
      ...CERTIFICATES,
      AUTH_CLIENT_CERT_SCOPES: "cam.mfa:write,cam.audit:read",
      AUTH_PROXY_ADDRESSES: "127.0.0.1",
    },
  });
});

test.each(["CN=José Pérez,O=Example", "CN=张三", "CN=Ünal\\, Ayşe+UID=7", "/O=Example/CN=😀"])(
  "the log and the record have the certificate's name %s",
  async (name) => {
    const gateway = behindProxy;
    const lines = gateway.logLines.length;
    const query = `mutation { setSubUserMfa(opUin: "${ALICE}", login: { stoken: true }, reason: "r") { requestId change { caller { subject } } } }`;
    const { port } = new URL(gateway.gateway.address.url);
    const header = Buffer.from(`x-client-cert: ${name}\r\n`);
    const answer = await sendRaw(Number(port), { query }, header);
    expect(answer).toContain(`"subject":${JSON.stringify(name)}`);
    const line = gateway.logLines.slice(lines).find((text) => text.includes("MFA change"));
    expect(JSON.parse(line ?? "{}")).toMatchObject({ caller: name });
  },
);

test.each([
  ["Latin-1", [0x4a, 0x6f, 0x73, 0xe9]],
  ["GBK", [0xd5, 0xc5, 0xc8, 0xfd]],
  ["a cut character", [0xe5, 0xbc]],
])("a certificate whose name is %s is refused", async (_encoding, bytes) => {
  const { port } = new URL(behindProxy.gateway.address.url);
  const header = Buffer.concat([Buffer.from("x-client-cert: CN="), Buffer.from(bytes), Buffer.from("\r\n")]);
  const answer = await sendRaw(Number(port), { query: "{ camQuota { action } }" }, header);
  expect(answer).toContain("The header x-client-cert is not UTF-8.");
});

/** Sends an operation with a header of any bytes and returns the whole response. */
function sendRaw(port: number, operation: object, header: Buffer): Promise<string> {
  const body = Buffer.from(JSON.stringify(operation));
  const socket = connect({ host: "127.0.0.1", port });
  socket.write("POST /graphql HTTP/1.1\r\nhost: gateway\r\nconnection: close\r\n");
  socket.write(header);
  socket.write(`content-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n`);
  socket.write(body);
  return text(socket);
}

test("a certificate header from an untrusted address is refused, and a token takes precedence over it", async () => {
  const issuer = await startIssuer();
  const env = { ...issuer.env, ...CERTIFICATES, AUTH_PROXY_ADDRESSES: "192.0.2.0/24" };
  const gateway = await startGateway({ callers: "proved", env });
  expect(await ask(gateway, { "x-client-cert": "CN=portal" })).toEqual([
    expect.stringContaining("only accepted from a trusted proxy"),
  ]);
  const authorization = `Bearer ${await issuer.sign({ claims: { scope: "" } })}`;
  expect(await ask(gateway, { authorization, "x-client-cert": "CN=portal" })).toEqual([
    expect.stringContaining("You do not have the permission"),
  ]);
});
