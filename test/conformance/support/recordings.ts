import { readdirSync, readFileSync } from "node:fs";
import type { RouterId } from "../../../src/cli/doctor/router-guides.ts";
import type { RouterRule } from "./router-rule.ts";

/** What a router answered, recorded by `npm run record:routers`. */
export interface Recording {
  readonly router: RouterId;
  readonly version: string;
  readonly date: string;
  readonly by: "default" | "docs" | "choice";
  readonly configuration: string;
  readonly rule: RouterRule;
  /** The cases of the error matrix that passed through the router. */
  readonly errors: readonly string[];
  readonly observed: Observations;
}

export interface Observations {
  readonly severalChanges: { readonly data: unknown };
  readonly entities: {
    /** The second of three users cannot be read. */
    readonly partial: { readonly data: { readonly employees: readonly { readonly camUser: unknown }[] } };
    readonly thousand: { readonly users: number; readonly errors: number };
  };
  readonly failures: { readonly sentOnce: readonly string[]; readonly others: readonly object[] };
  readonly lostAnswers: { readonly mutation: { readonly requests: number } };
  /** The client's headers that reached the gateway. */
  readonly headers: readonly string[];
  readonly doctor: { readonly exit: number };
  /** Recorded once for each router. */
  readonly timeout?: { readonly requests: number };
  readonly access?: { readonly verifyingTokensByDocs: AccessObservation | Refusal };
  readonly cost?: CostObservation | Refusal;
  readonly trustedDocuments?: TrustedDocumentsObservation | Refusal;
}

/** The reason why a router does not start with a configuration. */
interface Refusal {
  readonly refuses: string;
}

/** The cost of each operation as the router estimates it, with a limit of 1. */
interface CostObservation {
  readonly operations: Readonly<Record<string, CostAnswer>>;
  readonly list: CostAnswer & Answer;
}

interface CostAnswer {
  /** Null if the router does not report it. */
  readonly estimated: number | null;
  readonly isRefused: boolean;
}

/** What the router answers to a trusted query and mutation by their ids, and to others. */
interface TrustedDocumentsObservation {
  readonly query: Answer;
  readonly mutation: Answer;
  /** The SetMfaFlag calls of the mutation. */
  readonly writes: number;
  readonly unknownId: Answer;
  readonly otherDocument: Answer;
}

/** The status and errors of a router's answer. */
export interface Answer {
  readonly status: number;
  readonly errors: readonly { readonly message: string; readonly extensions?: { readonly code?: string } }[];
}

/** The answers to callers one after the other, and whether equal queries at the same time got others. */
interface AccessObservation {
  readonly callersShareAnswers: boolean;
  readonly "the scope": { readonly errors: readonly unknown[] };
  readonly "another scope": { readonly errors: readonly unknown[] };
}

const FOLDER = new URL("../../vectors/routers/", import.meta.url);

export function recordingFile(id: string): URL {
  return new URL(`${id}.json`, FOLDER);
}

/** All recordings, by the name of the setting. */
export const RECORDINGS = readdirSync(FOLDER)
  .filter((file) => file.endsWith(".json"))
  .map((file) => ({
    id: file.replace(".json", ""),
    recording: JSON.parse(readFileSync(new URL(file, FOLDER), "utf8")) as Recording,
  }));
