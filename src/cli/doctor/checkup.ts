// A checkup is a list of groups, and a group is a list of checks. A check that needs another one is skipped if that one
// did not pass.

/** The result of one check. */
interface Check {
  /** The fact that a passed check proves, such as "the database takes writes". */
  readonly name: string;
  readonly state: "ok" | "warning" | "failed" | "skipped";
  readonly fault?: FaultId;
  /** The findings, or the reason why the check was skipped. */
  readonly details: readonly string[];
  readonly fix?: string;
  /** The page and its heading: `docs/operators/tls.md#tls`. */
  readonly docs?: string;
}

/** The answer of a check for the checks that need it. */
export type Answer<Value> = { readonly name: string } & (
  | { readonly passed: true; readonly value: Value }
  | { readonly passed: false }
);

/** The values of the checks that a check needs. */
type Values<Needs extends readonly Answer<unknown>[]> = {
  [Index in keyof Needs]: Needs[Index] extends Answer<infer Value> ? Value : never;
};

export class Group {
  readonly name: string;
  readonly checks: Check[] = [];

  constructor(name: string) {
    this.name = name;
  }

  /**
   * Asks a question with the values of the checks that it needs. Skips it if one of them did not pass. `ask` throws a
   * Fault or a Skip. `describe` returns details of a passed check, for people.
   */
  async check<const Needs extends readonly Answer<unknown>[], Value>(
    name: string,
    needs: Needs,
    ask: (...values: Values<Needs>) => Promise<Value>,
    describe: (value: Value) => readonly string[] = () => [],
  ): Promise<Answer<Value>> {
    const values: unknown[] = [];
    for (const need of needs) {
      if (!need.passed) return this.#skip(name, `because this is not known: ${need.name}`);
      values.push(need.value);
    }
    try {
      const value = await ask(...(values as Values<Needs>));
      this.checks.push({ name, state: "ok", details: describe(value) });
      return { name, passed: true, value };
    } catch (error) {
      if (error instanceof Skip) return this.#skip(name, error.message);
      if (!(error instanceof Fault)) throw error;
      const { id: fault, details } = error;
      const { fix, docs, isWarning }: Explanation = FAULTS[fault];
      const state = isWarning ? "warning" : "failed";
      this.checks.push({ name, state, fault, details, fix, docs: linkTo(docs) });
      return { name, passed: false };
    }
  }

  #skip(name: string, reason: string): Answer<never> {
    this.checks.push({ name, state: "skipped", details: [reason] });
    return { name, passed: false };
  }
}

/** Returns a link with the anchor that GitHub gives to a heading. */
function linkTo({ page, heading }: Explanation["docs"]): string {
  if (heading === undefined) return page;
  return `${page}#${heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} _-]/gu, "")
    .replaceAll(" ", "-")}`;
}

/** Counts the checks of each state. */
export function summarize(groups: readonly Group[]): Readonly<Record<Check["state"], number>> {
  const counts = { ok: 0, warning: 0, failed: 0, skipped: 0 };
  for (const { state } of groups.flatMap(({ checks }) => checks)) counts[state] += 1;
  return counts;
}

/** Returns the report for people. */
export function describeCheckup(groups: readonly Group[]): string[] {
  const { ok, warning, failed, skipped } = summarize(groups);
  return [
    ...groups.flatMap(({ name, checks }) => [name, ...checks.flatMap(describeCheck), ""]),
    `${ok} passed, ${warning} warned, ${failed} failed, ${skipped} skipped.`,
  ];
}

function describeCheck({ name, state, fault, details, fix, docs }: Check): string[] {
  const title = `  ${state.padEnd(8)} ${name}`;
  if (state === "skipped") return [`${title}, ${details.join()}`];
  const explanation = fault === undefined ? [] : [`fault: ${fault}`, `fix: ${fix}`, `see: ${docs}`];
  return [title, ...[...details, ...explanation].map((line) => `           ${line}`.trimEnd())];
}

/** A fault that doctor can name, its remedy, and the page that explains it. */
interface Explanation {
  readonly fix: string;
  /** A page of docs/, and a heading in it. */
  readonly docs: { readonly page: string; readonly heading?: string };
  /** A warning needs attention soon. Any other fault fails a check. */
  readonly isWarning?: true;
}

const operators = (page: string, heading?: string): Explanation["docs"] => ({
  page: `docs/operators/${page}`,
  ...(heading !== undefined && { heading }),
});

