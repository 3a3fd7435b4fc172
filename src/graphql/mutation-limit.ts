import {
  type ASTNode,
  type ASTVisitor,
  type FragmentDefinitionNode,
  GraphQLError,
  Kind,
  type ValidationRule,
} from "graphql";

export interface MutationLimit {
  /** Writes that CAM takes in a second. */
  readonly callsPerSecond: number;
  /** Time that an operation has. */
  readonly deadlineMs: number;
}

/**
 * Refuses a mutation with more root fields than CAM could take within the deadline: each is at least one write,
 * they run one after the other, and a half-done document helps nobody.
 */
export function createMutationLimitRule({ callsPerSecond, deadlineMs }: MutationLimit): ValidationRule {
  const most = Math.max(1, Math.floor((callsPerSecond * deadlineMs) / 1000));
  return (context): ASTVisitor => ({
    OperationDefinition(operation) {
      if (operation.operation !== "mutation") return;
      const count = countFields(operation, (name) => context.getFragment(name) ?? undefined);
      if (count <= most) return;
      context.reportError(
        new GraphQLError(
          `A mutation may have at most ${most} fields: CAM takes ${callsPerSecond} changes a second, and an ` +
            `operation has ${deadlineMs / 1000} s. Send the rest in further requests.`,
          { nodes: operation },
        ),
      );
    },
  });
}

type FragmentOf = (name: string) => FragmentDefinitionNode | undefined;

/**
 * Counts through fragments, each of them once: spread again it asks for the same fields, which GraphQL merges.
 * So a document cannot make the counting cost more than its own length.
 */
function countFields(node: ASTNode, fragmentOf: FragmentOf, counted = new Set<string>()): number {
  let count = 0;
  for (const selection of "selectionSet" in node ? (node.selectionSet?.selections ?? []) : []) {
    if (selection.kind === Kind.FIELD) count += 1;
    else if (selection.kind === Kind.INLINE_FRAGMENT) count += countFields(selection, fragmentOf, counted);
    else if (!counted.has(selection.name.value)) {
      counted.add(selection.name.value);
      const fragment = fragmentOf(selection.name.value);
      if (fragment !== undefined) count += countFields(fragment, fragmentOf, counted);
    }
  }
  return count;
}
