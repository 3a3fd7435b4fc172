/**
 * The GraphQL API: types and resolvers by noun, loaders, admission of operations, and the form of errors. Decisions
 * about changes and callers are in changes/ and auth/. Read this file, then mfa/set-sub-user-mfa.resolver.ts.
 */
import "reflect-metadata";
import { buildSubgraphSchema } from "@apollo/subgraph";
import { printSchemaWithDirectives } from "@graphql-tools/utils";
import {
  type GraphQLFieldResolver,
  GraphQLNonNull,
  type GraphQLSchema,
  GraphQLString,
  isObjectType,
  isUnionType,
  parse,
} from "graphql";
import {
  type AuthCheckerFn,
  type BuildSchemaOptions,
  buildSchemaSync,
  createResolversMap,
  type ResolverData,
} from "type-graphql";
import type { ChangeStore } from "../audit/change-store.ts";
import { requireScope, type Scope } from "../auth/caller.ts";
import type { PausedCallers } from "../changes/change-access.ts";
import type { ChangeService } from "../changes/change-service.ts";
import type { Directory } from "../directory/directory.ts";
import type { DirectoryScans } from "../directory/directory-scans.ts";
import type { DriftLog } from "../directory/drift-log.ts";
import type { RolloutBundles } from "../rollouts/proof/rollout-bundle.ts";
import type { RolloutOrders } from "../rollouts/rollout-orders.ts";
import { currentOperation } from "../telemetry/operation.ts";
import { ApprovalResolver } from "./approval/approval.resolver.ts";
import { badInput } from "./arguments.ts";
import { CamErrorResolver } from "./cam-error/cam-error.resolver.ts";
import { CamQuotaResolver, type QuotaAccounts } from "./cam-quota/cam-quota.resolver.ts";
import type { GraphQLContext } from "./context.ts";
import { DirectoryScanResolver } from "./directory/directory-scan.resolver.ts";
import { KnownSubUserResolver } from "./directory/known-sub-user.resolver.ts";
import { MfaCoverageResolver } from "./directory/mfa-coverage.resolver.ts";
import { MfaDriftResolver } from "./directory/mfa-drift.resolver.ts";
import {
  type SelectableAccounts,
  SubUserDirectoryResolver,
} from "./directory/sub-user-directory.resolver.ts";
import { failuresAsData, withTypedErrors } from "./error-channels.ts";
import { SetSubUserMfaResolver } from "./mfa/set-sub-user-mfa.resolver.ts";
import { MfaChangeResolver } from "./mfa-change/mfa-change.resolver.ts";
import { PausedCallerResolver } from "./paused-caller/paused-caller.resolver.ts";
import { AuditEventResolver, type EventReader } from "./record/audit-event.resolver.ts";
import { type RolloutDeps, RolloutResolver } from "./rollout/rollout.resolver.ts";
import { RolloutBundleResolver } from "./rollout/rollout-bundle.resolver.ts";
import { RolloutRunResolver } from "./rollout/rollout-run.resolver.ts";
import { resolveSubUserReference, SubUserResolver } from "./sub-user/sub-user.resolver.ts";

/** v2.9 is the newest version that the composers of Apollo, The Guild and Cosmo all accept. */
const IMPORTS = ["@key", "@cost", "@listSize", "@authenticated", "@requiresScopes", "@shareable", "@tag"];
const FEDERATION = `extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ${JSON.stringify(IMPORTS)})`;

interface SchemaDeps {
  readonly changes: Pick<ChangeService, "setSubUserMfa" | "approve" | "reject">;
  readonly pausedCallers: Pick<PausedCallers, "list" | "resume">;
  readonly changeStore: Pick<ChangeStore, "find" | "read" | "list">;
  readonly events: EventReader;
  readonly accounts: QuotaAccounts & SelectableAccounts;
  readonly directory: Pick<Directory, "list" | "count" | "coverage">;
  readonly drift: Pick<DriftLog, "list">;
  readonly scans: Pick<DirectoryScans, "request" | "pause" | "resume" | "states">;
  readonly rolloutService: RolloutDeps["rolloutService"];
  readonly rolloutOrders: Pick<RolloutOrders, keyof RolloutOrders>;
  readonly bundles: Pick<RolloutBundles, "read">;
}

