import { SCOPES, type Scope } from "./scope.ts";

/** Who is asking, as logs and records name them. */
export interface CallerIdentity {
  readonly subject: string;
  /** The program that acts for the subject. */
  readonly client?: string | undefined;
  /** Who vouches for both. */
  readonly issuer?: string | undefined;
}

/** Who is asking, and what they may do. */
export interface Caller extends CallerIdentity {
  readonly scopes: ReadonlySet<Scope>;
}

/** The development caller of local mode, who may do everything: the reason why local mode listens on loopback alone. */
export const LOCAL_CALLER: Caller = Object.freeze({ subject: "local", scopes: new Set(SCOPES) });

/** Whoever brings no proof. They may ask for what is public. */
export const ANONYMOUS: Caller = Object.freeze({ subject: "anonymous", scopes: new Set<Scope>() });
