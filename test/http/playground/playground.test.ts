import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import Fastify, { type FastifyInstance } from "fastify";
import { describe, expect, onTestFinished, test } from "vitest";
import { type PlaygroundOptions, registerPlayground } from "../../../src/http/playground/playground.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

const browser = { accept: "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8" };
const script = "console.log('playground');\n".repeat(100);

describe("the page", () => {
  test("is served to a browser at the GraphQL path", async () => {
    const app = await startApp();
    const response = await app.inject({ url: "/graphql", headers: browser });
    expect(response.statusCode).toBe(200);
    expect(response.headers["content-type"]).toBe("text/html; charset=utf-8");
    expect(response.headers["cache-control"]).toBe("no-store");
    expect(response.headers.vary).toBe("accept");
    expect(response.body).toContain('src="./graphql-playground/assets/main-1a2b.js"');
  });

  test.each([
    ["a client that wants data", "GET", "/graphql", { accept: "application/json" }],
    ["a client without an Accept header", "GET", "/graphql", {}],
    ["a browser with a query in the address", "GET", "/graphql?query=%7B__typename%7D", browser],
    ["a browser with a query after other parameters", "GET", "/graphql?a=b&query=%7B__typename%7D", browser],
    ["a browser that posts", "POST", "/graphql", browser],
  ] as const)("leaves the request to the GraphQL route: %s", async (_case, method, url, headers) => {
    const app = await startApp();
    expect((await app.inject({ method, url, headers })).body).toBe("graphql");
  });

  test("carries the examples and the banner as data that cannot end the data block", async () => {
    const example = {
      name: "A",
      title: "A.",
      description: "",
      errorCode: null,
      document: "# </script><script>alert(1)</script>",
    };
    const banner = { target: "cam", endpoint: "https://cam.example" } as const;
    const app = await startApp({ examples: [example], banner });
    const { body } = await app.inject({ url: "/graphql", headers: browser });
    const data = /<script type="application\/json" id="boot">(.*?)<\/script>/.exec(body)?.[1] ?? "";
    expect(JSON.parse(data)).toMatchObject({ examples: [example], banner });
    expect(body.match(/<script/g)).toHaveLength(2);
  });

  test("permits only content from this process, with a fresh style nonce each time", async () => {
    const app = await startApp();
    const nonces = new Set<string>();
    for (let visit = 0; visit < 2; visit++) {
      const { headers, body } = await app.inject({ url: "/graphql", headers: browser });
      const policy = String(headers["content-security-policy"]);
      const nonce = /'nonce-([^']+)'/.exec(policy)?.[1] ?? "";
      expect(body).toContain(`"styleNonce":"${nonce}"`);
      expect(policy.replace(nonce, "N").split("; ")).toEqual([
        "default-src 'none'",
        "script-src 'self'",
        "worker-src 'self'",
        "connect-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "style-src 'self' 'nonce-N'",
        "style-src-attr 'unsafe-inline'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
        "form-action 'none'",
      ]);
      expect(headers).toMatchObject({
        "x-content-type-options": "nosniff",
        "referrer-policy": "no-referrer",
        "cross-origin-opener-policy": "same-origin",
      });
      nonces.add(nonce);
    }
    expect(nonces.size).toBe(2);
  });
});

describe("its files", () => {
  const url = "/graphql-playground/assets/main-1a2b.js";

  test("may be cached for ever, because their names change with their content", async () => {
    const app = await startApp();
    const response = await app.inject({ url });
    expect(response.body).toBe(script);
    expect(response.headers).toMatchObject({
      "content-type": "application/javascript; charset=utf-8",
      "cache-control": "public, max-age=31536000, immutable",
      "x-content-type-options": "nosniff",
      "content-security-policy": "default-src 'none'; script-src 'self'; frame-ancestors 'none'",
    });
  });

  test("are compressed for browsers that accept gzip", async () => {
    const app = await startApp();
    const response = await app.inject({ url, headers: { "accept-encoding": "gzip, br" } });
    expect(response.headers).toMatchObject({ "content-encoding": "gzip", vary: "accept-encoding" });
    expect(response.rawPayload.length).toBeLessThan(script.length);
    expect(gunzipSync(response.rawPayload).toString()).toBe(script);
  });

  test.each([
    "/graphql-playground/assets/missing.js",
    "/graphql-playground/assets/..%2Findex.html",
    "/graphql-playground/assets/%2e%2e/index.html",
    "/graphql-playground/assets/..%2F..%2F..%2Fetc%2Fpasswd",
    "/graphql-playground/assets/__proto__",
    "/graphql-playground/index.html",
    "/graphql-playground/",
  ])("are the only served files: %s is not found", async (path) => {
    const app = await startApp();
    expect((await app.inject({ url: path, headers: browser })).statusCode).toBe(404);
  });
});

test("the error of a playground that was never built names the build command", async () => {
  const options = { ...(await playgroundOptions()), assetsDir: "/nowhere/playground" };
  await expect(registerPlayground(Fastify(), options)).rejects.toThrow(
    "The playground has not been built: /nowhere/playground has no index.html. Run `npm run build`.",
  );
});

async function startApp(overrides: Partial<PlaygroundOptions> = {}): Promise<FastifyInstance> {
  const app = Fastify();
  onTestFinished(() => app.close());
  const answerBrowser = await registerPlayground(app, { ...(await playgroundOptions()), ...overrides });
  app.get("/graphql", { onRequest: answerBrowser }, async () => "graphql");
  app.post("/graphql", async () => "graphql");
  return app;
}

async function playgroundOptions(): Promise<PlaygroundOptions> {
  const { path: assetsDir } = await temporaryFolder();
  await mkdir(join(assetsDir, "assets"));
  await writeFile(
    join(assetsDir, "index.html"),
    `<!doctype html><script type="application/json" id="boot">"__BOOT__"</script>` +
      `<script type="module" src="__ASSETS__/assets/main-1a2b.js"></script>`,
  );
  await writeFile(join(assetsDir, "assets/main-1a2b.js"), script);
  await writeFile(join(assetsDir, "assets/main-1a2b.js.gz"), gzipSync(script));
  return { graphqlPath: "/graphql", assetsDir, examples: [], banner: { target: "emulator" } };
}
