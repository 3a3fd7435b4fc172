import {
  type DocumentNode,
  type GraphQLInputType,
  type GraphQLOutputType,
  type GraphQLSchema,
  getNamedType,
  getNullableType,
  getOperationAST,
  isEnumType,
  isInputObjectType,
  isListType,
  isNonNullType,
  isObjectType,
  TypeInfo,
  typeFromAST,
  visit,
  visitWithTypeInfo,
} from "graphql";

/** The TypeScript type of each scalar of the schema in JSON. */
const SCALARS: Readonly<Record<string, string>> = {
  ID: "string",
  String: "string",
  Uin: "string",
  DateTimeISO: "string",
  Int: "number",
  Float: "number",
  Boolean: "boolean",
};

interface Selected {
  readonly type: GraphQLOutputType;
  /** The selected fields by concrete type, then by name. Empty for a leaf. */
  readonly byType: Map<string, Map<string, Selected>>;
}

/** Returns the TypeScript type of a document's only field, from the schema. */
export function resultTypeOf(schema: GraphQLSchema, document: DocumentNode): string {
  const typeInfo = new TypeInfo(schema);
  const root: Selected = { type: typeInfo.getType() as GraphQLOutputType, byType: new Map() };
  const stack: Selected[] = [root];
  visit(
    document,
    visitWithTypeInfo(typeInfo, {
      Field: {
        enter(node) {
          const type = typeInfo.getType();
          const parent = typeInfo.getParentType();
          if (!type || !parent) throw new Error(`${node.name.value} is not in the schema.`);
          const selected: Selected = { type, byType: new Map() };
          const fields = stack.at(-1)?.byType;
          if (!fields?.has(parent.name)) fields?.set(parent.name, new Map());
          fields?.get(parent.name)?.set(node.name.value, selected);
          stack.push(selected);
        },
        leave() {
          stack.pop();
        },
      },
    }),
  );
  const [fields = new Map<string, Selected>()] = root.byType.values();
  const [field] = fields.values();
  if (field === undefined) throw new Error("The document selects nothing.");
  return outputText(field.type, field.byType);
}

function outputText(type: GraphQLOutputType, byType: Selected["byType"]): string {
  if (!isNonNullType(type)) return `${presentText(type, byType)} | null`;
  return presentText(getNullableType(type), byType);
}

function presentText(type: GraphQLOutputType, byType: Selected["byType"]): string {
  if (isListType(type)) return `readonly (${outputText(type.ofType, byType)})[]`;
  if (byType.size === 0) return leafText(type);
  return [...byType].map(([name, fields]) => objectText(name, fields)).join(" | ");
}

function objectText(typeName: string, fields: ReadonlyMap<string, Selected>): string {
  const properties = [...fields].map(([name, { type, byType }]) =>
    name === "__typename"
      ? `readonly __typename: "${typeName}"`
      : `readonly ${name}: ${outputText(type, byType)}`,
  );
  return `{ ${properties.join("; ")} }`;
}

function leafText(type: GraphQLOutputType | GraphQLInputType): string {
  const named = getNamedType(type);
  if (isEnumType(named))
    return named
      .getValues()
      .map(({ name }) => `"${name}"`)
      .join(" | ");
  const text = SCALARS[named.name];
  if (isObjectType(named) || text === undefined) throw new Error(`No TypeScript type for ${named.name}.`);
  return text;
}

/** Returns the TypeScript type of a document's variables. A nullable variable may also be omitted or undefined. */
export function variablesTypeOf(schema: GraphQLSchema, document: DocumentNode): string {
  const properties = (getOperationAST(document)?.variableDefinitions ?? []).map(
    ({ variable, type: node }) => {
      const type = typeFromAST(schema, node as Parameters<typeof typeFromAST>[1]) as
        | GraphQLInputType
        | undefined;
      if (type === undefined) throw new Error(`The type of $${variable.name.value} is not in the schema.`);
      return inputProperty(variable.name.value, type);
    },
  );
  return `{ ${properties.join("; ")} }`;
}

function inputProperty(name: string, type: GraphQLInputType): string {
  const text = inputText(getNullableType(type));
  return isNonNullType(type) ? `readonly ${name}: ${text}` : `readonly ${name}?: ${text} | null | undefined`;
}

function inputText(type: GraphQLInputType): string {
  if (isListType(type)) return `readonly (${inputText(getNullableType(type.ofType))})[]`;
  if (!isInputObjectType(type)) return leafText(type);
  return `{ ${Object.values(type.getFields())
    .map((field) => inputProperty(field.name, field.type))
    .join("; ")} }`;
}
