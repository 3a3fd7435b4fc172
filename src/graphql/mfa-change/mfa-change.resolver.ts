import { Arg, Args, ID, Query, Resolver } from "type-graphql";
import type { ChangeLog } from "../../audit/change-log.ts";
import { badInput } from "../bad-input.ts";
import { RequiresScope } from "../requires-scope.ts";
import { MfaChange } from "./mfa-change.type.ts";
import { MfaChangeConnection } from "./mfa-change-connection.type.ts";
import { DEFAULT_PAGE, LARGEST_PAGE, MfaChangesArgs, toChangeFilter } from "./mfa-changes.args.ts";
import { toMfaChange } from "./to-mfa-change.ts";

/** What ids and cursors are; anything else cannot be the name of a record. */
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** Reads of the record. There is no way to alter it. */
@Resolver()
export class MfaChangeResolver {
  readonly #log: Pick<ChangeLog, "read" | "list">;

  constructor(deps: { readonly log: Pick<ChangeLog, "read" | "list"> }) {
    this.#log = deps.log;
  }

  @RequiresScope("cam.audit:read")
  @Query(() => MfaChange, { nullable: true, description: "One change; null where there is no such record." })
  async mfaChange(
    @Arg("id", () => ID, { description: "The id of the change." }) id: string,
  ): Promise<MfaChange | null> {
    const record = UUID.test(id) ? await this.#log.read(id) : undefined;
    return record === undefined ? null : toMfaChange(record);
  }

  @RequiresScope("cam.audit:read")
  @Query(() => MfaChangeConnection, { description: "The record of changes, newest first." })
  async mfaChanges(@Args(() => MfaChangesArgs) args: MfaChangesArgs): Promise<MfaChangeConnection> {
    const first = args.first ?? DEFAULT_PAGE;
    if (first < 1 || first > LARGEST_PAGE) throw badInput(`"first" must be from 1 to ${LARGEST_PAGE}.`);
    const after = args.after ?? undefined;
    if (after !== undefined && !UUID.test(after)) throw badInput('"after" is not a cursor of this list.');
    for (const name of ["caller", "account"] as const) {
      // PostgreSQL's texts have neither, so no record has one.
      if (/[\0\p{Cs}]/u.test(args[name] ?? ""))
        throw badInput(`"${name}" must not contain NUL or half of a surrogate pair.`);
    }
    // One more than asked for tells whether there is a next page.
    const records = await this.#log.list(toChangeFilter(args), first + 1, after);
    const nodes = records.slice(0, first).map(toMfaChange);
    return {
      nodes,
      edges: nodes.map((node) => ({ node, cursor: node.id })),
      pageInfo: {
        hasNextPage: records.length > first,
        hasPreviousPage: after !== undefined,
        startCursor: nodes.at(0)?.id,
        endCursor: nodes.at(-1)?.id,
      },
    };
  }
}
