/**
 * The fields that an operation selects, and the CAM calls that they need.
 */

import {
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  GraphQLError,
  type GraphQLField,
  GraphQLIncludeDirective,
  type GraphQLInterfaceType,
  type GraphQLNamedType,
  type GraphQLObjectType,
  type GraphQLSchema,
  GraphQLSkipDirective,
  getDirectiveValues,
  getNamedType,
  getVariableValues,
  isAbstractType,
  isInterfaceType,
  isObjectType,
  Kind,
  type OperationDefinitionNode,
  SchemaMetaFieldDef,
  type SelectionNode,
  type SelectionSetNode,
  TypeMetaFieldDef,
  TypeNameMetaFieldDef,
  valueFromAST,
} from "graphql";
import { DEFAULT_ACCOUNT } from "../auth/accounts.ts";
import { MAX_SUB_ACCOUNTS_PER_CALL } from "../cam/index.ts";
import { parseSubUserId } from "./arguments.ts";
import { CALLS_OF_FIELDS, CAM_ACTIONS, type CamActionName, LISTS_OF_USERS } from "./directives.ts";
import { limitRefusal } from "./documents/document-limits.ts";

export interface Operation {
  readonly document: DocumentNode;
  /** The requested operation of the document. */
  readonly operation: OperationDefinitionNode;
  readonly variables: Readonly<Record<string, unknown>>;
}

/** A field that an operation selects, directly or by a fragment. */
export interface SelectedField {
  /** The type and the field: `Query.subUser`. */
  readonly name: string;
  readonly field: GraphQLField<unknown, unknown>;
  /** Returns the value of an argument, or undefined if it does not fit the declared type. */
  readonly argument: (name: string) => unknown;
  /** The selections below the field, for each object type that it may return. */
  readonly inner: SelectedFields;
}

type SelectedFields = ReadonlyMap<string, readonly SelectedField[]>;

const META_FIELDS: ReadonlyMap<string, GraphQLField<unknown, unknown>> = new Map(
  [SchemaMetaFieldDef, TypeMetaFieldDef, TypeNameMetaFieldDef].map((field) => [field.name, field]),
);
const NO_FIELDS: SelectedFields = new Map();

/**
 * Returns the fields that a valid operation selects. Returns undefined if its variables do not fit their types.
 * Execution reports that mistake before the gateway calls CAM.
 */
export function selectFields(schema: GraphQLSchema, asked: Operation): SelectedFields | undefined {
  const { operation, document } = asked;
  const { coerced } = getVariableValues(schema, operation.variableDefinitions ?? [], asked.variables, {
    maxErrors: 1,
  });
  const root = schema.getRootType(operation.operation);
  if (coerced === undefined || !root) return undefined;
  return new Selector(schema, document, coerced).select(operation.selectionSet, root);
}

/**
 * Returns the sum of an estimate over all fields. For a field with several possible types, the most expensive counts.
 */
export function sumOver(
  fields: SelectedFields,
  estimate: (field: SelectedField, inner: number) => number,
): number {
  let most = 0;
  for (const ofType of fields.values()) {
    const sum = ofType.reduce((total, field) => total + estimate(field, sumOver(field.inner, estimate)), 0);
    most = Math.max(most, sum);
  }
  return most;
}

class Selector {
  readonly #schema: GraphQLSchema;
  readonly #fragments: ReadonlyMap<string, FragmentDefinitionNode>;
  readonly #variables: Record<string, unknown>;

