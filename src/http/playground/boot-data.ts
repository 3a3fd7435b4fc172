/**
 * The data that the server writes into the page. The build compiles server and page separately. They share only these
 * types.
 */
export interface BootData {
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