/** Every resolver class. The three without services ignore them. */
const RESOLVERS: readonly (new (deps: SchemaDeps) => object)[] = [
  SubUserResolver,
  SetSubUserMfaResolver,
  CamErrorResolver,
  MfaChangeResolver,
  AuditEventResolver,
  CamQuotaResolver,
  ApprovalResolver,
  PausedCallerResolver,
  SubUserDirectoryResolver,
  KnownSubUserResolver,
  MfaCoverageResolver,
  MfaDriftResolver,
  DirectoryScanResolver,
  RolloutResolver,
  RolloutRunResolver,
  RolloutBundleResolver,
];

/** Creates the resolvers of a gateway with its services. The context of each operation carries them. */
export function createResolvers(deps: SchemaDeps): GraphQLContext["resolvers"] {
  return new Map(RESOLVERS.map((Resolver) => [Resolver, new Resolver(deps)]));
}

let built: GraphQLSchema | undefined;

/** Returns the subgraph. It is the same for every gateway of a process, because its resolvers come with the context. */
export function gatewaySchema(): GraphQLSchema {
  built ??= buildGatewaySchema();
  return built;
}

/**
 * Builds the subgraph. type-graphql builds the types, withTypedErrors wraps their resolvers, and Apollo's library makes a
 * subgraph of SDL and resolvers. The wrapped resolvers' errors have the contract's extensions.
 */
function buildGatewaySchema(): GraphQLSchema {
  const schema = buildSchemaSync({
    resolvers: RESOLVERS as unknown as BuildSchemaOptions["resolvers"],
    container: ({ context }: ResolverData<GraphQLContext>) => context.resolvers,
    validate: false,
    authChecker: checkScope,
    skipCheck: true,
  });
  const sdl = `${FEDERATION}\n${printSchemaWithDirectives(schema)}`;
  const fieldResolvers = createResolversMap(schema);
  const mutations = fieldResolvers["Mutation"] as Readonly<
    Record<string, GraphQLFieldResolver<unknown, GraphQLContext>>
  >;
  const resolvers = withTypedErrors({
    ...fieldResolvers,
    Mutation: {
      ...mutations,
      trySetSubUserMfa: failuresAsData(mutations["trySetSubUserMfa"]),
      tryApproveMfaChange: failuresAsData(mutations["tryApproveMfaChange"]),
    },
    SubUser: { ...fieldResolvers["SubUser"], __resolveReference: resolveSubUserReference },
  });
  const subgraph = buildSubgraphSchema([{ typeDefs: parse(sdl), resolvers }]);
  isolateRepresentations(subgraph);
  makeServiceSdlNonNull(subgraph);
  return subgraph;
}

/**
 * Checks the scopes of RequiresScope before a field is resolved. Its error is more specific than type-graphql's own.
 */
const checkScope: AuthCheckerFn<GraphQLContext, Scope> = ({ context: { caller } }, scopes) => {
  try {
    requireScope(caller, ...scopes);
  } catch (error) {
    currentOperation.getStore()?.refuse("scope");
    throw error;
  }
  return true;
};

/**
 * Makes a representation without a type of this subgraph fail alone, as an error of the request. Apollo's library fails
 * the whole list, as an error of the gateway.
 */
function isolateRepresentations(schema: GraphQLSchema): void {
  const field = schema.getQueryType()?.getFields()["_entities"];
  const entity = schema.getType("_Entity");
  if (field?.resolve === undefined || !isUnionType(entity)) throw new Error("The schema is not a subgraph.");
  const { resolve } = field;
  field.resolve = (source, { representations }: { representations: readonly unknown[] }, context, info) =>
    representations.map((representation) => {
      const typename = (representation as { readonly __typename?: unknown } | null)?.__typename;
      if (!entity.getTypes().some(({ name }) => name === typename))
        return badInput("A representation has to name a type of this subgraph in __typename.");
      const [resolved] = resolve(source, { representations: [representation] }, context, info) as unknown[];
      return resolved;
    });
}

/** Makes `_Service.sdl` non-null, as the federation specification does and Apollo's library does not. */
function makeServiceSdlNonNull(schema: GraphQLSchema): void {
  const service = schema.getType("_Service");
  const field = isObjectType(service) ? service.getFields()["sdl"] : undefined;
  if (field === undefined) throw new Error("The schema is not a subgraph.");
  field.type = new GraphQLNonNull(GraphQLString);
}
