import { Ctx, Field, FieldResolver, GraphQLISODateTime, ObjectType, Resolver, Root } from "type-graphql";
import type { CamErrorCode } from "../../contract/index.ts";
import { availabilityOf } from "../../directory/available-methods.ts";
import type { DirectoryUser } from "../../directory/directory.ts";
import type { GraphQLContext } from "../context.ts";
import { CamCalls, RequiresScope } from "../directives.ts";
import { CamErrorCodeEnum, registerEnum } from "../enums.ts";
import { LoginActionFlag, SubUser } from "../sub-user/sub-user.type.ts";
import {
  DirectorySource,
  METHOD_NAMES,
  MfaMethod,
  ProtectionState,
  ProtectionStrength,
} from "./directory-enums.ts";

@CamCalls(0)
@ObjectType({ description: "A user's protections, as the gateway knows them." })
class KnownMfa {
  @Field(() => LoginActionFlag, { description: "Login protection: the second factor after the password." })
  login!: LoginActionFlag;

  @Field(() => LoginActionFlag, {
    description: "Operation protection: the second factor before sensitive operations in the console.",
  })
  action!: LoginActionFlag;

  @Field(() => DirectorySource, { description: "How the gateway learned them." })
  source!: keyof typeof DirectorySource;
}

const fromDirectory = "From the directory, without a call to CAM.";

/** Adds to a user what the directory knows. */
@Resolver(() => SubUser)
export class KnownSubUserResolver {
  @RequiresScope("cam.mfa:read", "cam.directory:read")
  @FieldResolver(() => ProtectionStrength, {
    nullable: true,
    description: `The strength of login protection. ${fromDirectory}`,
  })
  async strength(
    @Root() user: SubUser,
    @Ctx() context: GraphQLContext,
  ): Promise<keyof typeof ProtectionStrength> {
    return (await directoryUserOf(user, context))?.strength ?? "UNKNOWN";
  }

  @RequiresScope("cam.mfa:read", "cam.directory:read")
  @FieldResolver(() => ProtectionState, {
    nullable: true,
    description: `Whether login protection has a method. ${fromDirectory}`,
  })
  async loginProtection(
    @Root() user: SubUser,
    @Ctx() context: GraphQLContext,
  ): Promise<keyof typeof ProtectionState> {
    return (await directoryUserOf(user, context))?.loginState ?? "UNKNOWN";
  }

  @RequiresScope("cam.mfa:read", "cam.directory:read")
  @FieldResolver(() => ProtectionState, {
    nullable: true,
    description: `Whether operation protection has a method. ${fromDirectory}`,
  })
  async actionProtection(
    @Root() user: SubUser,
    @Ctx() context: GraphQLContext,
  ): Promise<keyof typeof ProtectionState> {
    return (await directoryUserOf(user, context))?.actionState ?? "UNKNOWN";
  }

  @RequiresScope("cam.mfa:read", "cam.directory:read")
  @FieldResolver(() => KnownMfa, {
    nullable: true,
    description: `The protections as the gateway knows them. Null if it never read them. ${fromDirectory}`,
  })
  async knownMfa(@Root() user: SubUser, @Ctx() context: GraphQLContext): Promise<KnownMfa | undefined> {
    return (await directoryUserOf(user, context))?.protections;
  }

  @RequiresScope("cam.mfa:read", "cam.directory:read")
  @FieldResolver(() => GraphQLISODateTime, {
    nullable: true,
    description:
      "The time of that knowledge, by the database's clock: when the read began or the change got its outcome. Null if " +
      "the gateway never read the protections.",
  })
  async protectionsAsOf(@Root() user: SubUser, @Ctx() context: GraphQLContext): Promise<Date | undefined> {
    return (await directoryUserOf(user, context))?.protections?.asOf;
  }

  @RequiresScope("cam.mfa:read", "cam.directory:read")
  @FieldResolver(() => Boolean, {
    nullable: true,
    description: `Whether a phone number is bound. The directory keeps no number. Null if unknown. ${fromDirectory}`,
  })
  async hasPhone(@Root() user: SubUser, @Ctx() context: GraphQLContext): Promise<boolean | undefined> {
    return (await directoryUserOf(user, context))?.hasPhone;
  }

  @RequiresScope("cam.mfa:read", "cam.directory:read")
  @FieldResolver(() => Boolean, {
    nullable: true,
    description: `Whether a mail address is bound. The directory keeps no address. Null if unknown. ${fromDirectory}`,
  })
  async hasEmail(@Root() user: SubUser, @Ctx() context: GraphQLContext): Promise<boolean | undefined> {
    return (await directoryUserOf(user, context))?.hasEmail;
  }

  @RequiresScope("cam.mfa:read", "cam.directory:read")
  @FieldResolver(() => Boolean, {
    nullable: true,
    description: `Whether the user may sign in to the console. Null if unknown. ${fromDirectory}`,
  })
  async consoleLogin(@Root() user: SubUser, @Ctx() context: GraphQLContext): Promise<boolean | undefined> {
    return (await directoryUserOf(user, context))?.consoleLogin;
  }

  @RequiresScope("cam.mfa:read", "cam.directory:read")
  @FieldResolver(() => [AvailableMethod], {
    nullable: true,
    description: `Whether each method can be switched on for the user now. ${fromDirectory}`,
  })
  async availableMethods(
    @Root() user: SubUser,
    @Ctx() context: GraphQLContext,
  ): Promise<readonly AvailableMethod[]> {
    return availableMethodsOf(await directoryUserOf(user, context));
  }
}

async function directoryUserOf(
  user: SubUser,
  { loaders }: GraphQLContext,
): Promise<DirectoryUser | undefined> {
  return user.directoryUser ?? loaders.of(user.account).directoryUser.load(user.opUin);
}

const MethodAvailability = registerEnum("MethodAvailability", "Whether a method can be switched on.", {
  YES: "The gateway can switch it on.",
  NO: "The change would be refused with `code`.",
  UNKNOWN: "CAM does not report it. A change may succeed, or be refused with `code`.",
});

@CamCalls(0)
@ObjectType({ description: "Whether a method can be switched on for a user." })
class AvailableMethod {
  @Field(() => MfaMethod, { description: "The method." })
  method!: keyof typeof MfaMethod;

  @Field(() => MethodAvailability, { description: "Whether the gateway can switch it on." })
  available!: keyof typeof MethodAvailability;

  @Field(() => CamErrorCodeEnum, {
    nullable: true,
    description: "The error of a change that is or may be refused. Null if the method is available.",
  })
  code?: CamErrorCode | undefined;

  @Field(() => String, {
    nullable: true,
    description: "How to make the method available. Null if it is available.",
  })
  remedy?: string | undefined;

  @Field(() => String, {
    nullable: true,
    description:
      "The user's next login to the console with this method on. Null if it cannot be switched on.",
  })
  atNextLogin?: string | undefined;
}

/** Returns what the directory says about each method of a user. */
function availableMethodsOf(user: DirectoryUser | undefined): readonly AvailableMethod[] {
  return (Object.keys(METHOD_NAMES) as (keyof typeof MfaMethod)[]).map((method) => ({
    method,
    ...availabilityOf(METHOD_NAMES[method], user),
  }));
}
