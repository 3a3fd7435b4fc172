import type { IncomingHttpHeaders, RequestListener } from "node:http";
import { beforeAll, describe, expect, test } from "vitest";
import { describeCamError } from "../../../src/contract/index.ts";
import { ROUTER_SETTINGS, type RouterSetting } from "../../conformance/support/routers.ts";
import { listenUntilOver } from "../../conformance/support/start-relay.ts";
import { closedPort } from "../../support/closed-port.ts";
import { type StartedGateway, startGateway } from "../../support/start-gateway.ts";
import { asSubgraph } from "../../support/started-router.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";
import { runCommand } from "../run-command.ts";

const TOKEN = "eyJhbGciOiJub25lIn0.secret";
const LOGIN = ["--header", `authorization: Bearer ${TOKEN}`];

let gateway: StartedGateway;

beforeAll(async () => {
  gateway = await startGateway();
});

const doctor = (...args: string[]) => runCommand("doctor", args);

async function behind(id: string, ...args: string[]) {
  const setting = ROUTER_SETTINGS.find((each) => each.id === id) as RouterSetting;
  return doctor("--router", await setting.start(asSubgraph(gateway)), ...args);
}

async function ofServer(listener: RequestListener, ...args: string[]) {
  return doctor("--router", await listenUntilOver(listener), ...args);
}

describe("doctor reports that everything arrives", () => {
  test("from the gateway itself, without a call to CAM", async () => {
    const { code, stdout } = await doctor("--router", gateway.gateway.address.url);
    expect(code).toBe(0);
    expect(stdout).toBe(`\
router ${gateway.gateway.address.url}
  ok       it forwards operations to the gateway
           No router left a trace; this may be the gateway itself.
  ok       thrown errors arrive whole (setSubUserMfa)
  ok       errors as data arrive whole (trySetSubUserMfa)

3 passed, 0 warned, 0 failed, 0 skipped.
`);
    // At its start the gateway reads the owner of its key.
    expect(gateway.cam.journal().filter(({ action }) => action !== "GetCallerIdentity")).toEqual([]);
  });

  test.each([
    ["apollo-router-by-docs", "No router left a trace"],
    ["apollo-router-open", "This looks like Apollo Router or Hive Router, by extensions.service."],
    [
      "apollo-gateway",
      "This looks like @apollo/gateway or Hive Gateway or Cosmo Router, by extensions.serviceName.",
    ],
    [
      "hive-gateway",
      "This looks like @apollo/gateway or Hive Gateway or Cosmo Router, by extensions.serviceName.",
    ],
    ["hive-router-by-docs", "No router left a trace"],
    ["cosmo-by-docs", "This looks like @apollo/gateway or Hive Gateway or Cosmo Router"],
  ])("behind %s", async (id, guess) => {
    const { code, stdout } = await behind(id, ...LOGIN);
    expect(stdout).toContain(guess);
    expect(stdout).not.toMatch(/lost|replaced|nested|renamed/);
    expect(code).toBe(0);
  });

  test("compared with the gateway's own answer", async () => {
    const { code } = await behind("hive-gateway", "--url", gateway.gateway.address.url);
    expect(code).toBe(0);
  });
});

test("doctor compares with FORBIDDEN if the gateway refused the caller", async () => {
  const { code, stdout } = await ofServer((_request, response) => {
    const { message, category, retryable } = describeCamError("FORBIDDEN");
    const failure = { code: "FORBIDDEN", category, message, retryable, requestId: "an-id" };
    response.end(JSON.stringify({ data: { setSubUserMfa: null, trySetSubUserMfa: failure }, errors: [] }));
  });
  expect(stdout).toContain("The gateway refused the probe with FORBIDDEN, and doctor compared that error.");
  expect(stdout).toContain("  ok       errors as data arrive whole (trySetSubUserMfa)\n");
  expect(code).toBe(1);
});

