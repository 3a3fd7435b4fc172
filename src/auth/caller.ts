import { GatewayError } from "../contract/index.ts";

/** The rights that a token can grant to a caller. */
export const SCOPES = [
  "cam.mfa:read",
  "cam.mfa:write",
  // Changes users that the policy protects. Such a change needs a reason.
  "cam.mfa:override",
  // Approves or rejects changes of other callers, where the policy demands two people.
  "cam.mfa:approve",
  // Lists the users of all accounts, with what the gateway knows about them.
  "cam.directory:read",
  // Requests, pauses and resumes scans of the directory.
  "cam.directory:scan",
  // Shows rollouts, for callers who may use all of their accounts.
  "cam.rollout:read",
  // Plans rollouts, and controls those that run. The start of a plan needs cam.mfa:write.
  "cam.rollout:write",
  "cam.audit:read",
  "cam.quota:read",
  // Resumes callers that the bulk guard has paused.
  "cam.callers:resume",
] as const;

export type Scope = (typeof SCOPES)[number];

export function isScope(value: unknown): value is Scope {
  return SCOPES.some((scope) => scope === value);
}

/** The names of a caller in logs and records. */
export interface CallerIdentity {
  readonly subject: string;
  /** The program that acts for the subject. */
  readonly client?: string | undefined;
  /** The issuer of the token. Without a token, the authentication method. */
  readonly issuer?: string | undefined;
}

export interface Caller extends CallerIdentity {
  readonly scopes: ReadonlySet<Scope>;
}

/** Returns only the caller's names, without the caller's permissions. */
export function identityOf({ subject, client, issuer }: CallerIdentity): CallerIdentity {
  return { subject, client, issuer };
}

/** The development caller of local mode. It has every scope, so local mode listens on loopback only. */
export const LOCAL_CALLER: Caller = Object.freeze({ subject: "local", scopes: new Set(SCOPES) });

/** The caller of a request without a token or certificate. It may use public fields. */
export const ANONYMOUS: Caller = Object.freeze({ subject: "anonymous", scopes: new Set<Scope>() });

/**
 * Requires one of the scopes.
 * @throws GatewayError UNAUTHENTICATED for the anonymous caller, FORBIDDEN for any other. The hint names the scopes.
 */
export function requireScope(caller: Caller, ...scopes: readonly Scope[]): void {
  if (scopes.some((scope) => caller.scopes.has(scope))) return;
  const code = caller === ANONYMOUS ? "UNAUTHENTICATED" : "FORBIDDEN";
  const needed = scopes.join(" or ");
  throw new GatewayError(code, { hint: `This field needs the scope ${needed}.`, rule: `scope ${needed}` });
}

/**
 * Printable text for logs and records, of at most 256 letters. Excludes control characters and line ends, which
 * PostgreSQL or a terminal cannot handle, and invisible characters such as fillers and variation selectors. Excludes
 * U+FFFD, because it replaces bytes that were not UTF-8, so two different names may look equal.
 */
const PRINTABLE = /^(?=.*\S)[^\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800\uFFFD]{1,256}$/u;

/** Returns whether logs and records can contain a value. */
export function isPrintable(value: unknown): value is string {
  return typeof value === "string" && PRINTABLE.test(value);
}

/**
 * Scripts that one word may mix, by the level "highly restrictive" of Unicode's security mechanisms
 * (https://www.unicode.org/reports/tr39/#Restriction_Level_Detection). A word must not mix other scripts.
 */
const MIXABLE_SCRIPTS = [
  ["Latin", "Han", "Hiragana", "Katakana"],
  ["Latin", "Han", "Bopomofo"],
  ["Latin", "Han", "Hangul"],
];

/** The other scripts that Unicode recommends for names. */
const OTHER_SCRIPTS = [
  ...["Arabic", "Armenian", "Bengali", "Cyrillic", "Devanagari", "Ethiopic", "Georgian", "Greek", "Gujarati"],
  ...["Gurmukhi", "Hebrew", "Kannada", "Khmer", "Lao", "Malayalam", "Myanmar", "Oriya", "Sinhala", "Tamil"],
  ...["Telugu", "Thaana", "Thai", "Tibetan"],
];

const WORDS_OF_SCRIPTS = [...MIXABLE_SCRIPTS, ...OTHER_SCRIPTS.map((script) => [script])].map((scripts) =>
  wordOf(scripts),
);
const WORD_OF_UNLISTED_SCRIPTS = new RegExp(
  `^[^${[...new Set(MIXABLE_SCRIPTS.flat()), ...OTHER_SCRIPTS].map((script) => `\\p{scx=${script}}`).join("")}]*$`,
  "u",
);

/** Letters that look like Latin letters: some of Cyrillic, Greek and Armenian, and nearly all of the other scripts. */
const LOOKS_LATIN =
  /^[асеорхуіјѕһԁԛԝӏүАВЕЅІЈКМНОРСТУХҮԚԜΑΒΕΖΗΙΚΜΝΟΡΤΥΧϹϳαικνορυϲօոսհցզքՕՏԼ\p{sc=Cherokee}\p{sc=Coptic}\p{sc=Lisu}]+$/u;
const LATIN = /\p{sc=Latin}/u;
const NOT_FOREIGN_LETTER = /\P{L}|\p{sc=Latin}/gu;

/**
 * Returns whether people could mistake a subject for another one. A word that mixes scripts is misleading (`аlice` with
 * a Cyrillic а). So are Latin letters together with a part in another script whose letters all look Latin
 * (`сосо@example.com`). A word that is plainly of another script is not misleading (`иван@example.com`).
 */
export function isMisleading(subject: string): boolean {
  const text = subject.normalize("NFKC");
  if (text.split(/[^\p{L}\p{M}\p{N}]+/u).some(isMixed)) return true;
  // The parts of email addresses and of names in certificates.
  const parts = text.split(/[@,=/+;:|\\]/);
  return LATIN.test(text) && parts.some((part) => LOOKS_LATIN.test(part.replace(NOT_FOREIGN_LETTER, "")));
}

function isMixed(word: string): boolean {
  return !WORDS_OF_SCRIPTS.some((scripts) => scripts.test(word)) && !WORD_OF_UNLISTED_SCRIPTS.test(word);
}

function wordOf(scripts: readonly string[]): RegExp {
  const classes = [...scripts, "Common", "Inherited"].map((script) => `\\p{scx=${script}}`);
  return new RegExp(`^[${classes.join("")}]*$`, "u");
}

/**
 * Returns one text for all spellings of a subject: NFKC, case-folded, trimmed, with one space for each run of blanks.
 * Use it only to check that two people differ, never to grant a right.
 */
export function personOf(subject: string): string {
  // Upper case first, because toLowerCase alone would distinguish ß from ss, and the two forms of sigma.
  const folded = subject.normalize("NFKC").toUpperCase().toLowerCase().normalize("NFKC");
  return folded.replace(/\s+/gu, " ").trim();
}

/** Returns whether two callers may be one person, whatever their issuers and clients are. */
export function isSamePerson(
  one: { readonly subject: string },
  other: { readonly subject: string },
): boolean {
  return personOf(one.subject) === personOf(other.subject);
}
