import { parseInput } from "../input-problems.ts";
import type { Role } from "./role-schema.ts";
import { type AccessKey, keySchema, type ParsedSeed, type User, userSchema } from "./seed-schema.ts";

/** The emulated account: its users and keys, in memory. */
export class Account {
  readonly ownerUin: string;
  readonly #ranges: readonly (readonly [from: bigint, to: bigint])[];
  readonly #users: Map<string, User>;
  readonly #keys: Map<string, AccessKey>;
  readonly #roles: readonly Role[];

  constructor(seed: ParsedSeed) {
    this.ownerUin = seed.account.ownerUin;
    this.#ranges = seed.account.uinRanges.map(({ from, to }) => [BigInt(from), BigInt(to)]);
    this.#users = new Map(seed.users.map((user) => [user.uin, structuredClone(user)]));
    this.#keys = new Map(seed.keys.map((key) => [key.secretId, { ...key }]));
    this.#roles = seed.roles;
  }

  /** Whether a Uin belongs to this account, be there such a user or not. */
  owns(uin: string): boolean {
    if (this.#users.has(uin)) return true;
    const value = BigInt(uin);
    return this.#ranges.some(([from, to]) => from <= value && value <= to);
  }

  user(uin: string): User | undefined {
    return this.#users.get(uin);
  }

  userByName(name: string): User | undefined {
    return this.users().find((user) => user.name === name);
  }

  users(): User[] {
    return [...this.#users.values()];
  }

  /** Creates a user, or changes the given fields of one that is there. */
  putUser(uin: string, fields: Record<string, unknown>): User {
    const user = parseInput(userSchema, { ...this.#users.get(uin), ...fields, uin }, "The user is not valid");
    this.#users.set(uin, user);
    return user;
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

  /** Changes the given fields of a key that is there. */
  changeKey(secretId: string, fields: Record<string, unknown>): AccessKey | undefined {
    const current = this.#keys.get(secretId);
    return current && this.putKey({ ...current, ...fields, secretId });
  }

  /** Creates a key or replaces the one of that name. */
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

  /** By its description with the id or the name: `qcs::cam::uin/OWNER:role/ID`, `qcs::cam::uin/OWNER:roleName/NAME`. */
  roleOfArn(arn: string): Role | undefined {
    const prefix = `qcs::cam::uin/${this.ownerUin}:`;
    return this.#roles.find(({ roleId, name }) =>
      [`${prefix}role/${roleId}`, `${prefix}roleName/${name}`].includes(arn),
    );
  }
}