test("doctor reports that the gateway itself cannot be reached", async () => {
  const direct = `http://127.0.0.1:${await closedPort()}/graphql`;
  const { code, stdout } = await behind("hive-gateway", "--url", direct);
  expect(stdout).toContain(
    "The gateway itself: It cannot be reached (ECONNREFUSED). Nothing listens at the address, or a firewall refuses it. " +
      "Check the address and the proxy. Doctor compares the router with",
  );
  expect(stdout).toContain("  ok       thrown errors arrive whole (setSubUserMfa)\n");
  expect(code).toBe(1);
});

describe("doctor reports lost parts and the configuration to use", () => {
  test.each([
    [
      "apollo-router",
      "This looks like Apollo Router, by the message",
      [
        /message +replaced: "Subgraph errors redacted"/,
        /path +kept/,
        /extensions\.code +lost/,
        /opUin +lost/,
      ],
      "include_subgraph_errors:",
    ],
    [
      "hive-router",
      'This looks like Hive Router, by the message "Unexpected error".',
      [/message +replaced: "Unexpected error"/, /extensions\.code +kept/, /opUin +kept/],
      "error_masking:",
    ],
    [
      "cosmo",
      "This looks like Cosmo Router, by the error is wrapped in another.",
      [
        /message +nested: extensions\.errors\[0\]\.message/,
        /path +nested/,
        /extensions\.code +nested: extensions\.errors\[0\]\.extensions\.code/,
        /extensions\.category +lost/,
      ],
      "  mode: pass-through",
    ],
    [
      "cosmo-pass-through",
      "This looks like Cosmo Router, by extensions.serviceName, and most of extensions gone.",
      [/message +kept/, /extensions\.code +kept/, /extensions\.retryable +lost/],
      "allowed_extension_fields:",
    ],
  ] as const)("behind %s", async (id, guess, findings, configuration) => {
    const { code, stdout } = await behind(id);
    expect(code).toBe(1);
    expect(stdout).toContain(guess);
    for (const finding of findings) expect(stdout).toMatch(finding);
    expect(stdout).toContain("  failed   thrown errors arrive whole (setSubUserMfa)\n");
    expect(stdout).toContain("fault: router.masks-errors\n");
    expect(stdout).toContain("  ok       errors as data arrive whole (trySetSubUserMfa)\n");
    expect(stdout).toContain(configuration);
    expect(stdout).toContain("cam-mfa");
  });

  test("for a renamed key", async () => {
    const error = {
      message: "The request does not say what to change.",
      path: ["setSubUserMfa"],
      extensions: { errorCode: "NOTHING_TO_CHANGE" },
    };
    const { code, stdout } = await ofServer((_request, response) => {
      response.end(JSON.stringify({ data: { setSubUserMfa: null }, errors: [error] }));
    });
    expect(stdout).toContain("extensions.code       renamed: extensions.errorCode");
    expect(stdout).toContain("name the router: --for apollo-router, apollo-gateway,");
    expect(code).toBe(1);
  });

  test("for a reply without any error", async () => {
    const { code, stdout } = await ofServer((_request, response) => response.end('{"data":null}'));
    expect(stdout).toMatch(/message +lost/);
    expect(code).toBe(1);
  });

  test("for the router of --for", async () => {
    const refuse: RequestListener = (_request, response) => response.end('{"data":null}');
    const { stdout } = await ofServer(refuse, "--for", "hive-router");
    expect(stdout.replaceAll(/^ {11}/gm, "")).toContain("error_masking:\n  subgraphs:\n    cam-mfa:");
  });
});

