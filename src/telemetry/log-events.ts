import type { Logger } from "./logger.ts";

/** As much of an attempt at CAM as a log line has. */
interface AttemptEvent {
  readonly action: string;
  readonly traceId: string;
  readonly attempt: number;
  readonly durationMs: number;
  readonly quotaWaitMs: number;
  readonly requestId: string | undefined;
  readonly error:
    | (Error & {
        readonly kind: string;
        readonly camCode: string | undefined;
        readonly camMessage: string | undefined;
        readonly httpStatus: number | undefined;
        /** Why there is no usable answer: a code, and a sentence with the remedy. */
        readonly failure:
          | { readonly cause: string; readonly address?: string; readonly why: string }
          | undefined;
      })
    | undefined;
  readonly next: { readonly retryInMs: number } | { readonly gaveUp: string } | undefined;
}

/**
 * One line for each call to CAM: debug when it went well, info when CAM refused what was asked, which is the caller's
 * affair, and warn when something is wrong. CAM's own message stands only here.
 */
export function logCamAttempt(logger: Logger, event: AttemptEvent): void {
  const { traceId, requestId, error, next, durationMs, quotaWaitMs, ...rest } = event;
  const fields = {
    ...rest,
    requestId: traceId,
    camRequestId: requestId,
    durationMs: Math.round(durationMs),
    quotaWaitMs: Math.round(quotaWaitMs),
  };
  if (error === undefined) {
    logger.debug(fields, "CAM call");
    return;
  }
  const { kind, camCode, camMessage, httpStatus, failure } = error;
  // Where keys were looked for, and what was wrong there, stands in the causes.
  const reasons = kind === "NO_CREDENTIAL" ? { err: error } : {};
  const failed = { ...fields, kind, camCode, camMessage, httpStatus, ...failure, ...next, ...reasons };
  if (kind === "REFUSED" && isCallersAffair(camCode)) logger.info(failed, "CAM refused a call");
  else logger.warn(failed, "CAM call failed");
}

/** That CAM asks for fewer calls, or does not like the key, is the operator's. */
function isCallersAffair(camCode = ""): boolean {
  return /^(FailedOperation|InvalidParameter|InvalidParameterValue|ResourceNotFound)\b/.test(camCode);
}

interface CallerNames {
  readonly subject: string;
  readonly client?: string | undefined;
  readonly issuer?: string | undefined;
}

/** As much of a change as a log line has. */
interface ChangeEvent {
  readonly request: { readonly account?: string | undefined; readonly opUin: string };
  readonly context: { readonly requestId: string; readonly caller: CallerNames };
  readonly approves: { readonly requester: CallerNames } | undefined;
  readonly shared: boolean;
  readonly changeId: string | undefined;
  readonly flagSets: object | undefined;
  readonly result:
    | { readonly outcome: object }
    | { readonly error: unknown; readonly facts: FailureEvent | undefined };
  readonly durationMs: number;
}

interface RejectionEvent {
  readonly record: SettledRecord & { readonly caller: CallerNames };
  readonly caller: CallerNames;
  readonly requestId: string;
}

interface FailureEvent {
  readonly code: string;
  /** Our own words, such as which rule refuses. */
  readonly message?: string | undefined;
  /** Until when it can be approved. */
  readonly expiresAt?: string | undefined;
  readonly cam?: { readonly code: string; readonly requestId: string } | undefined;
}

function logMfaChange(logger: Logger, event: ChangeEvent): void {
  const { request, context, approves, shared, changeId, flagSets, result, durationMs } = event;
  const fields = {
    requestId: context.requestId,
    caller: context.caller.subject,
    callerClient: context.caller.client,
    callerIssuer: context.caller.issuer,
    changeId,
    // As it was asked for: where there is no such account, none was asked.
    account: request.account ?? "default",
    opUin: request.opUin,
    sent: flagSets,
    durationMs: Math.round(durationMs),
    ...(approves === undefined ? {} : { approvedFor: approves.requester.subject }),
    // Said only where it is so, which is rare.
    ...(shared ? { shared } : {}),
  };
  if ("outcome" in result) {
    logger.info({ ...fields, ...result.outcome }, "MFA change applied");
    return;
  }
  // What nobody raised deliberately has a line with its stack where it leaves.
  const { code, message, expiresAt, cam } = result.facts ?? { code: "INTERNAL" };
  if (code === "APPROVAL_REQUIRED") {
    logger.info({ ...fields, expiresAt }, "MFA change awaits approval");
    return;
  }
  const failed = { ...fields, code, why: message, camCode: cam?.code, camRequestId: cam?.requestId };
  if (code === "OUTCOME_UNKNOWN" || result.facts === undefined)
    logger.warn(failed, "MFA change of unknown outcome");
  // Why the store does not take it, such as that its disk is full, is said nowhere else.
  else if (code === "STORE_UNAVAILABLE")
    logger.warn({ ...failed, err: result.error }, "MFA change not applied");
  else logger.info(failed, "MFA change not applied");
}

