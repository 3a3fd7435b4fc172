/**
 * Classes of SQLSTATE that say something of the store and not of the statement: connection, authorisation, no such
 * database, transaction rolled back for another's sake, resources, a database or lock not to be had now, operator
 * intervention, system and internal errors. https://www.postgresql.org/docs/current/errcodes-appendix.html
 */
const STORE_CLASSES: ReadonlySet<string> = new Set(["08", "28", "3D", "40", "53", "55", "57", "58", "XX"]);

/** A standby that takes no writes or has no unlogged tables, and a right that was taken away. */
const STORE_CODES: ReadonlySet<string> = new Set(["0A000", "25006", "42501"]);

/**
 * Whether an error of a query means that the store does not do its work now, so that the same statement can
 * succeed later. The rest are mistakes of ours (a value that is no UUID, a missing column, a broken promise of the
 * schema): they must surface as such, and not be waited out.
 */
export function isUnavailable(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { code, severity } = error as { code?: unknown; severity?: unknown };
  // Only what the server itself says has a severity; EPIPE has five letters too.
  if (typeof code === "string" && typeof severity === "string") {
    return STORE_CLASSES.has(code.slice(0, 2)) || STORE_CODES.has(code);
  }
  // No answer: broken connections, timeouts, a closed pool, a WebAssembly trap. Drivers give most of them no code.
  const isMisuse = [TypeError, RangeError, ReferenceError, SyntaxError].some((kind) => error instanceof kind);
  return !isMisuse;
}

/**
 * Whether an error says that the connection died, or that the server ended it, so that the statement may succeed at once
 * on another. Anything else that the server says will be said again.
 */
export function isLostConnection(error: unknown): boolean {
  const { code, severity } = error as { readonly code?: string; readonly severity?: unknown };
  if (typeof severity !== "string") return true;
  return ["08003", "08006", "57P01", "57P02", "57P05"].includes(code ?? "");
}

/** What the connection was like, as far as it decides the remedy. */
interface ConnectionFacts {
  readonly usesTls: boolean;
}

interface Explanation {
  readonly reason: string;
  /** A sentence, without its full stop. */
  readonly remedy?: string;
}

const PRIVATE_CA: Explanation = {
  reason: "no authority that this machine trusts signed its certificate",
  remedy:
    "Add sslrootcert=/path/ca.pem to DATABASE_URL, with the certificate of the authority that signs for the server; sslmode=require checks the certificate too",
};

const CERTIFICATE_TIME: Explanation = {
  reason: "its certificate is not valid now",
  remedy: "Renew the server's certificate, or set this machine's clock",
};

const READ_ONLY: Explanation = {
  reason: "it is read-only",
  remedy:
    "Let DATABASE_URL lead to the primary, and check default_transaction_read_only of the role and the database",
};

