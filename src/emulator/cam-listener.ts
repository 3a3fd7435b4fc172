import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Account } from "./account.ts";
import { bindAction, readUins } from "./actions/action-definition.ts";
import { findAction, PRODUCTS } from "./actions/find-action.ts";
import { ParameterReader } from "./actions/parameter-reader.ts";
import { CamRefusal, type Language, refusals } from "./cam-refusals.ts";
import type { EmulatorEvent } from "./emulator-event.ts";
import type { EmulatorState } from "./emulator-state.ts";
import type { Fault } from "./fault-plan.ts";
import { type Disturbance, playFault } from "./fault-plan.ts";
import { openRecord, type RequestRecord } from "./journal.ts";
import type { AccessKey } from "./seed.ts";
import { equalInConstantTime, type SignatureMismatch } from "./signature/signature-mismatch.ts";
import { verifyTc3 } from "./signature/verify-tc3.ts";
import { verifyV1 } from "./signature/verify-v1.ts";
import { type Delivery, deliver, jsonReply, refusalEnvelope, successEnvelope } from "./wire/deliver.ts";
import type { ApiCall } from "./wire/read-call.ts";
import { readCall } from "./wire/read-call.ts";
import { headerValue, type ReceivedRequest, receiveRequest } from "./wire/received-request.ts";

/** Fits a 32 KB query and the headers. Node answers longer ones by HTTP 431. */
const MAX_HEADER_BYTES = 128 * 1024;
/** Longer than any pause of a test, so that the server does not close a connection which a client reuses. */
const KEEP_ALIVE_MS = 65_000;

/** Creates the CAM server. Path, query, headers and body reach the verifier unchanged. */
export function createCamServer(deps: AnswerDeps): Server {
  const server = createServer({
    maxHeaderSize: MAX_HEADER_BYTES,
    keepAliveTimeout: KEEP_ALIVE_MS,
    // The verifier, not Node, refuses a request without a Host header.
    requireHostHeader: false,
  });
  server.on("request", (message, response) => {
    serve(message, response, deps).catch((error: unknown) => {
      // The client closed the connection during its request or the reply, so it cannot get an error.
      if (!message.complete || response.destroyed) return;
      deps.emit({ kind: "defect", error });
      response.destroy();
    });
  });
  return server;
}

async function serve(message: IncomingMessage, response: ServerResponse, deps: AnswerDeps): Promise<void> {
  const { clock } = deps.state;
  const request = await receiveRequest(message, () => clock.monotonic());
  const delivery = await answerRequest(request, deps);
  await deliver(delivery, response, {
    date: new Date(clock.now()).toUTCString(),
    traceId: headerValue(request, "x-tc-traceid"),
  });
}

interface AnswerDeps {
  state: EmulatorState;
  emit(event: EmulatorEvent): void;
  /** Resolves early when the emulator stops. */
  wait(ms: number): Promise<void>;
}

/** Answers one request in the order of the vendor's gateway: parse, authenticate, limit the rate, run the action. */
async function answerRequest(request: ReceivedRequest, deps: AnswerDeps): Promise<Delivery> {
  const record = openRecord(request, deps.state);
  let language: Language = "en-US";
  try {
    const call = readCall(request);
    language = call.language;
    record.describe(call);
    return await answerCall(call, request, record, deps);
  } catch (error) {
    const refusal = error instanceof CamRefusal ? error : refusals.internalError();
    if (refusal !== error) deps.emit({ kind: "defect", error });
    record.refused(refusal);
    return jsonReply(refusalEnvelope(refusal, language, record.entry.requestId));
  } finally {
    deps.emit({ kind: "request", entry: { ...record.entry } });
  }
}

