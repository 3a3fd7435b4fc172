import { inspect } from "node:util";

/**
 * A string that code cannot print by accident: `String()`, template literals, JSON, `util.inspect` and therefore every
 * logger show `[redacted]`. Only `reveal()` returns the value, so a reviewer can search for every use.
 */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  reveal(): string {
    return this.#value;
  }

  toString(): string {
    return "[redacted]";
  }

  toJSON(): string {
    return "[redacted]";
  }

  [inspect.custom](): string {
    return "[redacted]";
  }
}

/** The source of a secret: the configuration itself, or a file (`*_FILE`). */
export type SecretSource = { readonly value: Secret } | { readonly file: string };
