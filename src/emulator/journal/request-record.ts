import { actionNamed } from "../actions/find-action.ts";
import type { CamRefusal } from "../cam-refusals.ts";
import type { EmulatorState } from "../emulator-state.ts";
import type { Fault } from "../fault-plan.ts";
import type { JournalEntry } from "../journal.ts";
import type { ApiCall } from "../wire/api-call.ts";
import { headerValue, type ReceivedRequest } from "../wire/received-request.ts";

/** Updates the journal entry and the counters of one request together. */
export interface RequestRecord {
  readonly entry: JournalEntry;
  describe(call: ApiCall): void;
  names(uins: readonly string[]): void;
  accepted(): void;
  succeeded(applied: boolean): void;
  /** Records a write that the account took after the reply. */
  appliedLate(): void;
  refused(refusal: CamRefusal): void;
  struck(fault: Fault, codeTold: string | null | undefined): void;
}

/** Adds the journal entry on arrival, so that the journal also shows requests without an answer. */
export function openRecord(request: ReceivedRequest, state: EmulatorState): RequestRecord {
  const { counters, journal } = state;
  const entry: JournalEntry = {
    requestId: state.requestIds.uuid(),
    time: new Date(state.clock.now()).toISOString(),
    arrivedAtMs: request.arrivedAtMs,
    traceId: headerValue(request, "x-tc-traceid") ?? null,
    scheme: null,
    action: headerValue(request, "x-tc-action") ?? null,
    keyId: null,
    opUin: null,
    opUins: [],
    outcome: null,
    applied: false,
    fault: null,
  };
  journal.add(entry);
  let counted = false;
  /** Unknown action names share one counter, so that a client cannot grow the table. */
  const counter = () => actionNamed(entry.action ?? "")?.name ?? "(unknown)";
  const receive = () => {
    if (!counted) counters.receive(counter(), request.arrivedAtMs);
    counted = true;
  };
  return {
    entry,
    describe(call) {
      entry.scheme = call.proof.scheme;
      entry.action = call.action;
      entry.keyId = call.secretId || null;
      receive();
    },
    names(uins) {
      entry.opUins = uins;
      entry.opUin = uins.length === 1 ? (uins[0] ?? null) : null;
    },
    accepted: () => counters.count(counter(), "accepted"),
    succeeded(applied) {
      entry.outcome = "Success";
      entry.applied = applied;
      if (applied) counters.count(counter(), "applied");
    },
    appliedLate() {
      entry.applied = true;
      counters.count(counter(), "applied");
    },
    refused(refusal) {
      receive();
      entry.outcome = refusal.code;
      if (refusal.code === "RequestLimitExceeded") counters.count(counter(), "throttled");
    },
    struck(fault, codeTold) {
      entry.fault = fault.kind;
      if (codeTold !== undefined) entry.outcome = codeTold;
      if (codeTold === "RequestLimitExceeded") counters.count(counter(), "throttled");
    },
  };
}
