import { get, type IncomingMessage } from "node:http";
import type { Clock } from "../../clock.ts";
import { utf8Text } from "../../utf8.ts";
import {
  type Credential,
  CredentialError,
  type CredentialProvider,
  parseMetadataCredentials,
} from "./credential.ts";

/** The service of every instance of Tencent Cloud: https://cloud.tencent.com/document/product/598/85616 */
export const METADATA_ORIGIN = "http://metadata.tencentyun.com";

const PATH = "/latest/meta-data/cam/security-credentials/";

export interface InstanceMetadata {
  readonly origin: string;
  /** The role's name; without it the service is asked which role the instance has. */
  readonly roleName?: string;
}

/** The role of the instance (CVM) or node (TKE) that the gateway runs on. An instance without a role has no key. */
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
    if (!isRoleName(name)) throw new Error("what it names is no role");
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

/** JSON.parse quotes what it could not read, and that may be a part of a key. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new Error("its answer is not JSON");
  }
}

/** Letters, digits and a few marks, none of which mean anything in a path. */
export function isRoleName(text: string): boolean {
  return /^[\w+=,.@-]{1,128}$/.test(text) && !/^\.+$/.test(text);
}

/** The service is one hop away. Where there is none, as outside Tencent Cloud, nobody should wait long for that. */
const TIMEOUT_MS = 2_000;

/** A key is a few kilobytes. */
const MAX_BYTES = 64 * 1024;

interface MetadataAnswer {
  readonly status: number;
  readonly text: string;
}

/**
 * One GET, plain, bounded in time and size: no proxy, since the address means this very machine; no redirect
 * followed, since keys come from nowhere else; no pool, since it is needed about once in an hour.
 */
function readMetadata(url: string, clock: Clock): Promise<MetadataAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<MetadataAnswer>();
  const request = get(url, { agent: false }, (response) => {
    readText(response).then((text) => resolve({ status: response.statusCode ?? 0, text }), reject);
  });
  request.on("error", reject);
  const cancel = clock.after(TIMEOUT_MS, () => request.destroy(new Error(`no answer in ${TIMEOUT_MS} ms`)));
  return promise.finally(cancel);
}

async function readText(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_BYTES) throw new Error(`more than ${MAX_BYTES} bytes`);
    chunks.push(chunk);
  }
  const text = utf8Text(Buffer.concat(chunks));
  if (text === undefined) throw new Error("an answer that is not UTF-8");
  return text;
}
