import "reflect-metadata";
import { buildSubgraphSchema } from "@apollo/subgraph";
import { printSchemaWithDirectives } from "@graphql-tools/utils";
import { type GraphQLFieldResolver, type GraphQLSchema, parse } from "graphql";
import { buildSchemaSync, createResolversMap } from "type-graphql";
import type { ChangeLog } from "../audit/change-log.ts";
import type { ChangeApprovals } from "../changes/change-approvals.ts";
import type { ChangeService } from "../changes/change-service.ts";
import type { PausedCallers } from "../changes/paused-callers.ts";
import { ApprovalResolver } from "./approval/approval.resolver.ts";
import { CamErrorResolver } from "./cam-error/cam-error.resolver.ts";
import { CamQuotaResolver, type QuotaAccounts } from "./cam-quota/cam-quota.resolver.ts";
import { checkScope } from "./check-scope.ts";
import type { GraphQLContext } from "./context.ts";
import { isolateRepresentations } from "./entities.ts";
import { failuresAsData } from "./failures-as-data.ts";
import { SetSubUserMfaResolver } from "./mfa/set-sub-user-mfa.resolver.ts";
import { MfaChangeResolver } from "./mfa-change/mfa-change.resolver.ts";
import { PausedCallerResolver } from "./paused-caller/paused-caller.resolver.ts";
import { promiseServiceSdl } from "./service-sdl.ts";
import { SubUserResolver } from "./sub-user/sub-user.resolver.ts";
import { resolveSubUserReference } from "./sub-user/sub-user-reference.ts";
import { throwTyped } from "./throw-typed.ts";

/** v2.9 is the newest that the composers of Apollo, The Guild and Cosmo all accept. */
const IMPORTS = ["@key", "@cost", "@listSize", "@authenticated", "@requiresScopes", "@tag"];
const FEDERATION = `extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ${JSON.stringify(IMPORTS)})`;

export interface SchemaDeps {
  readonly changes: Pick<ChangeService, "setSubUserMfa">;
  readonly approvals: Pick<ChangeApprovals, "approve" | "reject">;
  readonly pausedCallers: Pick<PausedCallers, "list" | "resume">;
  readonly log: Pick<ChangeLog, "find" | "read" | "list">;
  readonly accounts: QuotaAccounts;
}

/**
 * The subgraph. type-graphql builds the types and Apollo's library makes a subgraph of their SDL; resolvers
 * are wrapped on the way, so that whatever they throw leaves typed.
 */
export function buildGatewaySchema(deps: SchemaDeps): GraphQLSchema {
  const resolverClasses = new Map<unknown, unknown>([
    [SubUserResolver, new SubUserResolver()],
    [SetSubUserMfaResolver, new SetSubUserMfaResolver(deps)],
    [CamErrorResolver, new CamErrorResolver()],
    [MfaChangeResolver, new MfaChangeResolver(deps)],
    [CamQuotaResolver, new CamQuotaResolver(deps)],
    [ApprovalResolver, new ApprovalResolver(deps)],
    [PausedCallerResolver, new PausedCallerResolver(deps)],
  ]);
  const schema = buildSchemaSync({
    resolvers: [
      SubUserResolver,
      SetSubUserMfaResolver,
      CamErrorResolver,
      MfaChangeResolver,
      CamQuotaResolver,
      ApprovalResolver,
      PausedCallerResolver,
    ],
    container: { get: (resolverClass) => resolverClasses.get(resolverClass) as object },
    validate: false,
    authChecker: checkScope,
    skipCheck: true,
  });
  const sdl = `${FEDERATION}\n${printSchemaWithDirectives(schema)}`;
  const fieldResolvers = createResolversMap(schema);
  const mutations = fieldResolvers["Mutation"] as Readonly<
    Record<string, GraphQLFieldResolver<unknown, GraphQLContext>>
  >;
  const resolvers = throwTyped({
    ...fieldResolvers,
    Mutation: {
      ...mutations,
      trySetSubUserMfa: failuresAsData(mutations["trySetSubUserMfa"]),
      tryApproveMfaChange: failuresAsData(mutations["tryApproveMfaChange"]),
    },
    SubUser: { ...fieldResolvers["SubUser"], __resolveReference: resolveSubUserReference },
  });
  return promiseServiceSdl(
    isolateRepresentations(buildSubgraphSchema([{ typeDefs: parse(sdl), resolvers }])),
  );
}
