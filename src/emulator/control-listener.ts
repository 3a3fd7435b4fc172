import { createServer, type IncomingHttpHeaders, type IncomingMessage, type Server } from "node:http";
import { isIP } from "node:net";
import { z } from "zod";
import type { ClockChange, EmulatorControl, KeyChange } from "./emulator-control.ts";
import type { FaultInput } from "./fault-plan.ts";
import { InputProblems, parseInput } from "./input-problems.ts";
import type { MetadataService } from "./key-issuer.ts";
import type { AccessKeyInput, SeedInput, UserInput } from "./seed.ts";

const BODY_LIMIT_BYTES = 64 * 1024 * 1024;

/** Creates the control server: JSON over HTTP on its own port. It also serves the metadata of an instance. */
export function createControlServer(control: EmulatorControl, metadata: MetadataService): Server {
  return createServer((message, response) => {
    const told = metadata.answer(message.method, message.url?.split("?", 1)[0] ?? "");
    if (told !== undefined) {
      response.writeHead(told.status, { "Content-Type": told.contentType });
      response.end(told.body);
      return;
    }
    reply(message, control)
      .then(({ status, body }) => {
        response.writeHead(status, { "Content-Type": "application/json" });
        response.end(`${JSON.stringify(body, undefined, 2)}\n`);
      })
      .catch(() => response.destroy());
  });
}

async function reply(message: IncomingMessage, control: EmulatorControl): Promise<ControlReply> {
  try {
    const text = await readText(message);
    const refusal = refuseForeign(message.headers, text);
    if (refusal !== undefined) return refusal;
    const body: unknown = text.trim() === "" ? undefined : asJson(() => JSON.parse(text));
    const url = new URL(message.url ?? "/", "http://control");
    if (url.pathname === "/") return { status: 200, body: { routes: CONTROL_ROUTES.map(label) } };
    const onPath = CONTROL_ROUTES.filter((route) => match(route.path, url.pathname) !== undefined);
    const route = onPath.find((candidate) => candidate.method === message.method);
    if (route) {
      return route.handle(control, {
        name: match(route.path, url.pathname) ?? "",
        query: url.searchParams,
        body,
      });
    }
    if (onPath.length === 0) return { status: 404, body: { error: "No such route; GET / lists them." } };
    return {
      status: 405,
      body: { error: `This path takes ${onPath.map((known) => known.method).join(", ")}.` },
    };
  } catch (error) {
    if (error instanceof InputProblems)
      return { status: 400, body: { error: error.message, problems: error.problems } };
    throw error;
  }
}

async function readText(message: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of message as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > BODY_LIMIT_BYTES) throw new InputProblems("The body is not valid", ["longer than 64 MB"]);
    chunks.push(chunk);
  }
  return asJson(() => new TextDecoder("utf-8", { fatal: true }).decode(Buffer.concat(chunks)));
}

function asJson<Read>(read: () => Read): Read {
  try {
    return read();
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new InputProblems("The body is not JSON", [reason], { cause });
  }
}

/** Returns the value of the variable, "" for a route without one, undefined for another path. */
function match(pattern: string, path: string): string | undefined {
  const [wanted, given] = [pattern.split("/"), path.split("/")];
  if (wanted.length !== given.length) return undefined;
  const fits = wanted.every((segment, at) => segment === ":name" || segment === given[at]);
  if (!fits) return undefined;
  return pattern.endsWith(":name") ? (given.at(-1) ?? "") : "";
}

function label({ method, path }: ControlRoute): string {
  return `${method} ${path}`;
}

/**
 * Refuses requests that a web page may have caused a browser to send. A page cannot choose Origin or Host (DNS rebinding),
 * and a browser sends JSON to another origin only after a preflight.
 */
function refuseForeign(headers: IncomingHttpHeaders, body: string): ControlReply | undefined {
  const { host = "", origin } = headers;
  if (!isOwnName(nameOf(host))) {
    return refusal(421, "Address the control API by localhost, an IP address, or a name without a dot.");
  }
  if (origin !== undefined && origin.toLowerCase() !== `http://${host}`.toLowerCase()) {
    return refusal(403, "A page of another origin may not use the control API.");
  }
  const [type = ""] = (headers["content-type"] ?? "").split(";", 1);
  if (body.trim() !== "" && type.trim().toLowerCase() !== "application/json") {
    return refusal(415, "Send the body with content-type: application/json.");
  }
  return undefined;
}

