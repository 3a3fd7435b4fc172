import { z } from "zod";
import type { AccessKeyInput, SeedInput, UserInput } from "../account/seed.ts";
import type { FaultInput } from "../faults/fault-schema.ts";
import { parseInput } from "../input-problems.ts";
import type { ClockChange, EmulatorControl, KeyChange } from "./emulator-control.ts";

interface ControlRequest {
  /** The last segment of the path, for a route with a variable. */
  name: string;
  query: URLSearchParams;
  /** Parsed JSON; undefined without a body. Not validated: the control's methods do that. */
  body: unknown;
}

export interface ControlReply {
  status: number;
  body: unknown;
}

export interface ControlRoute {
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
export const CONTROL_ROUTES: readonly ControlRoute[] = [
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