/** One line for each request for a change: who switched what for whom, and what became of it. */
export function logChanges(logger: Logger) {
  return {
    onChange: (event: ChangeEvent): void => logMfaChange(logger, event),
    onRejected: ({ record, caller, requestId }: RejectionEvent): void =>
      logger.info(
        {
          ...{ requestId, caller: caller.subject, callerClient: caller.client, callerIssuer: caller.issuer },
          ...{ changeId: record.id, account: record.account, opUin: record.opUin },
          requestedBy: record.caller.subject,
        },
        "MFA change rejected or withdrawn",
      ),
    onUnsettled: (changeId: string, err: unknown): void =>
      logger.error(
        { changeId, err },
        "the outcome of a change could not be recorded; the reconciler will find it out",
      ),
  };
}

interface SettledRecord {
  readonly id: string;
  readonly account: string;
  readonly opUin: string;
}

interface SettlementEvent {
  readonly status: string;
  readonly code?: string | undefined;
}

/** One line for each thing that became known of a change after nobody waited for it any more. */
export function logReconciler(logger: Logger) {
  const fieldsOf = ({ id: changeId, account, opUin }: SettledRecord) => ({ changeId, account, opUin });
  return {
    onSettled: (record: SettledRecord, settlement: SettlementEvent): void => {
      const fields = { ...fieldsOf(record), ...settlement };
      if (settlement.code === "APPROVAL_EXPIRED")
        logger.info(fields, "nobody approved an MFA change in time");
      else if (settlement.status === "unknown")
        logger.warn(fields, "the outcome of an MFA change is not known");
      else logger.warn(fields, "an open change was settled");
    },
    onAppliedLate: (record: SettledRecord): void =>
      logger.warn(
        fieldsOf(record),
        "CAM applied an MFA change of unknown outcome although there is a later one; compare the user with the later change",
      ),
    onError: (err: unknown): void => logger.warn({ err }, "open changes cannot be looked at now"),
  };
}

/** Changes that wait for an account which is not configured any more. */
export function logOrphanedChanges(logger: Logger) {
  return {
    onOrphaned: (account: string, changes: number): void =>
      logger.error(
        { account, changes },
        "open changes are left: their account is not in CAM_ACCOUNTS, and no other can say what became of them",
      ),
    onError: (err: unknown): void => logger.warn({ err }, "changes that were left cannot be counted now"),
  };
}

/** What an operator should know of the quota that the replicas share. */
export function logQuota(logger: Logger) {
  return {
    onSlotMissed: (missed: object): void => logger.debug(missed, "a slot of the quota was missed"),
    onThrottled: (throttled: object): void =>
      logger.warn(throttled, "CAM throttled a call; all replicas slow down"),
    onStoreAway: (err: unknown, reason: string): void =>
      logger.error(
        { err, reason },
        "the database gives no quota slots: reads of CAM go on slowly, changes are refused",
      ),
    onStoreBack: (awayMs: number): void =>
      logger.info({ awayMs: Math.round(awayMs) }, "the database gives quota slots again"),
  };
}

/** Checkpoints of the record. `chain`, `seq` and `hash` are the anchor that audit:verify --expect takes. */
export function logCheckpoints(logger: Logger) {
  return {
    onSigned: ({ seq, hash }: { readonly seq: number; readonly hash: string }, chain: string): void =>
      logger.info({ event: "record.signed", chain, seq, hash }, "signed where the record of changes stands"),
    onNoAnchor: (chain: string): void =>
      logger.warn(
        { event: "record.no_anchor", chain },
        "the replica starts without an anchor: only audit:verify --expect shows whether the record was rewritten before",
      ),
    onBroken: (problem: object, chain: string): void =>
      logger.error(
        { event: "record.altered", chain, problem },
        "THE RECORD OF CHANGES WAS ALTERED, and this replica signs nothing; run audit:verify",
      ),
    onSharedAnchorFile: (file: string): void =>
      logger.error(
        { event: "record.anchor_shared", file },
        "another process has written AUDIT_ANCHOR_FILE; give each replica a file of its own",
      ),
    onError: (err: unknown): void =>
      logger.warn({ event: "record.not_signed", err }, "no checkpoint of the record can be signed now"),
  };
}

/** A request for approval that the database holds and this gateway did not record so: it is settled as refused. */
export function logForgedRequests(logger: Logger) {
  return (changeId: string, why: string): void =>
    logger.error(
      { event: "approval.not_genuine", changeId, why },
      "A REQUEST FOR APPROVAL IS NOT AS THIS GATEWAY RECORDED IT, and is refused",
    );
}

/** Which key is used, by its id, which is not secret; and that no newer one can be had. */
export function logCredentials(logger: Logger) {
  return {
    onLoaded: ({ secretId, expiresAtMs }: CredentialEvent): void =>
      logger.info({ secretId, expiresAt: expiresAtMs && new Date(expiresAtMs) }, "key for CAM loaded"),
    onRefreshFailed: (err: unknown): void =>
      logger.warn({ err }, "no newer key for CAM can be had; the old one goes on being used"),
  };
}

