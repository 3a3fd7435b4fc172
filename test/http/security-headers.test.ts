import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { generate } from "selfsigned";
import { describe, expect, test } from "vitest";
import { startGateway } from "../support/start-gateway.ts";
import { startIssuer } from "../support/start-issuer.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const issuer = await startIssuer();
const { gateway } = await startGateway({ callers: "proved", env: issuer.env });
const port = Number(new URL(gateway.address.url).port);

const JSON_TYPE = "content-type: application/json";

function post(path: string, body: string, ...headers: readonly string[]): string {
  const fields = [
    "host: localhost",
    `content-length: ${Buffer.byteLength(body)}`,
    "connection: close",
    ...headers,
  ];
  return `POST ${path} HTTP/1.1\r\n${fields.join("\r\n")}\r\n\r\n${body}`;
}

function get(path: string, ...headers: readonly string[]): string {
  return `GET ${path} HTTP/1.1\r\n${["host: localhost", "connection: close", ...headers].join("\r\n")}\r\n\r\n`;
}

const TYPENAME = '{"query":"{ __typename }"}';

/** Requests and their expected status. GraphQL, Fastify or Node answers them. */
const ANSWERS: readonly (readonly [name: string, sent: string, status: number])[] = [
  ["an operation", post("/graphql", TYPENAME, JSON_TYPE), 200],
  ["a refused field", post("/graphql", '{"query":"{ camQuota { action } }"}', JSON_TYPE), 200],
  ["a refused token", post("/graphql", TYPENAME, JSON_TYPE, "authorization: Bearer a.b.c"), 200],
  ["an invalid document", post("/graphql", '{"query":"{"}', JSON_TYPE), 200],
  ["invalid JSON", post("/graphql", "{", JSON_TYPE), 400],
  ["another media type", post("/graphql", "<a/>", "content-type: application/xml"), 415],
  [
    "a body whose announced length is too large",
    get("/graphql", JSON_TYPE, "content-length: 5000000").replace("GET", "POST"),
    413,
  ],
  ["a form of another origin", post("/graphql", "query=x", "content-type: text/plain"), 403],
  [
    "a media type that the gateway cannot send",
    post("/graphql", TYPENAME, JSON_TYPE, "accept: image/png"),
    406,
  ],
  ["another method", get("/graphql", "x-a: b").replace("GET", "DELETE"), 405],
  ["an unknown path", get("/nothing"), 404],
  ["an unreadable address", get("/%zz"), 400],
  ["a probe", get("/health/ready"), 200],
  ["headers that are too large", get("/", `x-long: ${"x".repeat(40_000)}`), 431],
  ["bytes that are not HTTP", "hello\r\n\r\n", 400],
];

async function exchange(
  socket: Socket,
  sent: string,
): Promise<{ status: number; headers: Map<string, string> }> {
  let received = "";
  socket.setEncoding("utf8").on("data", (text: string) => (received += text));
  // After a refusal the server reads no more bytes, so that the write may fail.
  socket.on("error", () => undefined);
  socket.write(sent);
  await once(socket, "close");
  const [first = "", ...fields] = (received.split("\r\n\r\n")[0] ?? "").split("\r\n");
  const headers = fields.map((field) => field.split(/: (.*)/s).slice(0, 2) as [string, string]);
  return {
    status: Number(first.split(" ")[1]),
    headers: new Map(headers.map(([k, v]) => [k.toLowerCase(), v])),
  };
}

describe("every response has the security headers", () => {
  test.each(ANSWERS)("%s", async (_name, sent, status) => {
    const answer = await exchange(connect(port, "127.0.0.1"), sent);
    expect(answer.status).toBe(status);
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      "x-content-type-options": "nosniff",
      "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
      "cross-origin-resource-policy": "same-origin",
      "referrer-policy": "no-referrer",
      "cache-control": "no-store",
    });
    for (const banner of ["server", "x-powered-by", "via", "strict-transport-security"]) {
      expect(answer.headers.has(banner), banner).toBe(false);
    }
  });
});

test("with TLS every response has Strict-Transport-Security", async () => {
  const folder = await temporaryFolder();
  const pair = await generate([{ name: "commonName", value: "localhost" }]);
  const secure = await startGateway({
    env: {
      TLS_CERT_FILE: await folder.write("cert.pem", pair.cert),
      TLS_KEY_FILE: await folder.write("key.pem", pair.private),
    },
  });
  const { port: securePort } = new URL(secure.gateway.address.url);
  for (const sent of [post("/graphql", TYPENAME, JSON_TYPE), "hello\r\n\r\n"]) {
    const socket = connectTls({
      host: "127.0.0.1",
      port: Number(securePort),
      ca: pair.cert,
      checkServerIdentity: () => undefined,
    });
    const { headers } = await exchange(socket, sent);
    expect(headers.get("strict-transport-security")).toBe("max-age=31536000");
  }
});
