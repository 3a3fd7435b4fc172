import type { EmulatorState } from "./emulator-state.ts";
import type { TemporaryKey } from "./key-issuer.ts";
import { expiryOf, temporaryCredentials } from "./key-issuer.ts";
import type { Role } from "./seed.ts";

/** The path at which an instance reads the keys of its role: https://cloud.tencent.com/document/product/598/85616 */
const CREDENTIALS_PATH = "/latest/meta-data/cam/security-credentials";

const SESSION_SECONDS = 7_200;
/** The share of a key's lifetime during which the service returns the same key. */
const RENEWED_AFTER = 0.5;

interface MetadataReply {
  status: number;
  contentType: string;
  body: string;
}

const NOT_FOUND: MetadataReply = { status: 404, contentType: "text/plain", body: "404 Not Found\n" };

/** The metadata service of an instance with a role. Like the vendor's, it requires no authentication. */
export class MetadataService {
  readonly #state: EmulatorState;
  #held: { readonly key: TemporaryKey; readonly renewAtMs: number } | undefined;

  constructor(state: EmulatorState) {
    this.#state = state;
  }

  /** Returns undefined for an unknown path. */
  answer(method: string | undefined, path: string): MetadataReply | undefined {
    if (!`${path}/`.startsWith(`${CREDENTIALS_PATH}/`)) return undefined;
    const role = this.#state.account.role(this.#state.settings.instanceRole ?? "");
    const name = path.slice(CREDENTIALS_PATH.length + 1);
    if (method !== "GET" || role === undefined) return NOT_FOUND;
    if (name === "") return { status: 200, contentType: "text/plain", body: role.name };
    if (name !== role.name) return NOT_FOUND;
    const key = this.#keyOf(role);
    const answer = { ...temporaryCredentials(key), ...expiryOf(key), Code: "Success" };
    return { status: 200, contentType: "application/json", body: JSON.stringify(answer) };
  }

  #keyOf(role: Role): TemporaryKey {
    const { account, clock, issuer } = this.#state;
    const nowMs = clock.now();
    const held = this.#held;
    // After a reset or a revocation the account no longer has the key, so issue a new one.
    const isGood = held !== undefined && nowMs < held.renewAtMs && account.key(held.key.secretId);
    if (isGood) return held.key;
    const session = { session: "instance", issuedTo: null, durationSeconds: SESSION_SECONDS };
    const key = issuer.issue({ role, ...session, nowMs });
    this.#held = { key, renewAtMs: nowMs + (Date.parse(key.expiresAt) - nowMs) * RENEWED_AFTER };
    return key;
  }
}
