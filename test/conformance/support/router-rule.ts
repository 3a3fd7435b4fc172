import { isDeepStrictEqual } from "node:util";
import type { WireError } from "./wire-error.ts";

/** Stands for the value that the gateway sent. */
const SENT = "=";

/** An error as a router passes it on: `=` is the gateway's value, an absent part is lost, and other values are the router's. */
export interface ErrorTemplate {
  readonly message: string;
  readonly path?: typeof SENT;
  readonly extensions?: Readonly<Record<string, unknown>>;
}

/** What a router does to every error of the gateway. */
export interface RouterRule {
  readonly each: ErrorTemplate;
  /** The error around all errors of one request, in `extensions.errors`. */
  readonly around?: Pick<WireError, "message" | "extensions">;
}

/** The errors that the gateway sent for one operation, and what arrived of them behind a router. */
export interface Passage {
  readonly name: string;
  readonly sent: readonly WireError[];
  readonly arrived: readonly WireError[];
}

/** Applies a rule to the errors of one request. */
export function applyRule({ each, around }: RouterRule, sent: readonly WireError[]): readonly WireError[] {
  const passed = sent.map((error) => fill(each, error));
  if (around === undefined) return passed;
  return [{ ...around, extensions: { ...around.extensions, errors: passed } }];
}

/** Finds the rule that explains what arrived. @throws Error with the first operation that no common rule explains. */
export function learnRule(passages: readonly Passage[]): RouterRule {
  const rules = passages.map(learnFromOne);
  const [first] = rules;
  if (first === undefined) throw new Error("Nothing was sent.");
  const extensions = rules.map(({ each }) => each.extensions).filter((each) => each !== undefined);
  const each = {
    ...first.each,
    ...(extensions.length === 0 ? {} : { extensions: Object.assign({}, ...extensions) }),
  };
  const rule = { ...first, each };
  for (const { name, sent, arrived } of passages) {
    const explained = applyRule(rule, sent);
    if (!isDeepStrictEqual(explained, arrived)) {
      const texts = [explained, arrived].map((errors) => JSON.stringify(errors));
      throw new Error(`${name}: the rule gives ${texts[0]}, but the router sent ${texts[1]}`);
    }
  }
  return rule;
}

function learnFromOne({ name, sent: [sent], arrived: [arrived] }: Passage): RouterRule {
  if (sent === undefined || arrived === undefined) throw new Error(`${name}: an error did not arrive.`);
  const { errors, ...others } = arrived.extensions ?? {};
  if (!Array.isArray(errors)) return { each: compare(sent, arrived) };
  const [inner] = errors as readonly WireError[];
  if (inner === undefined) throw new Error(`${name}: the router wrapped no error.`);
  return { each: compare(sent, inner), around: { message: arrived.message, extensions: others } };
}

function compare(sent: WireError, { message, path, extensions }: WireError): ErrorTemplate {
  const templateOf = ([key, value]: readonly [string, unknown]) =>
    [key, isDeepStrictEqual(value, sent.extensions?.[key]) ? SENT : value] as const;
  return {
    message: message === sent.message ? SENT : message,
    ...(isDeepStrictEqual(path, sent.path) && path !== undefined ? { path: SENT } : {}),
    ...(extensions === undefined
      ? {}
      : { extensions: Object.fromEntries(Object.entries(extensions).map(templateOf)) }),
  };
}

function fill({ message, path, extensions }: ErrorTemplate, sent: WireError): WireError {
  const filled = Object.entries(extensions ?? {}).flatMap(([key, value]) => {
    const passed = value === SENT ? sent.extensions?.[key] : value;
    return passed === undefined ? [] : [[key, passed] as const];
  });
  return {
    message: message === SENT ? sent.message : message,
    ...(path === undefined || sent.path === undefined ? {} : { path: sent.path }),
    ...(extensions === undefined ? {} : { extensions: Object.fromEntries(filled) }),
  };
}
