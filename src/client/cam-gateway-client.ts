import type { CamErrorInfo } from "../contract/index.ts";
import { answerError, GatewayTransportError } from "./client-errors.ts";
import type {
  AccountsInput,
  DirectoryScan,
  MfaCoverage,
  MfaDriftConnection,
  MfaDriftInput,
  ScanInput,
  SubUser,
  SubUserDirectoryConnection,
  SubUserDirectoryInput,
} from "./directory-types.ts";
import { DOCUMENTS } from "./documents.ts";
import type { AuditEventConnection, AuditEventsFilter } from "./event-types.ts";
import type {
  ApproveMfaRolloutInput,
  MfaRolloutBundleInput,
  MfaRolloutInput,
  MfaRolloutOrderInput,
  MfaRolloutsInput,
  PlanMfaRolloutInput,
  ReleaseMfaRolloutWaveInput,
  StartMfaRolloutInput,
  UndoMfaRolloutInput,
} from "./rollout-inputs.ts";
import type {
  MfaRollout,
  MfaRolloutBundle,
  MfaRolloutConnection,
  MfaRolloutWithItems,
} from "./rollout-types.ts";
import type {
  CallerPause,
  CamActionQuota,
  DecisionInput,
  MfaChange,
  MfaChangeConnection,
  MfaChangesFilter,
  ResumeCallerInput,
  SetSubUserMfaInput,
  SetSubUserMfaPayload,
  SetSubUserMfaResult,
} from "./schema-types.ts";
import type { CallOptions, CamGatewayClientOptions, ChangeOptions, ReadOptions } from "./send-operation.ts";
import { sendOperation } from "./send-operation.ts";

/**
 * Every operation of the gateway. Each throws a CamGatewayError for a business error, a GatewayTransportError if no
 * usable answer arrives, and the signal's reason if the caller aborts.
 */
export interface CamGatewayClient {
  /** Returns null if CAM has no such user. */
  subUser(opUin: string, options?: ReadOptions): Promise<SubUser | null>;
  /** Returns the users in the order of `opUins`, with null for each unknown user. Makes one CAM call for each user. */
  subUsers(opUins: readonly string[], options?: ReadOptions): Promise<readonly (SubUser | null)[]>;
  /** Returns users of all accounts as the gateway knows them, without a call to CAM. */
  subUserDirectory(input?: SubUserDirectoryInput, options?: CallOptions): Promise<SubUserDirectoryConnection>;
  /** Returns how many users of each account are protected. */
  mfaCoverage(input?: AccountsInput, options?: CallOptions): Promise<readonly MfaCoverage[]>;
  /** Returns changes of protections that the gateway did not make, the latest first. */
  mfaDrift(input?: MfaDriftInput, options?: CallOptions): Promise<MfaDriftConnection>;
  directoryScans(input?: AccountsInput, options?: CallOptions): Promise<readonly DirectoryScan[]>;
  /** Requests a scan of an account, and returns immediately. */
  scanDirectory(input?: ScanInput, options?: CallOptions): Promise<DirectoryScan>;
  pauseDirectoryScan(input?: ScanInput, options?: CallOptions): Promise<DirectoryScan>;
  resumeDirectoryScan(input?: ScanInput, options?: CallOptions): Promise<DirectoryScan>;
  /** Returns the gateway's catalogue of business errors. */
  camErrors(options?: CallOptions): Promise<readonly CamErrorInfo[]>;
  camQuota(options?: CallOptions): Promise<readonly CamActionQuota[]>;
  /** Returns null if the record has no such id. */
  mfaChange(id: string, options?: CallOptions): Promise<MfaChange | null>;
  /** Returns the newest changes first. */
  mfaChanges(filter?: MfaChangesFilter, options?: CallOptions): Promise<MfaChangeConnection>;
  /** Returns the newest events first: refusals, pauses, exports, and changes of the accounts. */
  auditEvents(filter?: AuditEventsFilter, options?: CallOptions): Promise<AuditEventConnection>;
  /** Switches a user's protections. Once this resolves, the change has taken effect. */
  setSubUserMfa(change: SetSubUserMfaInput, options?: ChangeOptions): Promise<SetSubUserMfaPayload>;
  /** Like `setSubUserMfa`, with a business error as data instead of thrown. Switch on `__typename`. */
  trySetSubUserMfa(change: SetSubUserMfaInput, options?: ChangeOptions): Promise<SetSubUserMfaResult>;
  /** Approves and makes a change that another caller requested. Safe to repeat. */
  approveMfaChange(decision: DecisionInput, options?: CallOptions): Promise<SetSubUserMfaPayload>;
  /** Like `approveMfaChange`, with a business error as data instead of thrown. */
  tryApproveMfaChange(decision: DecisionInput, options?: CallOptions): Promise<SetSubUserMfaResult>;
  /** Rejects a change that awaits approval, or withdraws the caller's own. Nothing is changed. */
  rejectMfaChange(decision: DecisionInput, options?: CallOptions): Promise<MfaChange>;
  /**
   * Returns a rollout with a page of its users. Returns null if there is none, or if the caller may not use all of its
   * accounts. Poll it for progress.
   */
  mfaRollout(input: MfaRolloutInput, options?: CallOptions): Promise<MfaRolloutWithItems | null>;
  /** Returns the latest rollouts first. */
  mfaRollouts(input?: MfaRolloutsInput, options?: CallOptions): Promise<MfaRolloutConnection>;
  /** Begins to plan a rollout, and returns before the plan is ready. A plan changes no user. */
  planMfaRollout(input: PlanMfaRolloutInput, options?: CallOptions): Promise<MfaRollout>;
  /** Begins to plan the way back from a rollout that has ended. */
  planMfaRolloutUndo(input: UndoMfaRolloutInput, options?: CallOptions): Promise<MfaRollout>;
  /** Starts a plan, or asks for the approval that it needs. */
  startMfaRollout(input: StartMfaRolloutInput, options?: CallOptions): Promise<MfaRollout>;
  /** Approves the plan of another person, and starts it. */
  approveMfaRollout(input: ApproveMfaRolloutInput, options?: CallOptions): Promise<MfaRollout>;
  rejectMfaRollout(input: MfaRolloutOrderInput, options?: CallOptions): Promise<MfaRollout>;
  pauseMfaRollout(input: MfaRolloutOrderInput, options?: CallOptions): Promise<MfaRollout>;
  resumeMfaRollout(id: string, options?: CallOptions): Promise<MfaRollout>;
  /** Ends a plan or a run. Changes in force stay. */
  cancelMfaRollout(input: MfaRolloutOrderInput, options?: CallOptions): Promise<MfaRollout>;
  /** Lets a wave begin that waits for a person. */
  releaseMfaRolloutWave(input: ReleaseMfaRolloutWaveInput, options?: CallOptions): Promise<MfaRollout>;
  /** Returns lines of the bundle that proves a sealed rollout. A file has each of them with a line feed. */
  mfaRolloutBundle(input: MfaRolloutBundleInput, options?: CallOptions): Promise<MfaRolloutBundle>;
  /** Returns the latest pauses first. */
  pausedCallers(options?: CallOptions): Promise<readonly CallerPause[]>;
  /** Returns null if no such caller is paused. */
  resumeCaller(caller: ResumeCallerInput, options?: CallOptions): Promise<CallerPause | null>;
}

