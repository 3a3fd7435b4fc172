import { once } from "node:events";
import { readFileSync } from "node:fs";
import { type AddressInfo, connect, createServer } from "node:net";
import { beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import { FEDERATED_EXAMPLES_DIR } from "../../src/gateway/package-paths.ts";
import { loadExamples } from "../../src/http/playground/playground.ts";
import { fencedBlocks } from "../docs/pages.ts";
import { ROOT } from "../support/compose-file.ts";
import { openBrowserContext } from "../support/start-chromium.ts";
import { startProgram } from "../support/start-program.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { openPlayground } from "../support/visit-playground.ts";

// The test starts three processes on a busy machine.
vi.setConfig({ testTimeout: 120_000 });

const FREE_PORTS = ["--port=0", "--gateway-port=0", "--directory-port=0"];

/** The code blocks of the page about federation. The answer follows the query of both subgraphs. */
const blocks = fencedBlocks(readFileSync("docs/consumers/federation.md", "utf8"));
const sample = blocks.findIndex(({ language, text }) => language === "graphql" && text.includes("employee"));

async function startFederated() {
  const { path } = await temporaryFolder();
  // Variables that would misdirect the gateway if the program passed them on.
  const env = { ...process.env, DATA_DIR: path, CAM_ENDPOINT: "http://127.0.0.1:2" };
  const argv = ["run", "federated", "--", ...FREE_PORTS];
  const program = startProgram("npm", argv, { cwd: ROOT, env, detached: true });
  const read = async (pattern: RegExp) => pattern.exec(await program.line(pattern)) ?? [];
  const [, router = ""] = await read(/^federated \| The graph +(\S+)/);
  const [, gateway = "", directory = ""] = await read(/^federated \| Subgraphs +(\S+) .* (\S+)/);
  const [, curl = ""] = await read(/^federated \| Try +curl .* --data '(.*)'$/);
  return { program, urls: [router, gateway, directory], router, curl };
}

async function post(url: string, body: string): Promise<unknown> {
  const headers = { "content-type": "application/json" };
  return (await fetch(url, { method: "POST", headers, body })).json();
}

/** Holds a connection to each address. Resolves when the processes there have ended. */
function whenGone(urls: readonly string[]): Promise<unknown> {
  const ended = urls.map((url) => {
    const socket = connect(Number(new URL(url).port), "127.0.0.1").on("error", () => {});
    return new Promise((resolve) => socket.resume().once("close", resolve));
  });
  return Promise.all(ended);
}

describe("npm run federated", () => {
  let federated: Awaited<ReturnType<typeof startFederated>>;

  beforeAll(async () => {
    federated = await startFederated();
  });

  test("answers the documented queries", async () => {
    const { router, curl } = federated;
    expect(await post(router, JSON.stringify({ query: blocks[sample]?.text }))).toEqual(
      JSON.parse(blocks[sample + 1]?.text ?? ""),
    );
    const employees = (await post(router, curl)) as { data: { employees: unknown[] }; errors?: unknown };
    expect(employees.errors).toBeUndefined();
    expect(employees.data.employees).toHaveLength(5);
  });

  test("shows a browser the playground with examples of both subgraphs, which loads nothing from other hosts", async () => {
    const { router } = federated;
    const { page, complaints } = await openPlayground(await openBrowserContext(), new URL("/", router).href);
    expect(page.url()).toBe(router);
    expect(await page.locator(".banner").textContent()).toContain(
      "an employee directory behind Hive Gateway",
    );
    const examples = await loadExamples(FEDERATED_EXAMPLES_DIR);
    const entries = page.getByRole("region", { name: "Examples" }).getByRole("button").locator("strong");
    expect(await entries.allTextContents()).toEqual(examples.map(({ title }) => title));
    await page.locator(".graphiql-execute-button").click();
    const result = page.locator(".result-window .view-lines");
    await expect.poll(() => result.textContent(), { timeout: 20_000 }).toMatch(/Alice.Anders/);
    expect(complaints).toEqual([]);
  });

  test("stops all parts after Ctrl-C, with exit code 0", async () => {
    const { program, urls } = federated;
    const gone = whenGone(urls);
    // A terminal signals the whole process group. npm forwards its signal, so the program receives two.
    process.kill(-(program.child.pid ?? 0), "SIGINT");
    const { code, output } = await program.end();
    expect(code).toBe(0);
    expect(output).toMatch(/federated \| Everything has stopped\.$/);
    await gone;
  });
});

test("a killed part stops the others, with exit code 1", async () => {
  const { program, urls } = await startFederated();
  const [, pid] = /Started router as process (\d+)/.exec(program.lines.join("\n")) ?? [];
  const gone = whenGone(urls);
  process.kill(Number(pid), "SIGKILL");
  const { code, output } = await program.end();
  expect(code).toBe(1);
  expect(output).toMatch(/router was ended by SIGKILL without being asked to; stopping everything else\./);
  await gone;
});

test("an unknown flag exits with 64 before any part starts", async () => {
  const argv = ["scripts/federated.ts", "--prot=1"];
  const { code, output } = await startProgram(process.execPath, argv, { cwd: ROOT }).end();
  expect(code).toBe(64);
  expect(output).toMatch(/Usage: npm run federated/);
  expect(output).not.toMatch(/Started/);
});

test("one message lists all ports in use and their flags before any part starts", async () => {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  const argv = ["scripts/federated.ts", `--port=${port}`, "--gateway-port=0", `--directory-port=${port}`];
  const { code, output } = await startProgram(process.execPath, argv, { cwd: ROOT }).end();
  expect({ code, output }).toEqual({
    code: 1,
    output:
      `Already in use: 127.0.0.1:${port} (--port), 127.0.0.1:${port} (--directory-port). ` +
      "Stop what listens there, such as npm start, or give another port by that flag (0 takes a free one).",
  });
});

test("a part whose port is taken meanwhile prints one line, with exit code 1", async () => {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  const argv = ["scripts/federated/directory.ts", String(port)];
  expect(await startProgram(process.execPath, argv, { cwd: ROOT }).end()).toEqual({
    code: 1,
    output: `listen EADDRINUSE: address already in use 127.0.0.1:${port}`,
  });
});
