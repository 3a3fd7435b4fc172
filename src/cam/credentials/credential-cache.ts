import type { Clock } from "../../clock.ts";
import type { Credential } from "./credential.ts";
import type { CredentialChain } from "./provider-chain.ts";

/** How long a loaded credential is used before its place is looked at again, so that a rotated key is noticed. */
const RELOAD_AFTER_MS = 60_000;

export interface CredentialCacheDeps {
  readonly chain: CredentialChain;
  readonly clock: Clock;
}

/**
 * The credential that calls are signed with. However many calls ask at once, the provider is asked once; a
 * failure is never kept, so the next call tries again.
 */
export class CredentialCache {
  readonly #deps: CredentialCacheDeps;
  #current: { readonly credential: Credential; readonly loadedAt: number } | undefined;
  #loading: Promise<Credential> | undefined;

  constructor(deps: CredentialCacheDeps) {
    this.#deps = deps;
  }

  /** @throws CredentialError where no provider has a usable credential. */
  get(): Promise<Credential> {
    const { clock } = this.#deps;
    if (this.#current !== undefined && clock.monotonic() - this.#current.loadedAt < RELOAD_AFTER_MS) {
      return Promise.resolve(this.#current.credential);
    }
    this.#loading ??= this.#load().finally(() => {
      this.#loading = undefined;
    });
    return this.#loading;
  }

  async #load(): Promise<Credential> {
    const loaded = await this.#deps.chain.load();
    // An unchanged key keeps its object, because derived signing keys are cached by it.
    const held = this.#current?.credential;
    const credential = held !== undefined && isSame(held, loaded) ? held : loaded;
    this.#current = { credential, loadedAt: this.#deps.clock.monotonic() };
    return credential;
  }
}

function isSame(current: Credential, loaded: Credential): boolean {
  return (
    current.secretId === loaded.secretId &&
    current.secretKey.reveal() === loaded.secretKey.reveal() &&
    current.token?.reveal() === loaded.token?.reveal()
  );
}