/** Hosts that only this machine and its network can name. */
function isOwnName(name: string): boolean {
  return isIP(name) !== 0 || /^[a-z0-9_-]+$/.test(name);
}

function nameOf(host: string): string {
  return host
    .toLowerCase()
    .replace(/:\d*$/, "")
    .replace(/^\[(.*)\]$/, "$1");
}

function refusal(status: number, error: string): ControlReply {
  return { status, body: { error } };
}

interface ControlRequest {
  /** The last segment of the path, for a route with a variable. */
  name: string;
  query: URLSearchParams;
  /** Parsed JSON; undefined without a body. Not validated: the control's methods do that. */
  body: unknown;
}

interface ControlReply {
  status: number;
  body: unknown;
}

interface ControlRoute {
  method: "GET" | "PUT" | "POST" | "DELETE";
  /** `:name` stands for one segment. */
  path: string;
  handle(control: EmulatorControl, request: ControlRequest): ControlReply;
}

const ok = (body: unknown): ControlReply => ({ status: 200, body });
const done = ok({ ok: true });
const found = (isThere: boolean): ControlReply =>
  isThere ? done : { status: 404, body: { error: "There is none of that name." } };

const objectSchema = z.record(z.string(), z.unknown());
const journalQuery = z.strictObject({ action: z.string().optional(), opUin: z.string().optional() });

const lifetimeSchema = z.strictObject({ lifetimeSeconds: z.int().positive().nullable() });

/** All routes of the control API; `GET /` lists them. */
const CONTROL_ROUTES: readonly ControlRoute[] = [
  route("POST", "/reset", (control) => {
    control.reset();
    return done;
  }),
  route("PUT", "/seed", (control, { body }) => {
    control.seed(body as SeedInput);
    return done;
  }),
  route("GET", "/users", (control) => ok(control.users())),
  route("GET", "/users/:name", (control, { name }) => {
    const user = control.user(name);
    return user ? ok(user) : found(false);
  }),
  route("PUT", "/users/:name", (control, { name, body }) => {
    const fields = parseInput(objectSchema, body, "The user is not valid") as Partial<UserInput>;
    return ok(control.putUser({ ...fields, uin: name }));
  }),
  route("DELETE", "/users/:name", (control, { name }) => found(control.deleteUser(name))),
  route("GET", "/keys", (control) => ok(control.keys())),
  route("PUT", "/keys", (control, { body }) => ok(control.putKey(body as AccessKeyInput))),
  route("PUT", "/keys/:name", (control, { name, body }) => {
    const fields = parseInput(objectSchema, body, "The key is not valid") as KeyChange;
    const key = control.changeKey(name, fields);
    return key ? ok(key) : found(false);
  }),
  route("DELETE", "/keys/:name", (control, { name }) => found(control.deleteKey(name))),
  route("PUT", "/key-lifetime", (control, { body }) =>
    ok({
      lifetimeSeconds: control.setKeyLifetime(parseInput(lifetimeSchema, body, "Not valid").lifetimeSeconds),
    }),
  ),
  route("GET", "/faults", (control) => ok(control.faults())),
  route("POST", "/faults", (control, { body }) => ({
    status: 201,
    body: control.addFault(body as FaultInput),
  })),
  route("DELETE", "/faults", (control) => found(control.clearFaults())),
  route("DELETE", "/faults/:name", (control, { name }) => found(control.clearFaults(name))),
  route("GET", "/clock", (control) => ok(control.clock())),
  route("PUT", "/clock", (control, { body }) => ok(control.setClock(body as ClockChange))),
  route("GET", "/journal", (control, { query }) => {
    const filter = parseInput(journalQuery, Object.fromEntries(query), "The filter is not valid");
    return ok(control.journal(filter));
  }),
  route("DELETE", "/journal", (control) => {
    control.clearJournal();
    return done;
  }),
  route("GET", "/counters", (control) => ok(control.counters())),
];

function route(method: ControlRoute["method"], path: string, handle: ControlRoute["handle"]): ControlRoute {
  return { method, path, handle };
}
