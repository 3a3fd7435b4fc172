import type { Clock } from "../../../src/clock.ts";
import { signingKey } from "../../support/signing-key.ts";
import { startGate } from "../../support/start-gate.ts";
import {
  type Reply,
  readReply,
  type StartedGateway,
  startGateway,
  UNLIMITED,
} from "../../support/start-gateway.ts";
import { type StartedIssuer, startIssuer } from "../../support/start-issuer.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

const ARGUMENTS =
  "$opUin: Uin!, $login: LoginActionMfaFlagInput, $action: LoginActionMfaFlagInput, $over: Boolean, $reason: String";
const PASSED = "opUin: $opUin, login: $login, action: $action, overwriteOtherMethods: $over, reason: $reason";
const SET = `mutation (${ARGUMENTS}) { setSubUserMfa(${PASSED}) { change { id } } }`;
const TRY = `mutation (${ARGUMENTS}) {
  trySetSubUserMfa(${PASSED}) { ... on CamFailure { code message } ... on SetSubUserMfaPayload { change { id } } }
}`;

/** The variables of a change. */
export interface Wanted {
  readonly opUin: string;
  readonly login?: Readonly<Record<string, boolean>>;
  readonly action?: Readonly<Record<string, boolean>>;
  readonly over?: boolean;
  readonly reason?: string;
}

export interface Asking {
  /** Whether the caller has the scope cam.mfa:override. By default false. */
  readonly override?: boolean;
  readonly client?: string;
  readonly idempotencyKey?: string;
}

export interface PolicyWorld extends StartedGateway {
  readonly issuer: StartedIssuer;
  /** Replaces the policy file. */
  write(policy: object | string): Promise<void>;
  ask(query: string, variables: object, subject: string, asking?: Asking): Promise<Reply>;
  /** Requests a change and returns its id, or the code and message of its error. */
  change(wanted: Wanted, subject: string, asking?: Asking): Promise<Outcome>;
  /** Requests a change with `trySetSubUserMfa` and returns the same. */
  tryChange(wanted: Wanted, subject: string, asking?: Asking): Promise<Outcome>;
  /** Holds calls of an action before they reach CAM. */
  readonly hold: Awaited<ReturnType<typeof startGate>>["hold"];
}

export type Outcome = { readonly id: string } | { readonly code: unknown; readonly message: string };

/** Starts a gateway in server mode with callers who have tokens, and with this policy. */
export async function startPolicyWorld(
  policy: object | string,
  more: {
    readonly clock?: Clock;
    readonly holdAtStart?: string;
    readonly env?: Readonly<Record<string, string>>;
  } = {},
) {
  const issuer = await startIssuer();
  const folder = await temporaryFolder();
  const textOf = (content: object | string) =>
    typeof content === "string" ? content : JSON.stringify(content);
  const file = await folder.write("policy.yaml", textOf(policy));
  const key = await signingKey(folder);
  const gates: Awaited<ReturnType<typeof startGate>>[] = [];
  const heldAtStart: ReturnType<PolicyWorld["hold"]>[] = [];
  const gateway = await startGateway({
    callers: "proved",
    emulator: UNLIMITED.emulator,
    env: {
      ...{ ...UNLIMITED.env, ...issuer.env, POLICY_FILE: file, CALLER_RATE_PER_SECOND: "0" },
      ...key,
      ...more.env,
    },
    ...(more.clock === undefined ? {} : { clock: more.clock }),
    between: async (emulatorUrl) => {
      const gate = await startGate(emulatorUrl);
      gates.push(gate);
      if (more.holdAtStart !== undefined) heldAtStart.push(gate.hold(more.holdAtStart));
      return gate.url;
    },
  });
  const ask: PolicyWorld["ask"] = async (query, variables, subject, asking = {}) => {
    const { override = false, client = "portal", idempotencyKey } = asking;
    const scope = `cam.mfa:read cam.mfa:write cam.audit:read ${override ? "cam.mfa:override" : ""}`;
    const token = await issuer.sign({ claims: { sub: subject, azp: client, scope } });
    const request = gateway.http.post("/graphql").set("authorization", `Bearer ${token}`);
    if (idempotencyKey !== undefined) void request.set("idempotency-key", idempotencyKey);
    return readReply(await request.send({ query, variables }));
  };
  return {
    ...gateway,
    issuer,
    ask,
    heldAtStart,
    hold: (action: string) => {
      const [gate] = gates;
      if (gate === undefined) throw new Error("The gate has not started.");
      return gate.hold(action);
    },
    write: async (content: object | string) => void (await folder.write("policy.yaml", textOf(content))),
    change: async (wanted: Wanted, subject: string, asking?: Asking): Promise<Outcome> => {
      const { data, errors } = await ask(SET, wanted, subject, asking);
      const [error] = errors;
      if (error !== undefined) return { code: error.extensions["code"], message: error.message };
      return (data as { setSubUserMfa: { change: { id: string } } }).setSubUserMfa.change;
    },
    tryChange: async (wanted: Wanted, subject: string, asking?: Asking): Promise<Outcome> => {
      const { data } = await ask(TRY, wanted, subject, asking);
      const tried = (data as { trySetSubUserMfa: Outcome & { change?: { id: string } } }).trySetSubUserMfa;
      return tried.change ?? tried;
    },
  };
}
