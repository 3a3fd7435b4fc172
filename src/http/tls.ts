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

/** The files cannot be used. Its message names them and tells nothing of what is in them. */
export class TlsError extends Error {
  override readonly name = "TlsError";
}

/** @throws TlsError */
export async function readTls({ certFile, keyFile }: TlsFiles): Promise<TlsMaterial> {
  const [cert, key] = await Promise.all([
    readPem("TLS_CERT_FILE", certFile),
    readPem("TLS_KEY_FILE", keyFile),
  ]);
  try {
    createSecureContext({ cert, key });
    // Which takes files that are empty, as they are for a moment when they are written anew, and then talks to nobody.
    new X509Certificate(cert);
    createPrivateKey(key);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new TlsError(`TLS_CERT_FILE ${certFile} and TLS_KEY_FILE ${keyFile} are no PEM pair (${code}).`);
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

export interface TlsObserver {
  onTlsReloaded(): void;
  /** The files have changed and cannot be used; the old certificate goes on. */
  onTlsError(error: unknown): void;
}

/** By looking, not by being told: a mounted secret is replaced as a whole, which watchers of a file do not notice. */
const LOOK_EVERY_MS = 10_000;

/** Takes a renewed certificate for new connections, without a restart. @returns what ends that. */
export function keepTlsFresh(
  server: Server,
  files: TlsFiles,
  observer: TlsObserver,
  everyMs = LOOK_EVERY_MS,
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
