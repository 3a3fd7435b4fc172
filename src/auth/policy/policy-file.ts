import { hash } from "node:crypto";
import { type Document, parseDocument } from "yaml";
import type { z } from "zod";
import type { Clock } from "../../clock.ts";
import { type FileRead, PolledFile, readOnce } from "../../poller.ts";
import { decodeFile, whyUnreadable } from "../../utf8.ts";
import { AuthFileError } from "../auth-files.ts";
import { type Policy, policySchema } from "./policy.ts";

/** The policy in force, for the log. */
export interface PolicyDescription {
  readonly file: string;
  readonly rules: number;
  /** As `sha256sum` prints it. */
  readonly sha256: string;
}

interface PolicyObserver {
  onPolicyInForce(policy: PolicyDescription): void;
  /** Called once for each change of the file that the gateway cannot use. The old policy stays in force. */
  onPolicyError(error: unknown): void;
}

/** `approvals` is true if the gateway can seal requests for approval. In server mode, sealing needs a signing key. */
interface PolicyTerms {
  readonly approvals: boolean;
}

export function policyTerms(config: {
  readonly mode: "local" | "server";
  readonly checkpoints: unknown;
}): PolicyTerms {
  return { approvals: config.mode === "local" || config.checkpoints !== undefined };
}

/** The policy of a file, which comes into force again with each change of the file. */
export class PolicyFile {
  readonly #file: string;
  readonly #terms: PolicyTerms;
  readonly #observer: PolicyObserver;
  readonly #polled: PolledFile;
  #current: Policy;
  #sha256: string;

  private constructor(
    file: string,
    first: FileRead,
    terms: PolicyTerms,
    observer: PolicyObserver,
    clock: Clock,
  ) {
    this.#file = file;
    this.#terms = terms;
    this.#observer = observer;
    this.#current = policyOf(file, first, terms);
    this.#sha256 = sha256Of(first);
    observer.onPolicyInForce(describe(file, first, this.#current));
    this.#polled = new PolledFile({ file, clock, first, use: async (read) => this.#apply(read) });
    this.#polled.start();
  }

  /** Reads the file and starts to poll it. @throws AuthFileError with every problem of the file. */
  static async open(
    file: string,
    terms: PolicyTerms,
    observer: PolicyObserver,
    clock: Clock,
  ): Promise<PolicyFile> {
    return new PolicyFile(file, await readOnce(file), terms, observer, clock);
  }

  /** The policy in force. */
  get current(): Policy {
    return this.#current;
  }

  /** The hash of its file, as `sha256sum` prints it. */
  get sha256(): string {
    return this.#sha256;
  }

  close(): Promise<void> {
    return this.#polled.stop();
  }

  #apply(read: FileRead): "done" {
    try {
      this.#current = policyOf(this.#file, read, this.#terms);
      this.#sha256 = sha256Of(read);
      this.#observer.onPolicyInForce(describe(this.#file, read, this.#current));
    } catch (error) {
      this.#observer.onPolicyError(error);
    }
    return "done";
  }
}

/** Reads a policy once. @throws AuthFileError with every problem of the file. */
export async function loadPolicy(file: string, terms: PolicyTerms = { approvals: true }): Promise<Policy> {
  return policyOf(file, await readOnce(file), terms);
}

function policyOf(file: string, read: FileRead, { approvals }: PolicyTerms): Policy {
  const refuse = (...problems: readonly string[]): never => {
    throw new AuthFileError(problems.map((problem) => `POLICY_FILE ${file}${problem}.`));
  };
  if ("problem" in read) return refuse(` ${read.problem}`);
  let text: string;
  try {
    text = decodeFile(read.bytes);
  } catch (error) {
    return refuse(` ${whyUnreadable(error)}`);
  }
  const parsed = parsePolicy(text);
  if ("problems" in parsed) return refuse(...parsed.problems.map((problem) => `: ${problem}`));
  const rule = parsed.policy.rules.find(({ approval }) => approval !== undefined);
  if (rule === undefined || approvals) return parsed.policy;
  return refuse(`: the rule ${rule.id} requires approval, which needs AUDIT_SIGNING_KEY_FILE in server mode`);
}

function describe(file: string, read: FileRead, { rules }: Policy): PolicyDescription {
  return { file, rules: rules.length, sha256: sha256Of(read) };
}

function sha256Of(read: FileRead): string {
  return hash("sha256", "bytes" in read ? read.bytes : "", "hex");
}

/** Parses the text of a policy file, YAML or JSON. Returns the policy, or every problem. */
export function parsePolicy(
  text: string,
): { readonly policy: Policy } | { readonly problems: readonly string[] } {
  const damaged = text.split("\n").findIndex((line) => line.includes("\uFFFD"));
  if (damaged !== -1) {
    return { problems: [`line ${damaged + 1} has U+FFFD, the mark of letters that a conversion has lost`] };
  }
  // The YAML parser reads JSON too. JSON.parse would silently take the last of two equal keys, and round a Uin.
  const document = parseDocument(text, { intAsBigInt: true });
  const flaws = [...document.errors, ...document.warnings];
  if (flaws.length > 0) return { problems: flaws.map(({ message }) => firstLine(message)) };
  const content = contentOf(document);
  if ("problem" in content) return { problems: [content.problem] };
  const parsed = policySchema.safeParse(content.value, { error: explain });
  if (parsed.success) return { policy: parsed.data };
  return { problems: parsed.error.issues.map((issue) => describeProblem(issue, content.value)) };
}

function contentOf(document: Document): { readonly value: unknown } | { readonly problem: string } {
  try {
    return { value: document.toJS() };
  } catch (error) {
    // Nested aliases expand beyond the parser's limit.
    return { problem: firstLine((error as Error).message) };
  }
}

/** Returns the message of an issue without a message in the schema. */
function explain(issue: z.core.$ZodRawIssue): string | undefined {
  if (issue.code === "unrecognized_keys") {
    return `must not have ${issue.keys.join(", ")}, which means nothing here`;
  }
  if (issue.code !== "invalid_type") return undefined;
  if (issue.input === undefined) return "is missing";
  return `must be ${KINDS[issue.expected] ?? "an object"}`;
}

const KINDS: Readonly<Record<string, string>> = { string: "a text", array: "a list" };

/** Describes a problem and its place. Names a rule by its id, which an operator finds more easily than an index. */
function describeProblem({ path, message }: z.core.$ZodIssue, content: unknown): string {
  const [list, at, ...within] = path;
  const rules = (content as { readonly rules?: unknown } | null)?.rules;
  const rule: unknown = list === "rules" && Array.isArray(rules) ? rules[Number(at)] : undefined;
  const id = (rule as { readonly id?: unknown } | null | undefined)?.id;
  const place = typeof id === "string" ? [`rule ${id}:`, within.join(".")] : [path.join(".")];
  return [...place, message].filter(Boolean).join(" ");
}

/** Returns the first line of a parser's message. The further lines repeat the text of the file. */
function firstLine(message: string): string {
  return (message.split("\n")[0] ?? "").replace(/[:.]$/, "");
}