  constructor(schema: GraphQLSchema, { definitions }: DocumentNode, variables: Record<string, unknown>) {
    this.#schema = schema;
    this.#variables = variables;
    this.#fragments = new Map(
      definitions.flatMap((definition) =>
        definition.kind === Kind.FRAGMENT_DEFINITION ? [[definition.name.value, definition]] : [],
      ),
    );
  }

  select(selectionSet: SelectionSetNode, type: GraphQLNamedType): SelectedFields {
    const byType = new Map<string, SelectedField[]>(this.#objectsOf(type).map((name) => [name, []]));
    this.#collect(selectionSet, type, byType);
    return byType;
  }

  #collect(
    { selections }: SelectionSetNode,
    type: GraphQLNamedType,
    into: ReadonlyMap<string, SelectedField[]>,
  ): void {
    for (const selection of selections) {
      if (!isIncluded(selection, this.#variables)) continue;
      if (selection.kind === Kind.FIELD) {
        const selected = this.#toField(selection, type);
        if (selected === undefined) continue;
        for (const object of this.#objectsOf(type)) into.get(object)?.push(selected);
        continue;
      }
      const fragment =
        selection.kind === Kind.INLINE_FRAGMENT ? selection : this.#fragments.get(selection.name.value);
      const condition = fragment?.typeCondition?.name.value;
      const inner = condition === undefined ? type : this.#schema.getType(condition);
      if (fragment !== undefined && inner !== undefined) this.#collect(fragment.selectionSet, inner, into);
    }
  }

  #toField(node: FieldNode, type: GraphQLNamedType): SelectedField | undefined {
    const { name, selectionSet } = node;
    const field = META_FIELDS.get(name.value) ?? (hasFields(type) ? type.getFields()[name.value] : undefined);
    if (field === undefined) return undefined;
    const values = new Map<string, unknown>();
    const isMeta = field.name.startsWith("__");
    return {
      name: `${type.name}.${field.name}`,
      field,
      // Computed on demand: few arguments affect the cost, and coercing all of them takes longer than everything else.
      argument: (argument) => {
        if (!values.has(argument)) values.set(argument, this.#valueOf(argument, field, node));
        return values.get(argument);
      },
      inner:
        selectionSet === undefined || isMeta
          ? NO_FIELDS
          : this.select(selectionSet, getNamedType(field.type)),
    };
  }

  #valueOf(argument: string, { args }: GraphQLField<unknown, unknown>, node: FieldNode): unknown {
    const declared = args.find(({ name }) => name === argument);
    const given = node.arguments?.find(({ name }) => name.value === argument)?.value;
    if (declared === undefined) return undefined;
    if (given?.kind === Kind.VARIABLE && !(given.name.value in this.#variables)) return declared.defaultValue;
    return given === undefined ? declared.defaultValue : valueFromAST(given, declared.type, this.#variables);
  }

  #objectsOf(type: GraphQLNamedType): readonly string[] {
    return isAbstractType(type) ? this.#schema.getPossibleTypes(type).map(({ name }) => name) : [type.name];
  }
}

/** Returns whether `@skip` and `@include` keep a selection. */
export function isIncluded(selection: SelectionNode, variables: Record<string, unknown>): boolean {
  if (!selection.directives?.length) return true;
  try {
    const skip = getDirectiveValues(GraphQLSkipDirective, selection, variables)?.["if"];
    const include = getDirectiveValues(GraphQLIncludeDirective, selection, variables)?.["if"];
    return skip !== true && include !== false;
  } catch (error) {
    // A non-null variable is null. Execution reports that before the gateway calls CAM.
    if (error instanceof GraphQLError) return false;
    throw error;
  }
}

function hasFields(type: GraphQLNamedType): type is GraphQLObjectType | GraphQLInterfaceType {
  return isObjectType(type) || isInterfaceType(type);
}

export interface CamCallLimit {
  /** The calls of one action that CAM accepts in a second, by the name of each account that the caller may use. */
  readonly rates: ReadonlyMap<string, number>;
  /** The lowest of the rates of all accounts. */
  readonly slowest: number;
  /** The milliseconds that an operation may take. */
  readonly timeLimitMs: number;
}

/**
 * Returns the refusal of an operation that needs more calls in an account than CAM accepts before the deadline, or
 * undefined. That operation would end half done.
 */
export function camCallsRefusal(
  fields: SelectedFields,
  { rates, timeLimitMs }: CamCallLimit,
): GraphQLError | undefined {
  const users = new Map<SelectedField, UserCounts>();
  for (const action of CAM_ACTIONS) {
    const { calls, anywhere } = countCalls(fields, { action, accounts: [...rates.keys()] }, users);
    for (const [account, inAccount] of calls) {
      const ratePerSecond = rates.get(account);
      // The operation fails at that account before it calls CAM.
      if (ratePerSecond === undefined) continue;
      const most = maxCalls(ratePerSecond, timeLimitMs);
      const all = inAccount + anywhere;
      if (all <= most) continue;
      const where = account === DEFAULT_ACCOUNT ? "" : ` in the account ${account}`;
      return limitRefusal(
        `The operation needs ${all} calls of ${action}${where}. CAM accepts ${ratePerSecond} a second, so they would ` +
          `take ${Math.ceil(all / ratePerSecond)} s, and an operation has ${timeLimitMs / 1000} s. Ask for at most ` +
          `${most} at a time and send the rest in further requests.`,
      );
    }
  }
  return undefined;
}

/** Returns the calls of one action that every account accepts before the deadline. */
export function maxCallsOfSlowest({ slowest, timeLimitMs }: CamCallLimit): number {
  return maxCalls(slowest, timeLimitMs);
}

function maxCalls(ratePerSecond: number, timeLimitMs: number): number {
  return Math.max(1, Math.floor((ratePerSecond * timeLimitMs) / 1000));
}

/**
 * Counts the calls of an action by account. `anywhere` counts the calls of fields without an account in the operation.
 * Only root fields name an account. The fields below them use the same one.
 */
function countCalls(
  fields: SelectedFields,
  { action, accounts }: { readonly action: CamActionName; readonly accounts: readonly string[] },
  known: Map<SelectedField, UserCounts>,
): { readonly calls: ReadonlyMap<string, number>; readonly anywhere: number } {
  const calls = new Map<string, number>();
  let anywhere = 0;
  const add = (account: string, count: number): void => {
    calls.set(account, (calls.get(account) ?? 0) + count);
  };
  for (const selected of [...fields.values()].flat()) {
    const { name, field } = selected;
    const inner = sumOver(selected.inner, ({ name: below }, ofInner) => callsOf(below, action) + ofInner);
    if (name in LISTS_OF_USERS) {
      const counts = known.get(selected) ?? countUsers(selected, accounts);
      known.set(selected, counts);
      for (const [account, users] of counts) {
        const profiles = action === "DescribeSubAccounts" ? Math.ceil(users / MAX_SUB_ACCOUNTS_PER_CALL) : 0;
        add(account, profiles + users * inner);
      }
    } else if (field.args.some(({ name: argument }) => argument === "account")) {
      add(accountOfField(selected), callsOf(name, action) + inner);
    } else {
      anywhere += callsOf(name, action) + inner;
      if (name in CALLS_OF_FIELDS) add(DEFAULT_ACCOUNT, 0);
    }
  }
  return { calls, anywhere };
}

function callsOf(name: string, action: CamActionName): number {
  return CALLS_OF_FIELDS[name]?.[action] ?? 0;
}

/** The number of different users in a list, by account. */
type UserCounts = ReadonlyMap<string, number>;

/** @param accounts The accounts of the caller. A list without named users may have all its users in each of them. */
function countUsers(selected: SelectedField, accounts: readonly string[]): UserCounts {
  const counts = new Map<string, number>();
  const named = selected.argument(LISTS_OF_USERS[selected.name] ?? "");
  if (typeof named === "number") return new Map(accounts.map((account) => [account, named]));
  if (!Array.isArray(named)) return counts;
  for (const user of new Map(named.map((one: unknown) => [JSON.stringify(one), one])).values()) {
    const account = selected.name === "Query._entities" ? accountOfReference(user) : accountOfField(selected);
    counts.set(account, (counts.get(account) ?? 0) + 1);
  }
  return counts;
}

function accountOfField({ argument }: SelectedField): string {
  const account = argument("account");
  return typeof account === "string" ? account : DEFAULT_ACCOUNT;
}

function accountOfReference(reference: unknown): string {
  const id = (reference as { readonly id?: unknown } | null)?.id;
  return parseSubUserId(id)?.account ?? DEFAULT_ACCOUNT;
}
