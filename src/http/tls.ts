import { createPrivateKey, X509Certificate } from "node:crypto";
import { unwatchFile, watchFile } from "node:fs";
import type { Server } from "node:https";
import { createSecureContext } from "node:tls";
import { readUtf8File, whyUnreadable } from "../utf8.ts";

/** PEM files: the certificate with its chain, and its key. */
export interface TlsFiles {
  readonly certFile: string;
  readonly keyFile: string;
}

export interface TlsMaterial {
  readonly cert: string;
  readonly key: string;
  readonly minVersion: "TLSv1.2";
}

/** The gateway cannot use the files. The message names them and repeats no content. */
export class TlsError extends Error {
  override readonly name = "TlsError";
}

/** Reads and checks the certificate and its key. @throws TlsError */
export async function readTls({ certFile, keyFile }: TlsFiles): Promise<TlsMaterial> {
  const [cert, key] = await Promise.all([
    readPem("TLS_CERT_FILE", certFile),
    readPem("TLS_KEY_FILE", keyFile),
  ]);
  try {
    createSecureContext({ cert, key });
    // createSecureContext accepts empty files, which exist briefly during a rewrite. No handshake would succeed.
    new X509Certificate(cert);
    createPrivateKey(key);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new TlsError(`TLS_CERT_FILE ${certFile} and TLS_KEY_FILE ${keyFile} are not a PEM pair (${code}).`);
  }
  return { cert, key, minVersion: "TLSv1.2" };
}

async function readPem(variable: string, file: string): Promise<string> {
  try {
    return await readUtf8File(file);
  } catch (error) {
    throw new TlsError(`${variable} ${file} ${whyUnreadable(error)}.`);
  }
}

interface TlsObserver {
  onTlsReloaded(): void;
  /** Called when the gateway cannot use the changed files. The old certificate stays in use. */
  onTlsError(error: unknown): void;
}

/**
 * The time between two polls. The gateway polls, because file watchers miss the replacement of a whole mounted secret.
 */
const POLL_INTERVAL_MS = 10_000;

/** Uses a renewed certificate for new connections, without a restart. @returns a function that stops the polling. */
export function reloadTlsOnChange(
  server: Server,
  files: TlsFiles,
  observer: TlsObserver,
  everyMs = POLL_INTERVAL_MS,
): () => void {
  const reload = (): void => {
    readTls(files).then(
      (material) => {
        server.setSecureContext(material);
        observer.onTlsReloaded();
      },
      (error: unknown) => observer.onTlsError(error),
    );
  };
  const watched = [files.certFile, files.keyFile];
  for (const file of watched) watchFile(file, { interval: everyMs, persistent: false }, reload);
  return () => {
    for (const file of watched) unwatchFile(file, reload);
  };
}
