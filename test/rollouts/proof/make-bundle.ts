import { GATEWAY_CHAIN, LEGACY, type SealedRecord } from "../../../src/audit/chain.ts";
import { formatRecord } from "../../../src/audit/export-lines.ts";
import { PlanHash, type PlanTerms } from "../../../src/rollouts/plan-hash.ts";
import {
  ItemsDigest,
  type ProvedItem,
  type RolloutSeal,
  SEAL_KIND,
} from "../../../src/rollouts/proof/rollout-seal.ts";
import {
  changeIdAt,
  headOf,
  makeChain,
  NO_LEGACY,
  newSigningKey,
  type SigningKey,
  signHeads,
} from "../../audit/make-chain.ts";

const ROLLOUT = "0199bbbb-0000-7000-8000-000000000001";
const OTHER_ROLLOUT = "0199bbbb-0000-7000-8000-000000000002";
const ACCOUNTS = ["default", "prod"] as const;
const TIME = "2026-11-24T12:00:00.000Z";
const ON = { login: { phone: true, stoken: false, wechat: false } };
const OFF = { login: { phone: false, stoken: false, wechat: false } };
const imageOf = ({ login }: typeof ON) => ({ login, action: OFF.login, asOf: TIME });
const TERMS: PlanTerms = {
  ...{ policyHash: undefined, undoOf: undefined, maxFailures: 5, accounts: ACCOUNTS, desired: ON },
  ...{ waves: [{ users: 10, holdHours: 0, waitForRelease: true }], window: undefined, includeAtRisk: false },
};
const ITEMS = 24;

/** The first record of the rollout in each chain. */
const FIRST = 3;

/** Whether a place in a chain has a change of the rollout. Records of others stand between them. */
const isOwn = (seq: number): boolean => seq >= FIRST && seq % 3 !== 2;

export interface MadeBundle {
  readonly lines: readonly string[];
  readonly key: SigningKey;
  readonly seal: RolloutSeal;
}

interface Forgery {
  readonly item?: (item: ProvedItem) => ProvedItem;
  /** The plan that was approved, if other items ran. */
  readonly planned?: (item: ProvedItem) => ProvedItem;
  readonly terms?: Partial<PlanTerms>;
  readonly seal?: (seal: RolloutSeal) => object;
  /** Returns the status of the sealed change of an item. */
  readonly status?: (item: ProvedItem) => string;
  readonly isSigned?: boolean;
}

/** A bundle as the gateway would write it, or with forged parts whose hashes and signature fit. */
export function makeBundle({
  item: forgeItem = (item) => item,
  planned: planOf = (item) => item,
  terms = {},
  seal: forgeSeal = (seal) => seal,
  status = ({ state }) => (state === "applied" ? "applied" : "refused"),
  isSigned = true,
}: Forgery = {}): MadeBundle {
  const items = planItems();
  const digest = new ItemsDigest();
  for (const item of items) digest.add(item);
  const hash = new PlanHash();
  for (const item of items) {
    const { plannedState: state, plannedCode: code, ...same } = planOf(item);
    hash.add({ ...same, state, code });
  }
  const planHash = hash.end(TERMS);
  const seal: RolloutSeal = {
    ...{ rolloutId: ROLLOUT, name: "Phones", status: "done", planHash },
    ...{ startedAt: TIME, finishedAt: TIME, approval: { subject: "bob", at: TIME } },
    ...{ differences: 1, readBackDigest: digest.finish() },
  };
  const event = JSON.stringify({ kind: SEAL_KIND, details: forgeSeal(seal) });
  const shown = [
    ...ACCOUNTS.map((account) => chainOf(account, items, planHash, status)),
    makeChain(5, { [FIRST]: event }, { chain: GATEWAY_CHAIN }),
  ];
  const others = makeChain(7, {}, { chain: "account:others" });
  const key = newSigningKey();
  const ends = [
    { chain: LEGACY, seq: 0, hash: NO_LEGACY },
    ...[...shown, others].map((chain) => headOf(chain)),
  ];
  const { content, publicKey, signature, previousHash } = signHeads(ends, key);
  const starts = [
    ...(isSigned ? [{ chain: "checkpoints", seq: 0, hash: previousHash }] : []),
    ...shown.map((chain) => headOf(chain, FIRST - 1)),
    headOf(others),
  ];
  const isShown = (record: SealedRecord) =>
    record.chain === GATEWAY_CHAIN ? record.seq === FIRST : record.content?.includes("0199cccc") === true;
  const lines = [
    { rollout: 1, id: ROLLOUT, items: ITEMS, plan: { ...TERMS, ...terms } },
    ...items.map((item) => ({ item: forgeItem(item), record: recordOf(item, shown.flat()) })),
    { export: 2, legacyEnd: NO_LEGACY, starts },
    ...(isSigned ? [{ content, publicKey, signature }] : []),
    ...shown.flatMap((chain) =>
      chain
        .filter(({ seq }) => seq >= FIRST)
        .map((record): object => JSON.parse(formatRecord(record, isShown(record)))),
    ),
    { ends },
  ];
  return { lines: lines.map((line) => JSON.stringify(line)), key, seal };
}

/** Items of each kind: every fifth failed, the last four have no change, and the others are applied. */
function planItems(): readonly ProvedItem[] {
  return Array.from({ length: ITEMS }, (_, at): ProvedItem => {
    const item = at + 1;
    const user = {
      ...{ item, account: ACCOUNTS[at % 2], opUin: String(100_021_969_000 + item), name: `Zoë 手机 ${item}` },
    };
    if (item > ITEMS - 4) {
      return { ...user, plannedState: "already_so", before: imageOf(ON), state: "already_so" };
    }
    const plan = {
      wave: item > 10 ? 2 : 1,
      plannedState: "will_change",
      before: imageOf(OFF),
      sent: ON,
    } as const;
    const planned = { ...user, ...plan };
    const changeId = changeIdAt(item).replace("0199aaaa", "0199cccc");
    return item % 5 === 0
      ? {
          ...planned,
          state: "failed",
          code: "USER_NOT_BIND_PHONE",
          changeId,
          after: imageOf(OFF),
          afterAt: TIME,
        }
      : { ...planned, state: "applied", changeId, after: imageOf(item === 1 ? OFF : ON), afterAt: TIME };
  });
}

function chainOf(
  account: string,
  items: readonly ProvedItem[],
  planHash: string,
  statusOf: (item: ProvedItem) => string,
): readonly SealedRecord[] {
  const changes = items.filter((item) => item.account === account && item.changeId !== undefined);
  const places = Array.from({ length: 60 }, (_, at) => at + 1).filter(isOwn);
  const contents = changes.map((item, at) => {
    const { changeId: id, sent, opUin } = item;
    const attempt = { rolloutId: ROLLOUT, rolloutItem: item.item, rolloutAttempt: 1, planHash };
    return [places[at], JSON.stringify({ id, sent, opUin, status: statusOf(item), account, ...attempt })];
  });
  const last = places[changes.length - 1] ?? 0;
  const other = JSON.stringify({ id: changeIdAt(1), account, rolloutId: OTHER_ROLLOUT, rolloutItem: 1 });
  return makeChain(
    last + 2,
    { ...Object.fromEntries(contents), [last + 1]: other },
    { chain: `account:${account}` },
  );
}

function recordOf({ changeId }: ProvedItem, records: readonly SealedRecord[]): object | null {
  const record = records.find(({ content }) => changeId !== undefined && content?.includes(changeId));
  return record === undefined ? null : { chain: record.chain, seq: record.seq, digest: record.digest };
}