/** Every fault by its stable id. A test checks that each page and heading exists. */
export const FAULTS = {
  "config.invalid": {
    fix: "Correct the variables and files that the lines above name. To check local mode, add --local.",
    docs: operators("configuration.md"),
  },
  "account.missing": {
    fix: "Add the account to CAM_ACCOUNTS, or remove its name from the policy. Keep a removed account until its changes are settled.",
    docs: operators("accounts.md", "Add, change and remove accounts"),
  },
  "account.elsewhere": {
    fix: "Give the account a key of its main account, or give the other main account another name.",
    docs: operators("accounts.md", "The main account of a name"),
  },
  "certificate.expires": {
    fix: "Renew the certificate. The gateway uses a renewed file within ten seconds, without a restart.",
    docs: operators("tls.md", "TLS"),
    isWarning: true,
  },
  "certificate.expired": {
    fix: "Renew the certificate, and check this machine's clock.",
    docs: operators("tls.md", "TLS"),
  },
  "disk.full": {
    fix: "Give the disk space, or set DATA_DIR to a folder on another disk.",
    docs: operators("database.md", "The built-in database"),
  },
  "folder.unwritable": {
    fix: "Let the gateway's user write to the folder, or set DATA_DIR to another one.",
    docs: operators("database.md", "The built-in database"),
  },
  "database.unusable": {
    fix: "Correct what the line above names, and check that PostgreSQL runs.",
    docs: operators("postgresql.md", "Connections"),
  },
  "database.schema-old": {
    fix: "Run npm run migrate as the owner of the schema.",
    docs: operators("upgrades.md", "Upgrade"),
  },
  "database.read-only": {
    fix: "Let DATABASE_URL lead to the primary, and check default_transaction_read_only of the role and the database.",
    docs: operators("postgresql.md", "Failover"),
  },
  "database.rights": {
    fix: "Give the gateway's role its rights: npm run migrate -- --grant-to ROLE.",
    docs: operators("database.md", "What the gateway's role may do"),
  },
  "database.unwritable": {
    fix: "Correct what the line above names. Until then the gateway refuses changes.",
    docs: operators("troubleshooting.md", "Callers get STORE_UNAVAILABLE"),
  },
  "issuer.unreachable": {
    fix: "Check the network to the issuer and the address of its keys. The gateway refuses the issuer's callers without keys.",
    docs: operators("token-checks.md", "An unavailable issuer"),
  },
  "clock.skew": {
    fix: "Set this machine's clock by NTP. A wrong clock rejects valid tokens and accepts expired ones.",
    docs: operators("troubleshooting.md", "The clock is wrong"),
  },
  "cam.unreachable": {
    fix: "Check CAM_ENDPOINT, the proxy and the firewall.",
    docs: operators("troubleshooting.md", "CAM cannot be reached"),
  },
  "cam.no-key": {
    fix: "Give the account a key: variables, a profile, a role of the instance or a web identity.",
    docs: operators("cam-keys.md", "Where the gateway looks"),
  },
  "cam.key-refused": {
    fix: "Check that the SecretId and the SecretKey belong together, and that the key is enabled.",
    docs: operators("cam-keys.md", "When keys change"),
  },
  "cam.permission": {
    fix: "Add the action to the policy of the key's user or role in CAM.",
    docs: operators("cam-keys.md", "Permissions"),
  },
  "cam.unexpected": {
    fix: "Look the code up in the list of errors. Doctor cannot tell whether the call would succeed for a real user.",
    docs: { page: "docs/errors.md" },
    isWarning: true,
  },
  "quota.exhausted": {
    fix: "Run doctor again when fewer calls wait. The gateways themselves use the whole quota of the key.",
    docs: operators("quota.md", "What camQuota shows"),
    isWarning: true,
  },
  "quota.used-by-others": {
    fix: "Give the gateway a key of its own, or lower CAM_RATE_PER_SECOND by the rate of the other programs.",
    docs: operators("quota.md", "Throttles"),
  },
  "gateway.unreachable": {
    fix: "Check the address and that the gateway runs.",
    docs: operators("health.md", "The probes"),
  },
  "gateway.not-ready": {
    fix: "Look at the parts on the admin port (/health/ready) and at the log.",
    docs: operators("health.md", "Status and HTTP code"),
  },
  "gateway.login": {
    fix: "Give a valid token (--token-file, GATEWAY_TOKEN or --header) with the scope cam.mfa:write.",
    docs: operators("token-checks.md", "A rejected token"),
  },
  "router.unreachable": {
    fix: "Check the address, the login and the composed schema.",
    docs: { page: "docs/consumers/routers.md", heading: "For every router" },
  },
  "router.masks-errors": {
    fix: "Use trySetSubUserMfa until the router lets everything through, and configure the router as shown.",
    docs: { page: "docs/consumers/routers.md", heading: "For every router" },
  },
} as const satisfies Readonly<Record<string, Explanation>>;

export type FaultId = keyof typeof FAULTS;

/** A check found a fault. The details say what exactly, in lines. */
export class Fault extends Error {
  override readonly name = "Fault";
  readonly id: FaultId;
  readonly details: readonly string[];

  constructor(id: FaultId, details: string | readonly string[], options?: ErrorOptions) {
    super(id, options);
    this.id = id;
    this.details = typeof details === "string" ? [details] : details;
  }
}

/** A check cannot or need not be asked. */
export class Skip extends Error {
  override readonly name = "Skip";
}
