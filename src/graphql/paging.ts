import { Directive, Field, ObjectType } from "type-graphql";
import { badInput } from "./arguments.ts";
import { CamCalls } from "./directives.ts";

// Other subgraphs have connections of their own.
@Directive("@shareable")
@CamCalls(0)
@ObjectType({ description: "The position of a page in the whole list." })
export class PageInfo {
  @Field(() => Boolean, { description: "Whether entries follow after this page." })
  hasNextPage!: boolean;

  @Field(() => Boolean, { description: "Whether the request had the argument `after`." })
  hasPreviousPage!: boolean;

  @Field(() => String, { nullable: true, description: "The cursor of the page's first entry." })
  startCursor?: string | undefined;

  @Field(() => String, { nullable: true, description: "The cursor of the page's last entry." })
  endCursor?: string | undefined;
}

const DEFAULT_PAGE = 20;
const LARGEST_PAGE = 100;

/** The options of the argument `first`. @param entries The word for the entries, in the plural. */
export function firstOptions(entries: string) {
  return {
    nullable: true,
    defaultValue: DEFAULT_PAGE,
    description: `The number of ${entries} in the page, from 1 to ${LARGEST_PAGE}.`,
  } as const;
}

/** The options of the argument `after`. @param entries The word for the entries, in the plural. */
export function afterOptions(entries: string) {
  return {
    nullable: true,
    description: `Returns the ${entries} after this cursor, such as the \`endCursor\` of the page before.`,
  } as const;
}

/** Declares to routers how many entries a field returns. */
export function PageSize(): ReturnType<typeof Directive> {
  return Directive(
    '@listSize(slicingArguments: ["first"], sizedFields: ["edges", "nodes"], requireOneSlicingArgument: false)',
  );
}

/** Returns the size of the requested page. @throws GraphQLError BAD_USER_INPUT */
export function pageSize(first: number | null | undefined): number {
  const size = first ?? DEFAULT_PAGE;
  if (size < 1 || size > LARGEST_PAGE) throw badInput(`"first" must be from 1 to ${LARGEST_PAGE}.`);
  return size;
}

/** The form of the ids of changes and events, which are their cursors. No row has an id of another form. */
export const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** Returns the cursor of the argument `after`. @throws GraphQLError BAD_USER_INPUT for a text of another form. */
export function cursorOf(after: string | null | undefined, form: RegExp): string | undefined {
  if (typeof after !== "string") return undefined;
  if (!form.test(after)) throw badInput('"after" is not a cursor of this list.');
  return after;
}

/** A page of a list, with the cursor of each entry. */
interface Page<Node> {
  readonly edges: readonly { readonly node: Node; readonly cursor: string }[];
  readonly nodes: readonly Node[];
  readonly pageInfo: PageInfo;
}

/**
 * Returns a page.
 * @param entries The entries from the start of the page, one more than it has if there are more.
 */
export function toPage<Entry, Node>(
  entries: readonly Entry[],
  { size, after }: { readonly size: number; readonly after: string | null | undefined },
  toEdge: (entry: Entry) => { readonly node: Node; readonly cursor: string },
): Page<Node> {
  const edges = entries.slice(0, size).map(toEdge);
  return {
    edges,
    nodes: edges.map(({ node }) => node),
    pageInfo: {
      hasNextPage: entries.length > size,
      hasPreviousPage: typeof after === "string",
      startCursor: edges.at(0)?.cursor,
      endCursor: edges.at(-1)?.cursor,
    },
  };
}
