import type { SubAccount } from "../../cam/index.ts";
import type { Uin } from "../../contract/index.ts";
import type { Loaders } from "../loaders.ts";
import type { SubUser } from "./sub-user.type.ts";
import { toSubUserId } from "./sub-user-id.ts";

/**
 * A user of whom only the Uin is at hand, as after a change. The rest is read when, and only if, an operation
 * selects it; a read that fails costs that field alone and not the news that the change took effect.
 */
export class LazySubUser implements SubUser {
  readonly id: string;
  readonly opUin: Uin;
  readonly account: string;
  readonly #loaders: Loaders;

  constructor(opUin: Uin, loaders: Loaders) {
    this.opUin = opUin;
    this.account = loaders.account;
    this.id = toSubUserId(this);
    this.#loaders = loaders;
  }

  get name(): Promise<string | undefined> {
    return this.#read("name");
  }

  get uid(): Promise<string | undefined> {
    return this.#read("uid");
  }

  get remark(): Promise<string | undefined> {
    return this.#read("remark");
  }

  get userType(): Promise<number | undefined> {
    return this.#read("userType");
  }

  get createTime(): Promise<string | undefined> {
    return this.#read("createTime");
  }

  get lastLoginTime(): Promise<string | undefined> {
    return this.#read("lastLoginTime");
  }

  get lastLoginIp(): Promise<string | undefined> {
    return this.#read("lastLoginIp");
  }

  async #read<Field extends keyof SubAccount>(field: Field): Promise<SubAccount[Field] | undefined> {
    return (await this.#loaders.profile.load(this.opUin))?.[field];
  }
}