const BY_CODE: Readonly<Record<string, Explanation>> = {
  ECONNREFUSED: {
    reason: "nothing listens there",
    remedy: "Check the host and port, and that the server runs",
  },
  ECONNRESET: {
    reason: "the connection was cut",
    remedy: "Check the server's log, and proxies and firewalls on the way",
  },
  EHOSTUNREACH: { reason: "no route leads to its host", remedy: "Check the network between the two" },
  ENETUNREACH: { reason: "no route leads to its network", remedy: "Check the network between the two" },
  ENOTFOUND: { reason: "its host is not known", remedy: "Check the host's name and this machine's DNS" },
  EAI_AGAIN: { reason: "its host is not known just now", remedy: "Check this machine's DNS" },
  ETIMEDOUT: { reason: "it does not answer", remedy: "Check the host, the port and firewalls on the way" },
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: PRIVATE_CA,
  UNABLE_TO_GET_ISSUER_CERT: PRIVATE_CA,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: PRIVATE_CA,
  SELF_SIGNED_CERT_IN_CHAIN: PRIVATE_CA,
  DEPTH_ZERO_SELF_SIGNED_CERT: PRIVATE_CA,
  CERT_HAS_EXPIRED: CERTIFICATE_TIME,
  CERT_NOT_YET_VALID: CERTIFICATE_TIME,
  ERR_TLS_CERT_ALTNAME_INVALID: {
    reason: "its certificate is for another host name",
    remedy: "Use the name that the certificate has as host in DATABASE_URL",
  },
  "28P01": {
    reason: "it does not take this user and password",
    remedy: "Check both in DATABASE_URL, and percent-encode what is special in the password",
  },
  "3D000": {
    reason: "there is no such database on that server",
    remedy: "Create it, or check the name at the end of DATABASE_URL",
  },
  "3F000": {
    reason: "this user has no schema to work in",
    remedy: "Check the search_path of the role and the database",
  },
  "53100": { reason: "its disk is full", remedy: "Give it space" },
  "53200": { reason: "it is out of memory", remedy: "Check the server's log" },
  "53300": {
    reason: "it takes no more connections",
    remedy:
      "Raise its max_connections or the user's limit, or lower DATABASE_MAX_CONNECTIONS of each replica",
  },
  "57P03": { reason: "it is starting up or shutting down", remedy: "Try again in a moment" },
  "55000": { reason: "the database takes no connections", remedy: "Check its allow_connections" },
  "25006": READ_ONLY,
  // A standby says so of unlogged tables.
  "0A000": READ_ONLY,
  "42501": {
    reason: "this database user lacks a right",
    remedy: "Give the user the rights of docs/operators/database.md",
  },
  "55P03": {
    reason: "another session holds a lock on what is needed",
    remedy: "Find that session in pg_locks and end it",
  },
  "57014": {
    reason: "a statement took too long",
    remedy: "Look for locks in pg_locks, and for load on the server",
  },
};

/** Our driver's own words, which have no code. */
const BY_MESSAGE: readonly (readonly [RegExp, Explanation])[] = [
  [
    /does not support SSL/,
    {
      reason: "it offers no TLS",
      remedy: "Turn on ssl on the server, or remove sslmode from DATABASE_URL on a network that you trust",
    },
  ],
  [
    /timeout/i,
    {
      reason: "it does not answer in time",
      remedy: "Check the host, the port and firewalls on the way, and the server's load",
    },
  ],
  [
    /terminated unexpectedly/,
    {
      reason: "it ended the connection without a word",
      remedy: "Check that PostgreSQL, and nothing else, listens there",
    },
  ],
];

/**
 * Says why the database cannot be used and how to mend it: `reason (code). Remedy`, without the last full stop. Of the
 * server's own words it repeats only a pooler's, which has one code for everything.
 */
export function explainStoreError(error: unknown, facts?: ConnectionFacts): string {
  const { code, message } = error as Error & { readonly code?: string };
  const { reason, remedy } = explanationOf(code, message, facts) ?? { reason: message };
  const known = code === undefined ? reason : `${reason} (${code})`;
  return remedy === undefined ? known : `${known}. ${remedy}`;
}

function explanationOf(
  code: string | undefined,
  message: string,
  facts: ConnectionFacts | undefined,
): Explanation | undefined {
  if (code === "28000") return explainNoEntry(facts);
  if (code === "08P01") {
    return {
      reason: `the server, or a pooler before it, refused the connection: ${JSON.stringify(message.slice(0, 200))}`,
      remedy:
        "Remove start-up parameters such as options from DATABASE_URL, or let the pooler ignore them; and check that the pooler knows this user and database",
    };
  }
  return code === undefined ? BY_MESSAGE.find(([words]) => words.test(message))?.[1] : BY_CODE[code];
}

function explainNoEntry(facts: ConnectionFacts | undefined): Explanation {
  const entry = "a line of the server's pg_hba.conf for this user, database and address";
  const reason = "it does not let this user in from here";
  if (facts?.usesTls === false) {
    return {
      reason: `${reason} without TLS`,
      remedy: `Add sslmode=verify-full to DATABASE_URL, and sslrootcert=/path/ca.pem for a private authority. Otherwise ask for ${entry}`,
    };
  }
  return { reason, remedy: `Ask for ${entry}; it may also ask for a client certificate (sslcert, sslkey)` };
}