/** Fields for which null is an answer: the user, record or pause does not exist. */
const NULL_MEANS_NONE: ReadonlySet<string> = new Set(["subUser", "mfaChange", "mfaRollout", "resumeCaller"]);

/** Creates a client of the gateway. It keeps no state between calls and never retries by itself. */
export function createCamGatewayClient(client: CamGatewayClientOptions): CamGatewayClient {
  /** A test compares the type of each result with the schema. */
  async function call<Result>(
    field: keyof typeof DOCUMENTS,
    variables: object,
    options: ChangeOptions = {},
  ): Promise<Result> {
    const { status, data, errors } = await sendOperation(client, {
      document: DOCUMENTS[field],
      variables,
      options,
    });
    const result = data[field];
    const isMissing = result === undefined || result === null;
    if (isMissing && errors.length > 0) throw answerError(errors, status);
    // If a router removes errors, a refused change must not look like one that took effect.
    if (isMissing && !(result === null && NULL_MEANS_NONE.has(field))) {
      throw new GatewayTransportError("NOT_GRAPHQL", { status });
    }
    for (const error of errors) client.onFieldError?.(answerError([error], status));
    return result as Result;
  }

  return {
    subUser: (opUin, { account, ...options } = {}) => call("subUser", { opUin, account }, options),
    subUsers: (opUins, { account, ...options } = {}) => call("subUsers", { opUins, account }, options),
    subUserDirectory: (input = {}, options) => call("subUserDirectory", input, options),
    mfaCoverage: (input = {}, options) => call("mfaCoverage", input, options),
    mfaDrift: (input = {}, options) => call("mfaDrift", input, options),
    directoryScans: (input = {}, options) => call("directoryScans", input, options),
    scanDirectory: (input = {}, options) => call("scanDirectory", input, options),
    pauseDirectoryScan: (input = {}, options) => call("pauseDirectoryScan", input, options),
    resumeDirectoryScan: (input = {}, options) => call("resumeDirectoryScan", input, options),
    camErrors: (options) => call("camErrors", {}, options),
    camQuota: (options) => call("camQuota", {}, options),
    mfaChange: (id, options) => call("mfaChange", { id }, options),
    mfaChanges: (filter = {}, options) => call("mfaChanges", filter, options),
    auditEvents: (filter = {}, options) => call("auditEvents", filter, options),
    setSubUserMfa: (change, options) => call("setSubUserMfa", change, options),
    trySetSubUserMfa: (change, options) => call("trySetSubUserMfa", change, options),
    approveMfaChange: (decision, options) => call("approveMfaChange", decision, options),
    tryApproveMfaChange: (decision, options) => call("tryApproveMfaChange", decision, options),
    rejectMfaChange: (decision, options) => call("rejectMfaChange", decision, options),
    mfaRollout: (input, options) => call("mfaRollout", input, options),
    mfaRollouts: (input = {}, options) => call("mfaRollouts", input, options),
    planMfaRollout: (input, options) => call("planMfaRollout", { input }, options),
    planMfaRolloutUndo: (input, options) => call("planMfaRolloutUndo", input, options),
    startMfaRollout: (input, options) => call("startMfaRollout", input, options),
    approveMfaRollout: (input, options) => call("approveMfaRollout", input, options),
    rejectMfaRollout: (input, options) => call("rejectMfaRollout", input, options),
    pauseMfaRollout: (input, options) => call("pauseMfaRollout", input, options),
    resumeMfaRollout: (id, options) => call("resumeMfaRollout", { id }, options),
    cancelMfaRollout: (input, options) => call("cancelMfaRollout", input, options),
    releaseMfaRolloutWave: (input, options) => call("releaseMfaRolloutWave", input, options),
    mfaRolloutBundle: (input, options) => call("mfaRolloutBundle", input, options),
    pausedCallers: (options) => call("pausedCallers", {}, options),
    resumeCaller: (caller, options) => call("resumeCaller", caller, options),
  };
}
