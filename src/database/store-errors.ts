/**
 * Classes of SQLSTATE that concern the store and not the statement: connection, authorisation, no such database,
 * serialization and deadlock, resources, object not available, operator intervention, system and internal errors.
 * https://www.postgresql.org/docs/current/errcodes-appendix.html
 */
const STORE_CLASSES: ReadonlySet<string> = new Set(["08", "28", "3D", "40", "53", "55", "57", "58", "XX"]);

/**
 * A standby that refuses writes or has no unlogged tables, a revoked right, and a statement that waited while a migration
 * added a column to the row that a function returns.
 */
const STORE_CODES: ReadonlySet<string> = new Set(["0A000", "25006", "42501", "42804"]);

/**
 * Returns whether an error means that the store is unavailable, so that the same statement can succeed later. Other
 * errors are faults of the gateway, such as an invalid UUID, a missing column or a violated constraint.
 */
export function isUnavailable(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { code, severity } = error as { code?: unknown; severity?: unknown };
  // Only errors of the server have a severity. EPIPE has five letters too.
  if (typeof code === "string" && typeof severity === "string") {
    return STORE_CLASSES.has(code.slice(0, 2)) || STORE_CODES.has(code);
  }
  // Broken connections, timeouts, a closed pool and WebAssembly traps mostly have no code.
  const isMisuse = [TypeError, RangeError, ReferenceError, SyntaxError].some((kind) => error instanceof kind);
  return !isMisuse;
}

/** Returns whether the connection was lost, so that the statement may succeed immediately on another. */
export function isLostConnection(error: unknown): boolean {
  const { code, severity } = error as { readonly code?: string; readonly severity?: unknown };
  if (typeof severity !== "string") return true;
  return ["08003", "08006", "57P01", "57P02", "57P05"].includes(code ?? "");
}

/** The facts about the connection that decide the remedy. */
interface ConnectionFacts {
  readonly usesTls: boolean;
}

interface Explanation {
  readonly reason: string;
  /** A sentence without its full stop. */
  readonly remedy?: string;
}

function because(reason: string, remedy: string): Explanation {
  return { reason, remedy };
}

const PRIVATE_CA = because(
  "no authority that this machine trusts signed its certificate",
  "Add sslrootcert=/path/ca.pem to DATABASE_URL, with the certificate of the authority that signs for the server; sslmode=require checks the certificate too",
);

const CERTIFICATE_TIME = because(
  "its certificate is not valid now",
  "Renew the server's certificate, or set this machine's clock",
);

const READ_ONLY = because(
  "it is read-only",
  "Let DATABASE_URL lead to the primary, and check default_transaction_read_only of the role and the database",
);

const BY_CODE: Readonly<Record<string, Explanation>> = {
  ECONNREFUSED: because("nothing listens there", "Check the host and port, and that the server runs"),
  ECONNRESET: because(
    "the connection was cut",
    "Check the server's log, and proxies and firewalls on the way",
  ),
  EHOSTUNREACH: because("no route leads to its host", "Check the network between the two"),
  ENETUNREACH: because("no route leads to its network", "Check the network between the two"),
  ENOTFOUND: because("its host is not known", "Check the host's name and this machine's DNS"),
  EAI_AGAIN: because("the DNS cannot find its host now", "Check this machine's DNS"),
  ETIMEDOUT: because("it does not answer", "Check the host, the port and firewalls on the way"),
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: PRIVATE_CA,
  UNABLE_TO_GET_ISSUER_CERT: PRIVATE_CA,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: PRIVATE_CA,
  SELF_SIGNED_CERT_IN_CHAIN: PRIVATE_CA,
  DEPTH_ZERO_SELF_SIGNED_CERT: PRIVATE_CA,
  CERT_HAS_EXPIRED: CERTIFICATE_TIME,
  CERT_NOT_YET_VALID: CERTIFICATE_TIME,
  ERR_TLS_CERT_ALTNAME_INVALID: because(
    "its certificate is for another host name",
    "Use the name that the certificate has as host in DATABASE_URL",
  ),
  "28P01": because(
    "it does not take this user and password",
    "Check both in DATABASE_URL, and percent-encode special characters in the password",
  ),
  "3D000": because(
    "the server has no database of this name",
    "Create it, or check the name at the end of DATABASE_URL",
  ),
  "3F000": because(
    "this user has no schema to work in",
    "Check the search_path of the role and the database",
  ),
  "53100": because("its disk is full", "Give it space"),
  "53200": because("it is out of memory", "Check the server's log"),
  "53300": because(
    "it accepts no more connections",
    "Raise its max_connections or the user's limit, or lower DATABASE_MAX_CONNECTIONS of each replica",
  ),
  "57P03": because("it is starting up or shutting down", "Try again in a moment"),
  "55000": because("the database takes no connections", "Check its allow_connections"),
  "25006": READ_ONLY,
  // A standby reports this code for unlogged tables.
  "0A000": READ_ONLY,
  "42501": because(
    "this database user lacks a right",
    "Give the user the rights of docs/operators/database.md",
  ),
  "55P03": because(
    "another session holds a lock that the gateway needs",
    "Find that session in pg_locks and end it",
  ),
  "57014": because("a statement took too long", "Look for locks in pg_locks, and for load on the server"),
};

/** Messages of the driver, which have no code. */
const BY_MESSAGE: readonly (readonly [RegExp, Explanation])[] = [
  [
    /does not support SSL/,
    because(
      "it offers no TLS",
      "Turn on ssl on the server, or remove sslmode from DATABASE_URL on a network that you trust",
    ),
  ],
  [
    /timeout/i,
    because(
      "it does not answer in time",
      "Check the host, the port and firewalls on the way, and the server's load",
    ),
  ],
  [
    /terminated unexpectedly/,
    because(
      "it ended the connection without a message",
      "Check that PostgreSQL, and nothing else, listens there",
    ),
  ],
];

/**
 * Returns why the database cannot be used, and the remedy: `reason (code). Remedy`, without the last full stop. Quotes
 * no message of the server, except a pooler's, because a pooler uses one code for all errors.
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
