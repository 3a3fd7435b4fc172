import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { beforeAll, expect, test } from "vitest";
import { buildGateway, PROGRAM } from "../support/gateway-process.ts";

beforeAll(buildGateway);

/** Prints each module of OpenTelemetry that the process loads, except those of the API, which prom-client loads. */
const WATCH = `
  import { registerHooks } from "node:module";
  registerHooks({
    load(url, context, next) {
      if (/@opentelemetry.(?!api[/])/.test(url)) console.error("loads " + url);
      return next(url, context);
    },
  });`;

/** Starts the gateway with the admin port and without a database, which ends it after the start of telemetry. */
async function modulesOf(env: Readonly<Record<string, string>>): Promise<readonly string[]> {
  const args = ["--import", `data:text/javascript,${encodeURIComponent(WATCH)}`];
  const started = promisify(execFile)(process.execPath, [...args, PROGRAM, "serve", "--local"], {
    env: { PORT: "0", ADMIN_PORT: "0", DATABASE_URL: "postgres://gateway@127.0.0.1:1/gateway", ...env },
  });
  const { stderr } = (await started.catch((error: unknown) => error)) as { readonly stderr: string };
  expect(stderr).toContain("The database at DATABASE_URL cannot be used");
  return stderr.split("\n").filter((line) => line.startsWith("loads "));
}

test("without a variable of OpenTelemetry the gateway loads nothing of its SDK", async () => {
  expect(await modulesOf({})).toEqual([]);
});

test("with an endpoint the gateway loads the SDK", async () => {
  const modules = await modulesOf({ OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:1" });
  expect(modules).toContainEqual(expect.stringContaining("/@opentelemetry/sdk-"));
});
