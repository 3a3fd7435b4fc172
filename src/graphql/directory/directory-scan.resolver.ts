import {
  Arg,
  Ctx,
  Field,
  GraphQLISODateTime,
  Int,
  Mutation,
  ObjectType,
  Query,
  Resolver,
} from "type-graphql";
import { type CamErrorCode, isCamErrorCode } from "../../contract/index.ts";
import type { DirectoryScans } from "../../directory/directory-scans.ts";
import type { ScanState } from "../../directory/scan-store.ts";
import { accountOptions } from "../arguments.ts";
import type { GraphQLContext } from "../context.ts";
import { CamCalls, RequiresScope } from "../directives.ts";
import { CamErrorCodeEnum, registerEnum } from "../enums.ts";
import { accountsOptions } from "./sub-user-directory.args.ts";
import type { SelectableAccounts } from "./sub-user-directory.resolver.ts";

const DirectoryScanStatus = registerEnum<ScanState["status"]>(
  "DirectoryScanStatus",
  "The status of an account's scans.",
  {
    NEVER: "The account was never scanned.",
    WAITING: "A scan is due and begins or continues soon.",
    RUNNING: "A scan is under way.",
    PAUSED: "A person paused the scans of the account.",
    FAILED: "The last scan stopped at an error. The gateway tries again.",
    DONE: "The last scan has read every user.",
  },
);

@CamCalls(0)
@ObjectType({ description: "The scan of an account: the one under way, or the last one." })
class DirectoryScan {
  @Field(() => String, { description: "The name of the account." })
  account!: string;

  @Field(() => DirectoryScanStatus, { description: "The status of the account's scans." })
  status!: ScanState["status"];

  @Field(() => GraphQLISODateTime, { nullable: true, description: "The start of the scan." })
  startedAt?: Date | undefined;

  @Field(() => GraphQLISODateTime, {
    nullable: true,
    description: "The end of the scan. Null while it is under way.",
  })
  finishedAt?: Date | undefined;

  @Field(() => GraphQLISODateTime, {
    nullable: true,
    description: "The time at which the next scan is due. Null if none is scheduled.",
  })
  dueAt?: Date | undefined;

  @Field(() => Int, { description: "The number of users in CAM's list of the account." })
  users!: number;

  @Field(() => Int, {
    description:
      "The users whose protections the scan has read. It does not read users that were read recently.",
  })
  readUsers!: number;

  @Field(() => Int, { description: "The number of users whose protections CAM did not return." })
  failedUsers!: number;

  @Field(() => Int, { description: "The number of calls to CAM that the scan has made." })
  calls!: number;

  @Field(() => CamErrorCodeEnum, {
    nullable: true,
    description: "The error that stopped the scan. Null if it did not stop.",
  })
  code?: CamErrorCode | undefined;

  @Field(() => String, { nullable: true, description: "CAM's own error code." })
  camCode?: string | undefined;

  @Field(() => String, {
    nullable: true,
    description: "The CAM action that failed. With CAM_PERMISSION_DENIED, the action that the key needs.",
  })
  camAction?: string | undefined;

  @Field(() => String, { nullable: true, description: "The caller who paused the scans." })
  pausedBy?: string | undefined;
}

interface ScanDeps {
  readonly scans: Pick<DirectoryScans, "request" | "pause" | "resume" | "states">;
  readonly accounts: SelectableAccounts;
}

/** Shows and controls the scans of the directory. */
@Resolver()
export class DirectoryScanResolver {
  readonly #deps: ScanDeps;

  constructor(deps: ScanDeps) {
    this.#deps = deps;
  }

  @RequiresScope("cam.directory:read")
  @Query(() => [DirectoryScan], {
    description:
      "The state of the scans of each account, ordered by the account's name. Poll this field for progress.",
  })
  async directoryScans(
    @Arg("accounts", () => [String], accountsOptions) accounts: readonly string[] | null | undefined,
    @Ctx() { caller }: GraphQLContext,
  ): Promise<readonly DirectoryScan[]> {
    const states = await this.#deps.scans.states(this.#deps.accounts.select(accounts, caller));
    return states.map(toDirectoryScan);
  }

  @RequiresScope("cam.directory:scan")
  @CamCalls(0)
  @Mutation(() => DirectoryScan, {
    nullable: true,
    description:
      "Requests a scan of an account, and returns before the scan begins. The scan does not read users " +
      "that were read recently, and interactive calls go first. A paused account stays paused.",
  })
  async scanDirectory(
    @Arg("account", () => String, accountOptions) account: string | null | undefined,
    @Ctx() { caller }: GraphQLContext,
  ): Promise<DirectoryScan> {
    const { name } = this.#deps.accounts.require(account, caller);
    return toDirectoryScan(await this.#deps.scans.request(name));
  }

  @RequiresScope("cam.directory:scan")
  @CamCalls(0)
  @Mutation(() => DirectoryScan, {
    nullable: true,
    description: "Stops the scans of an account in all replicas within seconds, until `resumeDirectoryScan`.",
  })
  async pauseDirectoryScan(
    @Arg("account", () => String, accountOptions) account: string | null | undefined,
    @Ctx() { caller }: GraphQLContext,
  ): Promise<DirectoryScan> {
    const { name } = this.#deps.accounts.require(account, caller);
    return toDirectoryScan(await this.#deps.scans.pause(name, caller.subject));
  }

  @RequiresScope("cam.directory:scan")
  @CamCalls(0)
  @Mutation(() => DirectoryScan, {
    nullable: true,
    description: "Resumes the scans of an account. A scan that was under way continues at the next user.",
  })
  async resumeDirectoryScan(
    @Arg("account", () => String, accountOptions) account: string | null | undefined,
    @Ctx() { caller }: GraphQLContext,
  ): Promise<DirectoryScan> {
    const { name } = this.#deps.accounts.require(account, caller);
    return toDirectoryScan(await this.#deps.scans.resume(name));
  }
}

function toDirectoryScan({ code, ...state }: ScanState): DirectoryScan {
  return { ...state, code: isCamErrorCode(code) ? code : undefined };
}
