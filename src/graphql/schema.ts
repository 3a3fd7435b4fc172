import "reflect-metadata";
import { buildSubgraphSchema } from "@apollo/subgraph";
import { printSchemaWithDirectives } from "@graphql-tools/utils";
import {
  GraphQLError,
  type GraphQLFieldResolver,
  GraphQLNonNull,
  type GraphQLSchema,
  GraphQLString,
  isObjectType,
  isUnionType,
  parse,
} from "graphql";
import { buildSchemaSync, createResolversMap } from "type-graphql";
import type { ChangeLog } from "../audit/change-log.ts";
import type { ChangeService } from "../changes/change-service.ts";
import type { PausedCallers } from "../changes/paused-callers.ts";
import { ApprovalResolver } from "./approval/approval.resolver.ts";
import { CamErrorResolver } from "./cam-error/cam-error.resolver.ts";
import { CamQuotaResolver, type QuotaAccounts } from "./cam-quota/cam-quota.resolver.ts";
import type { GraphQLContext } from "./context.ts";
import { checkScope } from "./directives.ts";
import { failuresAsData, throwTyped } from "./error-channels.ts";
import { SetSubUserMfaResolver } from "./mfa/set-sub-user-mfa.resolver.ts";
import { MfaChangeResolver } from "./mfa-change/mfa-change.resolver.ts";
import { PausedCallerResolver } from "./paused-caller/paused-caller.resolver.ts";
import { resolveSubUserReference, SubUserResolver } from "./sub-user/sub-user.resolver.ts";

/** v2.9 is the newest that the composers of Apollo, The Guild and Cosmo all accept. */
const IMPORTS = ["@key", "@cost", "@listSize", "@authenticated", "@requiresScopes", "@tag"];
const FEDERATION = `extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ${JSON.stringify(IMPORTS)})`;

export interface SchemaDeps {
  readonly changes: Pick<ChangeService, "setSubUserMfa" | "approve" | "reject">;
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

/**
 * Lets a representation that names no type of this subgraph fail alone. Apollo's library would fail the whole
 * list, and as a fault of ours rather than of whoever sent it.
 */
export function isolateRepresentations(schema: GraphQLSchema): GraphQLSchema {
  const field = schema.getQueryType()?.getFields()["_entities"];
  const resolve = field?.resolve;
  if (field === undefined || resolve === undefined) throw new Error("The schema is not a subgraph.");
  field.resolve = (source, { representations }: { representations: readonly unknown[] }, context, info) =>
    representations.map((representation) => {
      if (!isResolvable(representation, schema)) {
        return new GraphQLError("A representation has to name a type of this subgraph in __typename.", {
          extensions: { code: "BAD_USER_INPUT" },
        });
      }
      const [entity] = resolve(source, { representations: [representation] }, context, info) as unknown[];
      return entity;
    });
  return schema;
}

function isResolvable(representation: unknown, schema: GraphQLSchema): boolean {
  const typename = (representation as { readonly __typename?: unknown } | null)?.__typename;
  const entity = schema.getType("_Entity");
  return isUnionType(entity) && entity.getTypes().some(({ name }) => name === typename);
}

/** Writes `_Service.sdl` as the federation's specification has it, never null. Apollo's library leaves that open. */
export function promiseServiceSdl(schema: GraphQLSchema): GraphQLSchema {
  const service = schema.getType("_Service");
  const field = isObjectType(service) ? service.getFields()["sdl"] : undefined;
  if (field === undefined) throw new Error("The schema is not a subgraph.");
  field.type = new GraphQLNonNull(GraphQLString);
  return schema;
}
