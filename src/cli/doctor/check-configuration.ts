import { X509Certificate } from "node:crypto";
import { access, open, rm } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { DEFAULT_ACCOUNT } from "../../auth/accounts.ts";
import { loadAuthFiles } from "../../auth/auth-files.ts";
import { loadJwks } from "../../auth/issuer-keys.ts";
import { loadPolicy } from "../../auth/policy/policy-file.ts";
import { createDispatcher } from "../../cam/index.ts";
import { systemClock } from "../../clock.ts";
import { type Config, ConfigError } from "../../config/config.ts";
import { loadAccounts } from "../../gateway/load-files.ts";
import { readUtf8File } from "../../utf8.ts";
import { checkFiles, readConfig } from "../check-files.ts";
import type { CommandIo } from "../command.ts";
import { type Answer, Fault, Group, Skip } from "./checkup.ts";

const DAY_MS = 24 * 60 * 60_000;

/** The days before the end of a certificate from which doctor warns. */
const RENEW_WITHIN_DAYS = 30;

/** Checks the variables, the files that they name, and the folder of the built-in database. */
export async function checkConfiguration(options: { readonly local?: boolean }, io: CommandIo) {
  const group = new Group("configuration");
  const config = await group.check("the variables and the files are valid", [], async () => {
    try {
      const read = await readConfig(options, io);
      await checkFiles(read);
      return read;
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      throw new Fault("config.invalid", error.problems, { cause: error });
    }
  });
  await group.check("the policy names configured accounts", [config], checkAccountNames);
  await group.check("the TLS certificate is valid for a month", [config], async ({ http: { tls } }) => {
    if (tls === undefined) throw new Skip("because TLS_CERT_FILE is not set");
    checkExpiry(new X509Certificate(await readUtf8File(tls.certFile)).validToDate, tls.certFile);
  });
  const folder = await group.check(
    "the data folder takes files",
    [config],
    async ({ store }) => {
      if (store.kind === "pglite") await writeProbe(resolve(store.dataDir));
      return store.kind;
    },
    (kind) => (kind === "pglite" ? [] : ["The record is in PostgreSQL, so the gateway needs no folder."]),
  );
  return { group, config, folder };
}

async function checkAccountNames({ policyFile, accounts }: Config): Promise<void> {
  if (policyFile === undefined) throw new Skip("because POLICY_FILE is not set");
  const configured = accounts === undefined ? [] : (await loadAccounts(accounts)).map(({ name }) => name);
  const known = [DEFAULT_ACCOUNT, ...configured];
  const policy = await loadPolicy(policyFile);
  const missing = Object.keys(policy.accounts).filter((name) => !known.includes(name));
  if (missing.length === 0) return;
  throw new Fault(
    "account.missing",
    `The policy names ${missing.join(", ")}. Configured: ${known.join(", ")}.`,
  );
}

/** @throws Fault if the certificate of this file or address has expired or soon does. */
export function checkExpiry(until: Date, of: string): void {
  const days = Math.floor((until.getTime() - systemClock.now()) / DAY_MS);
  const when = `The certificate of ${of} is valid until ${until.toISOString()}`;
  if (days < 0) throw new Fault("certificate.expired", `${when}: it has expired.`);
  if (days < RENEW_WITHIN_DAYS) throw new Fault("certificate.expires", `${when}: ${days} days are left.`);
}

/** As much as a new database needs at its start. */
const PROBE_BYTES = 4 * 1024 * 1024;

/** Writes a file into the folder, or into the closest one that exists, and removes it. @throws Fault */
async function writeProbe(folder: string): Promise<void> {
  let place = folder;
  while (
    place !== dirname(place) &&
    !(await access(place).then(
      () => true,
      () => false,
    ))
  )
    place = dirname(place);
  const file = join(place, `.cam-gateway-doctor-${process.pid}`);
  try {
    const handle = await open(file, "wx", 0o600);
    try {
      await handle.writeFile(Buffer.alloc(PROBE_BYTES));
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    // EFBIG is the limit of a process (ulimit -f), EDQUOT that of a user.
    const isFull = ["ENOSPC", "EDQUOT", "EFBIG"].includes(code ?? "");
    throw new Fault(
      isFull ? "disk.full" : "folder.unwritable",
      `${place} takes no file of ${PROBE_BYTES / 1024 / 1024} MB (${code}).`,
      { cause },
    );
  } finally {
    await rm(file, { force: true });
  }
}

/** Loads the keys of each issuer, as the gateway does. */
export async function checkIssuers(config: Answer<Config>, timeoutMs: number): Promise<Group> {
  const group = new Group("issuers");
  const issuers = await group.check("issuers are configured", [config], issuersOf);
  if (!issuers.passed) return group;
  const dispatcher = createDispatcher({ proxy: issuers.value.proxy });
  for (const { issuer, keys } of issuers.value.issuers) {
    await group.check(`the keys of ${issuer} can be loaded`, [], async () => {
      try {
        const text = await loadJwks(keys, { dispatcher, signal: AbortSignal.timeout(timeoutMs) });
        const { keys: found } = JSON.parse(text) as { readonly keys?: unknown };
        if (Array.isArray(found) && found.length > 0) return;
      } catch (cause) {
        throw new Fault("issuer.unreachable", messagesOf(cause), { cause });
      }
      throw new Fault("issuer.unreachable", "The answer has no key.");
    });
  }
  await dispatcher.close();
  return group;
}

async function issuersOf({ auth, cam }: Config) {
  const { issuers } = auth === undefined ? { issuers: [] } : await loadAuthFiles(auth);
  if (issuers.length === 0) throw new Skip("because callers need no token of an issuer");
  return { issuers, proxy: cam?.proxy ?? {} };
}

function messagesOf(error: unknown): string {
  const messages: string[] = [];
  for (let one = error; one instanceof Error && messages.length < 3; one = one.cause)
    messages.push(one.message);
  return messages.join(": ");
}