describe("doctor has no verdict and reports the reason", () => {
  test.each([
    [401, "", "It answers HTTP 401: the login is missing or not accepted."],
    [403, "{}", "It answers HTTP 403: the login is missing or not accepted."],
    [404, "<html>Not here</html>", "It answers HTTP 404 with something that is not GraphQL."],
    [200, "[]", "It answers HTTP 200 with something that is not GraphQL."],
    [302, "", "It answers HTTP 302 with something that is not GraphQL."],
    [200, '{"data":{}}', "It answers HTTP 200 without setSubUserMfa and without an error."],
    [
      400,
      '{"errors":[{"message":"Cannot query field \\"setSubUserMfa\\" on type \\"Mutation\\".","extensions":{"code":"GRAPHQL_VALIDATION_FAILED"}}]}',
      "The composed schema has no setSubUserMfa like the gateway's.",
    ],
    [
      200,
      '{"data":null,"errors":[{"message":"Schema is not configured for mutations"}]}',
      "The composed schema has no setSubUserMfa like the gateway's.",
    ],
  ])("HTTP %i with %s", async (status, body, why) => {
    const { code, stdout, stderr } = await ofServer((_request, response) => {
      response.writeHead(status, { location: "/elsewhere" }).end(body);
    });
    expect(stdout).toContain(why);
    expect(stdout).toContain("fault: router.unreachable\n");
    expect({ code, stderr }).toEqual({ code: 1, stderr: "" });
  });

  test("for a closed port", async () => {
    const { code, stdout } = await doctor("--router", `http://127.0.0.1:${await closedPort()}/graphql`);
    expect(stdout).toContain("It cannot be reached (ECONNREFUSED). Nothing listens at the address");
    expect(code).toBe(1);
  });

  test("for a server that does not answer", async () => {
    const { code, stdout } = await ofServer(() => undefined, "--timeout", "0.05");
    expect(stdout).toContain("No answer arrived within 0.05 s.");
    expect(code).toBe(1);
  });
});

describe("doctor never prints a token", () => {
  test("that a router repeats in an error", async () => {
    const { stdout } = await ofServer(
      (request, response) => {
        const message = `No such login: ${request.headers.authorization}`;
        response.end(
          JSON.stringify({ data: { setSubUserMfa: null }, errors: [{ message, path: ["setSubUserMfa"] }] }),
        );
      },
      ...LOGIN,
    );
    expect(stdout).toContain("[redacted]");
    expect(stdout).not.toContain(TOKEN);
  });

  test.each([
    [[`authorization: Bearer ${TOKEN}`]],
    [["--header", TOKEN]],
    [["--header", `authorization: Bearer\n${TOKEN}`]],
    [["--header", `:${TOKEN}`]],
    [["--for", TOKEN]],
    [["--timeout", TOKEN]],
    [["--url", TOKEN]],
    [["--url", `https://user:${TOKEN}@example.com/`]],
    [["--token", TOKEN]],
    [[`--authorization=${TOKEN}`]],
  ])("that is misplaced in an argument: %j", async (args) => {
    const { code, stdout, stderr } = await doctor("--router", "http://127.0.0.1:1/graphql", ...args);
    expect(code).toBe(2);
    expect(stderr).not.toBe("");
    expect(stdout + stderr).not.toContain(TOKEN);
  });
});

test("doctor reads headers from a file, so that no argument holds a token", async () => {
  const folder = await temporaryFolder();
  const file = await folder.write("headers", `authorization: Bearer ${TOKEN}\n\nx-team: portal\n`);
  let received: IncomingHttpHeaders = {};
  await ofServer(
    (request, response) => {
      received = request.headers;
      response.end("{}");
    },
    "--header",
    `@${file}`,
  );
  expect(received).toMatchObject({ authorization: `Bearer ${TOKEN}`, "x-team": "portal" });
  const { code, stderr } = await doctor(
    "--router",
    "http://127.0.0.1:1/",
    "--header",
    `@${folder.at("none")}`,
  );
  expect({ code, stderr }).toEqual({
    code: 2,
    stderr: "--header @file: the file cannot be read (ENOENT).\n",
  });
});

test("doctor --help describes the command", async () => {
  const { code, stdout } = await doctor("--help");
  expect(stdout).toContain("Usage: cam-gateway doctor ");
  expect(code).toBe(0);
});