async function answerCall(
  call: ApiCall,
  request: ReceivedRequest,
  record: RequestRecord,
  { state, emit, wait }: AnswerDeps,
): Promise<Delivery> {
  const { requestId } = record.entry;
  // Read the state once: a call from before a reset must not change the state after it.
  const { account, issuer, faults, settings, chance } = state;
  const key = authenticate(call, request, {
    account,
    nowMs: state.clock.now(),
    onMismatch: (mismatch) =>
      emit({ kind: "signatureMismatch", requestId, keyId: call.secretId, ...mismatch }),
  });
  const definition = findAction(call, request);
  const run = bindAction(definition, key);
  state.limiter.admit(key?.session ? key.uin : call.secretId, definition.name, request.arrivedAtMs);
  refuseRegion(call, settings.nullRegion);
  const refuse = (refusal: CamRefusal) => refusalEnvelope(refusal, call.language, requestId);
  const carryOut = (disturbance: Disturbance = {}) => {
    if (call.parameters instanceof CamRefusal) throw call.parameters;
    const reader = new ParameterReader(call.parameters, call.format);
    return run(reader, {
      ...{ account, issuer, nowMs: state.clock.now(), readLagMs: 0 },
      ...settings,
      ...disturbance,
    });
  };
  const perform = (disturbance?: Disturbance) => {
    try {
      const { response, applied } = carryOut(disturbance);
      record.succeeded(applied);
      return successEnvelope(response, requestId);
    } catch (error) {
      if (!(error instanceof CamRefusal)) throw error;
      record.refused(error);
      return refuse(error);
    }
  };

  const performLater = (afterMs: number) =>
    account.writeLater(afterMs, () => {
      try {
        if (carryOut().applied) record.appliedLate();
      } catch (error) {
        // The reply is already sent, so a refusal has no reader.
        if (!(error instanceof CamRefusal)) emit({ kind: "defect", error });
      }
    });

  const uins = call.parameters instanceof CamRefusal ? [] : readUins(definition, call.parameters);
  record.names(uins);
  const fault = faults.strike(definition.name, uins);
  if (!fault) {
    record.accepted();
    return jsonReply(perform());
  }
  if (fault.delayMs > 0) await wait(fault.delayMs);
  if (fault.kind !== "throttle") record.accepted();
  const stage = { perform, performLater, refuse, ratePerSecond: settings.ratePerSecond, random: chance };
  const delivery = playFault(fault, stage);
  record.struck(fault, codeTold(fault));
  return delivery;
}

/** Returns the CAM code that a fault puts into the reply: undefined for the call's own, null for no CAM answer. */
function codeTold(fault: Fault): string | null | undefined {
  if (["delay", "staleRead", "oddList"].includes(fault.kind)) return undefined;
  if (fault.kind === "throttle") return "RequestLimitExceeded";
  return fault.kind === "camError" ? fault.code : null;
}

const REGION = /^[a-z]{2}-[a-z]+(-[a-z0-9]+)*$/;

/**
 * Refuses a malformed region. CAM ignores regions, but the vendor's gateway checks their form. An empty one passes: the
 * Java SDK (TC3) and the Go SDK (v1) send it for a client without a region.
 */
function refuseRegion(call: ApiCall, nullRegion: "accept" | "refuse"): void {
  const { region } = call;
  if (region === undefined || region === "" || REGION.test(region)) return;
  if (region === "null" && nullRegion === "accept") return;
  throw refusals.parameterValue(call.proof.scheme === "TC3-HMAC-SHA256" ? "X-TC-Region" : "Region");
}

const MAX_SKEW_MS = 300_000;

interface Authentication {
  account: Account;
  nowMs: number;
  onMismatch(mismatch: SignatureMismatch): void;
}

/**
 * Checks time, key, signature and token, in this order. Returns the caller's key, or undefined for a call that declares
 * itself unsigned. Throws AuthFailure.*.
 */
function authenticate(call: ApiCall, request: ReceivedRequest, deps: Authentication): AccessKey | undefined {
  if (Math.abs(deps.nowMs - call.timestamp * 1000) > MAX_SKEW_MS) throw refusals.signatureExpired();
  if (call.proof.scheme === "SKIP") return undefined;
  if (!/^AKID[0-9A-Za-z_-]+$/.test(call.secretId)) throw refusals.invalidSecretId();
  const key = deps.account.key(call.secretId);
  if (!key || key.disabled) throw refusals.secretIdNotFound();
  const mismatch =
    call.proof.scheme === "TC3-HMAC-SHA256"
      ? verifyTc3(request, call.proof.authorization, key.secretKey, PRODUCTS)
      : verifyV1(request, call.proof, key.secretKey);
  if (mismatch) {
    deps.onMismatch(mismatch);
    throw refusals.signatureFailure();
  }
  refuseToken(key, call.token, deps.nowMs);
  return key;
}

/** A temporary key needs its token; a permanent key must not have one. */
function refuseToken(key: AccessKey, token: string | undefined, nowMs: number): void {
  if (!equalInConstantTime(token ?? "", key.token ?? "")) throw refusals.tokenFailure();
  if (key.expiresAt !== null && Date.parse(key.expiresAt) <= nowMs) throw refusals.tokenFailure();
}
