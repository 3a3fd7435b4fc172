import type { ClientConfig } from "pg";
import { parseIntoClientConfig } from "pg-connection-string";
import { readUtf8File, whyUnreadable } from "../utf8.ts";
import { DatabaseError } from "./database.ts";

/** A URL, or a function that reads it from its file. */
export type UrlSource = string | (() => Promise<string>);

const EXAMPLE = "postgres://user:password@host:5432/database";

/** The address and credentials of the database. Reads them again for each connection, so that both can change. */
export class DatabaseAddress {
  readonly #source: UrlSource;
  #config: ClientConfig;

  private constructor(source: UrlSource, config: ClientConfig) {
    this.#source = source;
    this.#config = config;
  }

  /** @throws DatabaseError if the URL, or a file that it names, cannot be read. */
  static async read(source: UrlSource): Promise<DatabaseAddress> {
    return new DatabaseAddress(source, parseUrl(await readSource(source)));
  }

  /** The last good address. */
  get config(): ClientConfig {
    return this.#config;
  }

  get usesTls(): boolean {
    return Boolean(this.#config.ssl);
  }

  /** Reads the address again. Returns the error if that fails; the last good address stays in use. */
  async refresh(): Promise<DatabaseError | undefined> {
    try {
      this.#config = parseUrl(await readSource(this.#source));
      return undefined;
    } catch (error) {
      if (error instanceof DatabaseError) return error;
      throw error;
    }
  }
}

function readSource(source: UrlSource): string | Promise<string> {
  return typeof source === "string" ? source : source();
}

/** Checks a URL before the driver does, because the driver's error would quote the password. @throws DatabaseError */
export function checkUrl(url: string): void {
  const [, hosts = ""] = /^postgres(?:ql)?:\/\/(?:[^/?#]*@)?([^/?#@]*)/.exec(url) ?? [];
  if (hosts.includes(",")) {
    throw new DatabaseError(
      "DATABASE_URL names several hosts, and the gateway connects to one. Give the name that always leads to the primary, for example that of a proxy or of the cluster's read-write endpoint.",
    );
  }
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed === undefined || !/^postgres(ql)?:$/.test(parsed.protocol) || parsed.pathname.length < 2) {
    throw new DatabaseError(
      `DATABASE_URL must look like ${EXAMPLE}. Percent-encode special characters in the password.`,
    );
  }
}

function parseUrl(url: string): ClientConfig {
  checkUrl(url);
  try {
    return parseIntoClientConfig(url);
  } catch (cause) {
    const { code, path } = cause as NodeJS.ErrnoException;
    if (path === undefined) {
      // The error omits its cause, which may quote the URL.
      throw new DatabaseError(
        `A parameter of DATABASE_URL cannot be used. It must look like ${EXAMPLE}?sslmode=verify-full&sslrootcert=/path/ca.pem.`,
      );
    }
    throw new DatabaseError(
      `DATABASE_URL names the file ${path} (sslrootcert, sslcert or sslkey), which cannot be read (${code}). Mount the file there and let the gateway's user read it.`,
    );
  }
}

/** Reads the URL in the file of DATABASE_URL_FILE. @throws DatabaseError */
export async function readUrlFile(file: string): Promise<string> {
  try {
    return (await readUtf8File(file)).trim();
  } catch (cause) {
    throw new DatabaseError(`The file of DATABASE_URL_FILE, ${file}, ${whyUnreadable(cause)}.`, { cause });
  }
}
