import { Field, ObjectType } from "type-graphql";
import type { CamErrorCode } from "../../contract/index.ts";
import { availabilityOf } from "../../directory/available-methods.ts";
import type { DirectoryUser } from "../../directory/directory.ts";
import { CamCalls } from "../directives.ts";
import { CamErrorCodeEnum, registerEnum } from "../enums.ts";
import { METHOD_NAMES, MfaMethod } from "./directory-enums.ts";

const MethodAvailability = registerEnum("MethodAvailability", "Whether a method can be switched on.", {
  YES: "The gateway can switch it on.",
  NO: "The change would be refused with `code`.",
  UNKNOWN: "CAM does not tell. The change shows it, with `code` if it is refused.",
});

@CamCalls(0)
@ObjectType({ description: "Whether a method can be switched on for a user." })
export class AvailableMethod {
  @Field(() => MfaMethod, { description: "The method." })
  method!: keyof typeof MfaMethod;

  @Field(() => MethodAvailability, { description: "Whether the gateway can switch it on." })
  available!: keyof typeof MethodAvailability;

  @Field(() => CamErrorCodeEnum, {
    nullable: true,
    description: "The error of a change that is or may be refused. Null if the method is available.",
  })
  code?: CamErrorCode | undefined;

  @Field(() => String, { nullable: true, description: "The way to make the method available." })
  remedy?: string | undefined;

  @Field(() => String, {
    nullable: true,
    description:
      "The user's next login to the console with this method on. Null if it cannot be switched on.",
  })
  atNextLogin?: string | undefined;
}

/** Returns what the directory says about each method of a user. */
export function availableMethodsOf(user: DirectoryUser | undefined): readonly AvailableMethod[] {
  return (Object.keys(METHOD_NAMES) as (keyof typeof MfaMethod)[]).map((method) => ({
    method,
    ...availabilityOf(METHOD_NAMES[method], user),
  }));
}
