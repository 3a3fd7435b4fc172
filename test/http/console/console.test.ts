import { mkdir } from "node:fs/promises";
import Fastify from "fastify";
import { expect, onTestFinished, test } from "vitest";
import { registerConsole } from "../../../src/http/console/console.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

const signIn = { issuer: "https://login.example/tenant", clientId: "console", scope: "openid" };

test("the page permits connections only to the gateway", async () => {
  const app = await startApp({ signIn: undefined, isEmulated: true });
  const { headers, body } = await app.inject("/console");
  expect(directivesOf(headers["content-security-policy"])).toMatchObject({
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "connect-src": "'self'",
    "frame-ancestors": "'none'",
  });
  expect(headers).toMatchObject({ "cache-control": "no-store", "referrer-policy": "no-referrer" });
  expect(body).toContain('src="./console-files/assets/main.js"');
});

test("the page of a gateway with sign-in also permits connections to the issuer's origin", async () => {
  const app = await startApp({ signIn, isEmulated: false });
  const { headers, body } = await app.inject("/console");
  expect(directivesOf(headers["content-security-policy"])["connect-src"]).toBe(
    "'self' https://login.example",
  );
  expect(
    JSON.parse(/<script type="application\/json" id="boot">(.*?)<\/script>/.exec(body)?.[1] ?? ""),
  ).toEqual({
    signIn,
    isEmulated: false,
  });
});

test("the error of a console that was never built names the build command", async () => {
  const boot = { signIn: undefined, isEmulated: true };
  await expect(registerConsole(Fastify(), { assetsDir: "/nowhere/console", boot })).rejects.toThrow(
    "The console has not been built: /nowhere/console has no index.html. Run `npm run build`.",
  );
});

async function startApp(boot: Parameters<typeof registerConsole>[1]["boot"]) {
  const folder = await temporaryFolder();
  await mkdir(folder.at("assets"));
  await folder.write(
    "index.html",
    '<script type="application/json" id="boot">"__BOOT__"</script><script src="__ASSETS__/assets/main.js"></script>',
  );
  const app = Fastify();
  onTestFinished(() => app.close());
  await registerConsole(app, { assetsDir: folder.path, boot });
  return app;
}

function directivesOf(policy: unknown): Readonly<Record<string, string>> {
  return Object.fromEntries(
    String(policy)
      .split("; ")
      .map((directive) => [directive.split(" ")[0], directive.split(" ").slice(1).join(" ")]),
  );
}
