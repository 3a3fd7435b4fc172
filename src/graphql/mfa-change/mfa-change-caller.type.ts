import { Field, ObjectType } from "type-graphql";
import { CamCalls } from "../cam-calls.ts";

@CamCalls(0)
@ObjectType({ description: "A caller as the record names them." })
export class MfaChangeCaller {
  @Field(() => String, { description: "The caller; `local` in local mode." })
  subject!: string;

  @Field(() => String, { nullable: true, description: "The client that acted for the caller." })
  client?: string | undefined;

  @Field(() => String, { nullable: true, description: "Who vouched for the caller." })
  issuer?: string | undefined;
}
