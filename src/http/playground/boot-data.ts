/**
 * What the server tells the page. Server and page are compiled and bundled apart, so they share these types
 * and nothing else.
 */
export interface BootData {
  banner: PlaygroundBanner;
  examples: PlaygroundExample[];
  /** Lets the page's own scripts add `<style>` elements under the content security policy. */
  styleNonce: string;
}

/** Whom the gateway behind the page talks to; a visitor must see at a glance whether changes are real. */
export type PlaygroundBanner =
  | { target: "emulator" }
  | { target: "cam"; endpoint: string }
  /** Behind a router, beside other subgraphs, and with the emulator. */
  | { target: "graph"; router: string };

/** One ready-made operation. */
export interface PlaygroundExample {
  /** The operation's name; GraphiQL shows it as the name of the tab. */
  name: string;
  /** First comment line of the file. */
  title: string;
  /** The remaining comment lines, joined into one paragraph. */
  description: string;
  /** The error that comes back, as the description names it; null where none does. */
  errorCode: string | null;
  /** The whole file, comments included. */
  document: string;
}
