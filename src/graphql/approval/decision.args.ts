import { ArgsType, Field, ID } from "type-graphql";
import { LONGEST_REASON } from "../mfa/reason.ts";

/** The arguments of what is decided of a change that awaits approval. */
@ArgsType()
export class DecisionArgs {
  @Field(() => ID, { description: "The change: `changeId` of APPROVAL_REQUIRED." })
  id!: string;

  @Field(() => String, {
    nullable: true,
    description: `Why, for the record: at most ${LONGEST_REASON} characters.`,
  })
  reason?: string | null;
}