interface CredentialEvent {
  readonly secretId: string;
  readonly expiresAtMs?: number;
}

/** Operations that enforcing trusted documents refuses, or would refuse. */
export function logUntrustedOperations(logger: Logger) {
  return (operation: object): void => logger.warn(operation, "an operation is no trusted document");
}

/** Why a caller is refused; `retryAfterMs` where nothing could be found out about the proof. */
interface RejectedTokenEvent {
  readonly refusal: string;
  readonly retryAfterMs?: number;
  readonly cause?: unknown;
  /** By whom the token is and for whom, and what is expected. */
  readonly mismatch?: object;
  readonly claim?: { readonly name: string; readonly problem: string };
}

/** A request whose proof of who asks is not believed, or cannot be checked. The proof itself is in no line. */
export function logRejectedToken(
  logger: Logger,
  { refusal, retryAfterMs, cause, mismatch, claim }: RejectedTokenEvent,
  requestId: string,
): void {
  const problem = cause === undefined ? {} : { problem: String(cause) };
  const claimed = claim === undefined ? {} : { claim: claim.name, claimProblem: claim.problem };
  const fields = { requestId, reason: refusal, ...problem, ...mismatch, ...claimed };
  if (retryAfterMs === undefined) logger.warn(fields, "a caller is not believed");
  else logger.warn(fields, "it cannot be checked who a caller is");
}

/** Where the keys of an issuer stand. */
export function logKeys(logger: Logger, issuer: string) {
  return {
    onKeysLoaded: (): void => logger.info({ issuer }, "the keys of an issuer are new"),
    onKeysAway: (err: unknown): void =>
      logger.error({ issuer, err }, "the keys of an issuer cannot be had; those at hand serve for a while"),
  };
}

/** Certificates of our own that were renewed. */
export function logTls(logger: Logger) {
  return {
    onTlsReloaded: (): void => logger.info("a renewed certificate is in use"),
    onTlsError: (err: unknown): void =>
      logger.error({ err }, "the certificate files cannot be used; the old certificate goes on"),
  };
}

/** Connections that were closed as they came: the first of its kind, and then those of each minute together. */
export function logConnections(logger: Logger) {
  return {
    onConnectionsRefused: (kind: "address" | "total", address: string, connections: number): void =>
      logger.warn(
        { kind, address, connections },
        kind === "address"
          ? "connections were refused: their address has a quarter of MAX_CONNECTIONS already"
          : "connections were refused: all of MAX_CONNECTIONS are in use",
      ),
  };
}

/** Which policy decides who may change whom. */
export function logPolicy(logger: Logger) {
  return {
    onPolicyInForce: (policy: object): void => logger.info({ policy }, "the policy is in force"),
    onPolicyError: (error: unknown): void =>
      logger.error(whyUnusable(error), "the policy file cannot be used; the old policy goes on"),
  };
}

/** The mistakes in a file, each once: where in our code they were found is of no interest. */
function whyUnusable(error: unknown): object {
  const { problems } = error as { readonly problems?: unknown };
  return Array.isArray(problems) ? { problems } : { err: error };
}

/** What the policy says of accounts that there are not, and does not say of those that there are. */
export function logUnlistedAccounts(
  logger: Logger,
  accounts: readonly string[],
  listed: readonly string[],
): void {
  const unlisted = accounts.filter((name) => !listed.includes(name));
  const missing = listed.filter((name) => !accounts.includes(name));
  if (unlisted.length > 0) logger.warn({ accounts: unlisted }, "the policy lets nobody use these accounts");
  if (missing.length > 0)
    logger.warn({ accounts: missing }, "the policy is about accounts that there are not");
}

/** Callers whom the bulk guard has stopped: one line when it does, and one when an operator lets them go on. */
export function logPausedCallers(logger: Logger) {
  return {
    onCallerPaused: ({ subject, client, issuer }: CallerNames, opUin: string): void =>
      logger.warn(
        { caller: subject, callerClient: client, callerIssuer: issuer, opUin },
        "a caller changes too many users and is paused until an operator resumes them",
      ),
    onCallerResumed: ({ subject, issuer, resumed }: ResumedEvent): void =>
      logger.info(
        { caller: subject, callerIssuer: issuer, resumedBy: resumed?.by.subject },
        "a paused caller was resumed",
      ),
  };
}

interface CallerNames {
  readonly subject: string;
  readonly client?: string | undefined;
  readonly issuer?: string | undefined;
}

interface ResumedEvent extends CallerNames {
  readonly resumed: { readonly by: CallerNames } | undefined;
}

/** Whether CAM takes the key, and whose it is: at start-up, rather than at the first change. */
export function logOwnUsers(logger: Logger) {
  return {
    onKnown: (camIdentity: object): void => logger.info({ camIdentity }, "CAM accepts the key"),
    onUnknown: (err: unknown): void =>
      logger.warn(
        { ...(err as { readonly failure?: object }).failure, err },
        "CAM does not accept the key, or cannot be reached; no change is made before it says whose the key is",
      ),
  };
}
