/**
 * The data that the server writes into the console's page. The build compiles server and page separately. They share only
 * these types.
 */
export interface ConsoleBootData {
  /** Undefined if the gateway has no authentication: every visitor is the developer, in local mode. */
  readonly signIn: SignInSettings | undefined;
  /** Whether the embedded emulator replaces CAM for every account. */
  readonly isEmulated: boolean;
}

/** How the console signs a person in by OpenID Connect. */
export interface SignInSettings {
  /** The issuer's URL, as tokens name it in `iss`. */
  readonly issuer: string;
  readonly clientId: string;
  /** The requested scopes, separated by blanks. */
  readonly scope: string;
}
