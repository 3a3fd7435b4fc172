import { parseSeed } from "../account/load-seed.ts";
import type { AccessKey } from "../account/seed-schema.ts";
import type { EmulatorState } from "../emulator-state.ts";
import { parseInput } from "../input-problems.ts";
import { clockChangeSchema } from "./clock-change.ts";
import type { EmulatorControl, KeyView } from "./emulator-control.ts";

/** The in-process handle. What it hands out are copies: only its methods change the emulator. */
export function createControl(state: EmulatorState): EmulatorControl {
  return {
    reset: () => state.reset(),
    seed: (seed) => state.reset(parseSeed(seed)),
    users: () => structuredClone(state.account.users()),
    user: (uin) => structuredClone(state.account.user(uin)),
    putUser: ({ uin, ...fields }) => structuredClone(state.account.putUser(uin, fields)),
    deleteUser: (uin) => state.account.deleteUser(uin),
    keys: () => state.account.keys().map(withoutSecrets),
    putKey: (key) => withoutSecrets(state.account.putKey(key)),
    changeKey: (secretId, change) => {
      const key = state.account.changeKey(secretId, change);
      return key && withoutSecrets(key);
    },
    setKeyLifetime: (seconds) => {
      state.issuer.lifetimeSeconds = seconds ?? undefined;
      return seconds;
    },
    deleteKey: (secretId) => state.account.deleteKey(secretId),
    faults: () => state.faults.list(),
    addFault: (fault) => state.faults.add(fault),
    clearFaults: (id) => state.faults.remove(id),
    clock: () => state.clock.view(),
    setClock: (input) => {
      const change = parseInput(clockChangeSchema, input, "The clock change is not valid");
      if (change.offsetMs !== undefined) state.clock.setOffset(change.offsetMs);
      if (change.frozen === true) state.clock.freeze(change.atMs);
      if (change.frozen === false) state.clock.resume();
      if (change.advanceMs !== undefined) state.clock.advance(change.advanceMs);
      return state.clock.view();
    },
    journal: (filter) => {
      state.account.applyLate();
      return state.journal.list(filter);
    },
    clearJournal: () => state.journal.clear(),
    counters: () => {
      state.account.applyLate();
      return state.counters.view();
    },
  };
}

function withoutSecrets({ secretKey: _secretKey, token: _token, ...rest }: AccessKey): KeyView {
  return rest;
}
