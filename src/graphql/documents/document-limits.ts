/** A document of 300 mutations with all their arguments and selections has about 12,000 tokens. */
export const MAX_TOKENS = 15_000;

/** 300 mutations that each give a reason of full length take 210,000 characters. */
export const MAX_CHARACTERS = 256 * 1024;

/** The deepest that the schema goes is 7, `mfaChanges` to a method of a flag set; introspection does not count. */
export const MAX_DEPTH = 10;

/** A document may name every one of the changes that CAM takes within the longest deadline people set. */
export const MAX_ALIASES = 1_000;

export const MAX_DIRECTIVES = 50;

/** Selections with every fragment expanded wherever it is spread. */
export const MAX_SELECTIONS = 15_000;

/** Fragment spreads, counted in the same way. */
export const MAX_SPREADS = 1_000;

/** Selections that share one place in the answer. GraphQL compares each pair of them. */
export const MAX_REPEATS = 100;

/** Pairs of such selections in a whole document. */
export const MAX_REPEATED_PAIRS = 30_000;

/** Values of arguments: 300 mutations with all their arguments have 3,900. */
export const MAX_VALUES = 5_000;

/** GraphQL compares each fragment with each other. */
export const MAX_FRAGMENTS = 200;

export const MAX_OPERATIONS = 50;

export const MAX_VARIABLES = 1_000;

/** Braces, brackets and parentheses within each other. A whole introspection query nests 14 deep. */
export const MAX_NESTING = 100;
