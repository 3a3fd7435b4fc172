import { parseInput } from "./input-problems.ts";
import type { Role } from "./seed.ts";
import { type AccessKey, keySchema, type ParsedSeed, type User, userSchema } from "./seed.ts";

/** The number of earlier states that are kept of each user, more than any test's lag needs. */
const MOST_PAST_FLAGS = 1_000;

/** Both protections of a user until a moment of the monotonic clock. */
interface PastFlags extends Pick<User, "loginFlag" | "actionFlag"> {
  untilMs: number;
}

/** The emulated account: its users and keys, in memory. */
export class Account {
  readonly ownerUin: string;
  readonly #ranges: readonly (readonly [from: bigint, to: bigint])[];
  readonly #users: Map<string, User>;
  readonly #keys: Map<string, AccessKey>;
  readonly #roles: readonly Role[];
  readonly #monotonic: () => number;
  /** The earlier states of each user, the oldest first. */
  readonly #past = new Map<string, PastFlags[]>();
  /** Accepted writes that have not taken effect yet. */
  #late: { atMs: number; write: () => void }[] = [];

  /** @param monotonic the emulator's monotonic clock, in milliseconds. */
  constructor(seed: ParsedSeed, monotonic: () => number) {
    this.#monotonic = monotonic;
    this.ownerUin = seed.account.ownerUin;
    this.#ranges = seed.account.uinRanges.map(({ from, to }) => [BigInt(from), BigInt(to)]);
    this.#users = new Map(seed.users.map((user) => [user.uin, structuredClone(user)]));
    this.#keys = new Map(seed.keys.map((key) => [key.secretId, { ...key }]));
    this.#roles = seed.roles;
  }

  /** Returns whether a Uin belongs to this account, independent of whether the user exists. */
  owns(uin: string): boolean {
    if (this.#users.has(uin)) return true;
    const value = BigInt(uin);
    return this.#ranges.some(([from, to]) => from <= value && value <= to);
  }

  user(uin: string): User | undefined {
    this.applyLate();
    return this.#users.get(uin);
  }

  /** Returns both protections of a user as they were a number of milliseconds ago; undefined for an unknown user. */
  flagsAgo(uin: string, ms: number): Pick<User, "loginFlag" | "actionFlag"> | undefined {
    const atMs = this.#monotonic() - ms;
    const user = this.user(uin);
    return user && (this.#past.get(uin)?.find(({ untilMs }) => untilMs > atMs) ?? user);
  }

  writeFlags(user: User, flags: Partial<Pick<User, "loginFlag" | "actionFlag">>): void {
    this.#keepPast(user);
    Object.assign(user, flags);
  }

  /** Applies a write later, by the monotonic clock. */
  writeLater(afterMs: number, write: () => void): void {
    this.#late.push({ atMs: this.#monotonic() + afterMs, write });
  }

  /** Applies the late writes that are due. */
  applyLate(): void {
    const nowMs = this.#monotonic();
    const due = this.#late.filter(({ atMs }) => atMs <= nowMs);
    this.#late = this.#late.filter(({ atMs }) => atMs > nowMs);
    for (const { write } of due.toSorted((one, other) => one.atMs - other.atMs)) write();
  }

  userByName(name: string): User | undefined {
    return this.users().find((user) => user.name === name);
  }

  users(): User[] {
    this.applyLate();
    return [...this.#users.values()];
  }

  /** Creates a user, or changes the given fields of an existing one. */
  putUser(uin: string, fields: Record<string, unknown>): User {
    const before = this.user(uin);
    const user = parseInput(userSchema, { ...before, ...fields, uin }, "The user is not valid");
    if (before !== undefined) this.#keepPast(before);
    this.#users.set(uin, user);
    return user;
  }

  #keepPast({ uin, loginFlag, actionFlag }: User): void {
    const past = this.#past.get(uin) ?? [];
    past.push({ loginFlag, actionFlag, untilMs: this.#monotonic() });
    this.#past.set(uin, past.slice(-MOST_PAST_FLAGS));
  }

  deleteUser(uin: string): boolean {
    return this.#users.delete(uin);
  }

  key(secretId: string): AccessKey | undefined {
    return this.#keys.get(secretId);
  }

  keys(): AccessKey[] {
    return [...this.#keys.values()];
  }

  /** Changes the given fields of an existing key. */
  changeKey(secretId: string, fields: Record<string, unknown>): AccessKey | undefined {
    const current = this.#keys.get(secretId);
    return current && this.putKey({ ...current, ...fields, secretId });
  }

  /** Creates a key, or replaces the key of the same secretId. */
  putKey(input: unknown): AccessKey {
    const key = parseInput(keySchema, input, "The key is not valid");
    this.#keys.set(key.secretId, key);
    return key;
  }

  deleteKey(secretId: string): boolean {
    return this.#keys.delete(secretId);
  }

  role(name: string): Role | undefined {
    return this.#roles.find((role) => role.name === name);
  }

  roles(): readonly Role[] {
    return this.#roles;
  }

  /** Finds a role by its ARN, with the id or the name: `qcs::cam::uin/OWNER:role/ID`, `qcs::cam::uin/OWNER:roleName/NAME`. */
  roleOfArn(arn: string): Role | undefined {
    const prefix = `qcs::cam::uin/${this.ownerUin}:`;
    return this.#roles.find(({ roleId, name }) =>
      [`${prefix}role/${roleId}`, `${prefix}roleName/${name}`].includes(arn),
    );
  }
}
