import { request } from "node:http";
import { beforeAll, describe, expect, test } from "vitest";
import { startLocalGateway } from "../support/start-gateway.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { whenOver } from "../support/when-over.ts";

let url: URL;

beforeAll(async () => {
  const { path: folder } = await temporaryFolder();
  const gateway = await startLocalGateway({ DATA_DIR: folder });
  whenOver(() => gateway.stop());
  url = new URL(gateway.address.url);
});

test("the root redirects to the playground", async () => {
  const response = await fetch(new URL("/", url), { redirect: "manual" });
  expect(response.status).toBe(302);
  expect(response.headers.get("location")).toBe("./graphql");
});

describe("a request under another host name, as in DNS rebinding, is refused", () => {
  test.each(["evil.example", "evil.example:4000", "127.0.0.1.evil.example", "localhost.", "[::2]:80"])(
    "%s",
    async (host) => {
      const { status, body } = await askAs(host);
      expect(status).toBe(421);
      expect(JSON.parse(body)).toMatchObject({ errors: [{ extensions: { code: "MISDIRECTED_REQUEST" } }] });
    },
  );

  test.each(["localhost", "LOCALHOST:4000", "127.0.0.1:1", "[::1]:4000"])(
    "and one under %s is answered",
    async (host) => {
      expect((await askAs(host)).body).toContain('"__typename":"Query"');
    },
  );
});

/** Sends a request with any Host, which fetch does not permit. */
function askAs(host: string): Promise<{ readonly status: number | undefined; readonly body: string }> {
  return new Promise((resolve, reject) => {
    const headers = { host, "content-type": "application/json" };
    const sent = request(url, { method: "POST", headers }, (response) => {
      let body = "";
      response.setEncoding("utf8").on("data", (chunk: string) => {
        body += chunk;
      });
      response.on("end", () => resolve({ status: response.statusCode, body }));
    });
    sent.on("error", reject).end('{"query":"{ __typename }"}');
  });
}
