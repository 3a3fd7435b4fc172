import type { Clock } from "../../clock.ts";
import { type Credential, CredentialError, type CredentialProvider } from "./credential.ts";
import { readMetadata } from "./read-metadata.ts";
import { parseMetadataCredentials } from "./temporary-credential.ts";

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
