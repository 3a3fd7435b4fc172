/**
 * The data that the server writes into the playground's page. The build compiles server and pages separately. They share
 * only the types of this file.
 */
export interface PlaygroundBootData {
  banner: PlaygroundBanner;
  examples: PlaygroundExample[];
  /** Allows the page's scripts to add `<style>` elements under the content security policy. */
  styleNonce: string;
}

/** The target of changes. The page must show a visitor immediately whether changes are real. */
export type PlaygroundBanner =
  | { target: "emulator" }
  | { target: "cam"; endpoint: string }
  /** A router with the gateway and an example subgraph, and the emulator. */
  | { target: "graph"; router: string };

/** One ready-made operation. */
export interface PlaygroundExample {
  /** The operation's name, which GraphiQL shows on the tab. */
  name: string;
  /** The first comment line of the file. */
  title: string;
  /** The remaining comment lines, joined into one paragraph. */
  description: string;
  /** The code of the error that the example returns, from the description. Null without an error. */
  errorCode: string | null;
  /** The whole file, comments included. */
  document: string;
}

/** The data that the server writes into the console's page. */
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
