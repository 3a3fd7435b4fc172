import { get } from "node:http";
import type { Clock } from "../../clock.ts";
import { readUtf8Stream } from "../../utf8.ts";
import {
  type Credential,
  CredentialError,
  type CredentialProvider,
  parseMetadataCredentials,
} from "./credential.ts";

/**
 * The address of the metadata service on instances of Tencent Cloud:
 * https://cloud.tencent.com/document/product/598/85616
 */
export const METADATA_ORIGIN = "http://metadata.tencentyun.com";

const PATH = "/latest/meta-data/cam/security-credentials/";

export interface InstanceMetadata {
  readonly origin: string;
  /** Default: the role that the service names. */
  readonly roleName?: string;
}

/** Creates a provider of the instance's role (CVM) or the node's role (TKE). An instance without a role has no key. */
export function createMetadataProvider(metadata: InstanceMetadata, clock: Clock): CredentialProvider {
  const ask = async (name: string): Promise<string | undefined> => {
    const { status, text } = await readMetadata(`${metadata.origin}${PATH}${name}`, clock);
    if (status === 404) return undefined;
    if (status !== 200) throw new Error(`HTTP status ${status}`);
    return text.trim();
  };
  const load = async (): Promise<Credential | undefined> => {
    const name = metadata.roleName ?? (await ask(""));
    if (!name) return undefined;
    if (!isRoleName(name)) throw new Error("it does not name a valid role");
    const answer = await ask(name);
    if (answer === undefined) throw new Error(`the instance does not have the role ${name}`);
    return { ...parseMetadataCredentials(parseJson(answer)), role: `instance role ${name}` };
  };
  return {
    name: "instance metadata",
    load: () =>
      load().catch((cause: unknown) => {
        throw new CredentialError(`The metadata service ${metadata.origin} gave no key.`, { cause });
      }),
  };
}

/** Parses JSON. Drops the parser's error, because it quotes the text, which may contain a part of a key. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new Error("its answer is not JSON");
  }
}

/** Returns whether a text is a role's name: letters, digits and marks without a meaning in a path. */
export function isRoleName(text: string): boolean {
  return /^[\w+=,.@-]{1,128}$/.test(text) && !/^\.+$/.test(text);
}

/** The service is one hop away. It does not exist outside Tencent Cloud, so the gateway must give up soon. */
const TIMEOUT_MS = 2_000;

/** A key is a few kilobytes. */
const MAX_BYTES = 64 * 1024;

/**
 * Makes one GET with a limit of time and size. Uses no proxy, because the service is part of this machine. Follows no
 * redirect, because only this service may give keys. Uses no pool, because the gateway calls it about once an hour.
 */
function readMetadata(
  url: string,
  clock: Clock,
): Promise<{ readonly status: number | undefined; readonly text: string }> {
  const { promise, resolve, reject } = Promise.withResolvers<Awaited<ReturnType<typeof readMetadata>>>();
  const request = get(url, { agent: false }, (response) => {
    const { statusCode: status } = response;
    readUtf8Stream(response, MAX_BYTES).then((text) => resolve({ status, text }), reject);
  });
  request.on("error", reject);
  const cancel = clock.after(TIMEOUT_MS, () => request.destroy(new Error(`no answer in ${TIMEOUT_MS} ms`)));
  return promise.finally(cancel);
}
