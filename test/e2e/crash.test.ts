import { beforeAll, expect, test, vi } from "vitest";
import { EX_SOFTWARE } from "../../src/cli/end-on-crash.ts";
import { buildGateway, runGateway } from "../support/gateway-process.ts";
import { LOCAL_KEY } from "../support/start-gateway.ts";

const SECRET = "SecretKeyOfACrashedGateway";

// Processes start slowly on a busy machine.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

beforeAll(buildGateway);

test.each([
  ["uncaughtException", "throw fault;"],
  ["unhandledRejection", "Promise.reject(fault);"],
])("%s ends the gateway and logs one line without secrets", async (origin, strike) => {
  const fault = `const fault = Object.assign(new Error("key ${SECRET}"), { input: "${SECRET}", code: "ERR_TEST" });`;
  // Crashes the gateway after it prints its banner, outside every call that could catch the error.
  const banner =
    "const { stderr } = process; const write = stderr.write.bind(stderr); stderr.write = (text, ...rest) => " +
    `{ if (String(text).includes("GraphQL")) setImmediate(() => { ${strike} }); return write(text, ...rest); };`;
  const module = `data:text/javascript,${encodeURIComponent(`${fault} ${banner}`)}`;
  const { exitCode, stdout, stderr } = await runGateway(["--local"], {
    ...LOCAL_KEY,
    CAM_SERVICE_HOST: "",
    TENCENTCLOUD_SECRET_KEY: SECRET,
    PORT: "0",
    PLAYGROUND: "off",
    NODE_OPTIONS: `--import=${module}`,
  });
  expect(exitCode).toBe(EX_SOFTWARE);
  expect(JSON.parse(stderr.trimEnd().split("\n").at(-1) ?? "")).toMatchObject({
    level: "fatal",
    origin,
    errors: [{ type: "Error", code: "ERR_TEST" }],
  });
  expect(`${stdout}${stderr}`).not.toContain(SECRET);
});
