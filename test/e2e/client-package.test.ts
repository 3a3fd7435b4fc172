import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, expect, onTestFinished, test } from "vitest";
import { installClient, packClient } from "../support/client-package.ts";
import { startLocalGateway } from "../support/start-gateway.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const BROWSER = ["--lib", "es2022,dom", "--types", ""];
let tarball: string;

beforeAll(async () => {
  tarball = await packClient();
});

test("the packed client runs in plain Node without other packages", async () => {
  const consumer = await installClient(tarball);
  const gateway = await startLocalGateway({ DATA_DIR: (await temporaryFolder()).path });
  onTestFinished(() => gateway.stop());
  const program = `
    import { createCamGatewayClient, isCamError } from "cam-mfa-gateway/client";
    import "cam-mfa-gateway/client/graphql-extensions";
    const client = createCamGatewayClient({ url: process.argv[2] });
    const bob = { opUin: "100021969092", login: { phone: true } };
    const error = await client.setSubUserMfa(bob).catch((reason) => reason);
    console.log(isCamError(error, "USER_NOT_BIND_PHONE"), (await client.subUser("100021969091")).name);
  `;
  const file = await consumer.write("program.mjs", program);
  expect(await consumer.runNode(file, gateway.address.url)).toBe("true alice\n");
});

test("it has the client, the contract and no dependency", async () => {
  const { installed } = await installClient(tarball);
  const manifest = JSON.parse(await readFile(join(installed, "package.json"), "utf8"));
  expect(manifest).not.toHaveProperty("dependencies");
  expect((await readdir(join(installed, "dist/modules"))).sort()).toEqual(["client", "contract"]);
  for (const { types, default: code } of Object.values(manifest.exports) as Record<string, string>[]) {
    expect(await readFile(join(installed, types ?? ""), "utf8")).toContain("contract/index");
    expect(await readFile(join(installed, code ?? ""), "utf8")).not.toMatch(/from "(?!\.)/);
  }
});

test("its pages link only to files of the package", async () => {
  const { installed } = await installClient(tarball);
  for (const page of ["README.md", "errors.md"]) {
    const text = await readFile(join(installed, page), "utf8");
    for (const [, path = ""] of text.matchAll(/\]\((?!https?:)([^)#]+)\)/g)) {
      expect(existsSync(join(installed, path)), `${page} links to ${path}`).toBe(true);
    }
  }
});

test.each(["nodenext", "esnext"])(
  "its types compile without graphql, Node's types or skipLibCheck (%s)",
  async (module) => {
    const consumer = await installClient(tarball);
    const file = await consumer.write(
      "portal.mts",
      `import { createCamGatewayClient, isCamError } from "cam-mfa-gateway/client";
    const client = createCamGatewayClient({ url: "/graphql", fetch });
    client.subUser("1").then((user) => user?.mfa?.login.phone satisfies boolean | null | undefined);
    declare const entry: { message: string; extensions?: object };
    if (isCamError(entry, "QUOTA_EXHAUSTED")) entry.extensions.retryAfterMs satisfies number;`,
    );
    const resolution = [
      "--module",
      module,
      ...(module === "esnext" ? ["--moduleResolution", "bundler"] : []),
    ];
    expect(await consumer.compile(file, ...BROWSER, ...resolution)).toBe("");
  },
);

test("programs with graphql get the types of the error extensions", async () => {
  const consumer = await installClient(tarball, "graphql");
  const program = (entry: string) => `${entry}
    import type { GraphQLError } from "graphql";
    declare const error: GraphQLError;
    error.extensions.retryAfterMs satisfies number | undefined;`;
  const typed = await consumer.write(
    "typed.mts",
    program(`import type {  } from "cam-mfa-gateway/client/graphql-extensions";`),
  );
  const untyped = await consumer.write("untyped.mts", program(""));
  expect(await consumer.compile(typed, ...BROWSER, "--module", "nodenext")).toBe("");
  expect(await consumer.compile(untyped, ...BROWSER, "--module", "nodenext")).toContain("Type 'unknown'");
});

test("a bundle for browsers imports no package and no Node module", async () => {
  const consumer = await installClient(tarball);
  const entry = await consumer.write("entry.js", `export * from "cam-mfa-gateway/client";`);
  const { build } = await import("vite");
  const output = await build({
    root: consumer.path,
    configFile: false,
    logLevel: "error",
    build: { write: false, lib: { entry, formats: ["es"] }, target: "es2022" },
  });
  const chunks = [output].flat().flatMap((bundle) => ("output" in bundle ? bundle.output : []));
  expect(chunks).toHaveLength(1);
  const [chunk] = chunks;
  if (chunk?.type !== "chunk") throw new Error("The bundle is not one chunk.");
  expect(chunk.imports).toEqual([]);
  expect(chunk.code).not.toMatch(/\bnode:|\brequire\(|\bprocess\b|\bBuffer\b/);
});
