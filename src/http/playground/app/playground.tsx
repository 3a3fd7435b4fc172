import { useDocExplorer } from "@graphiql/plugin-doc-explorer";
import { formatShortcutForOS, useGraphiQL } from "@graphiql/react";
import { GraphiQL, HISTORY_PLUGIN } from "graphiql";
import type { ExecutionResult, IntrospectionQuery } from "graphql";
import { useEffect, useState } from "react";
import type { PlaygroundBanner, PlaygroundBootData } from "../../boot-data.ts";
import { createErrorsPlugin } from "./errors-panel.tsx";
import { createExamplesPlugin, isNarrowWindow } from "./examples-panel.tsx";
import iconUrl from "./icon.svg";
import { type NamedOperation, postToGateway, type Reply, withoutFederation } from "./post-to-gateway.ts";
import { ActiveTabInView, TabStripArrows } from "./tab-strip.tsx";

/**
 * The whole page. A first visit opens the first example and the Examples panel. Later visits open the visitor's own
 * tabs, which GraphiQL keeps. The browser never stores request headers, because they may contain a token.
 */
export function Playground({ boot }: { boot: PlaygroundBootData }) {
  const [reply, setReply] = useState<Reply>();
  const [props] = useState(() => graphiqlProps(boot, setReply));
  return (
    <>
      <Header banner={boot.banner} />
      <GraphiQL
        {...props}
        defaultEditorToolsVisibility={false}
        showPersistHeadersSettings={false}
        shouldPersistHeaders={false}
        inputValueDeprecation
        schemaDescription
      >
        <GraphiQL.Logo>
          <TabStripArrows />
        </GraphiQL.Logo>
        <GraphiQL.Footer>
          <ReplyStatus reply={reply} />
        </GraphiQL.Footer>
        <EditorOptions />
        <ActiveTabInView />
        <DocumentationAtTop />
      </GraphiQL>
    </>
  );
}

function graphiqlProps({ examples }: PlaygroundBootData, onReply: (reply: Reply) => void) {
  const examplesPlugin = createExamplesPlugin(examples);
  const storage = createNamespacedStorage(localStorage, "cam-mfa-gateway");
  // GraphiQL stores its tabs when it draws them.
  const isFirstVisit = storage.getItem("graphiql:tabState") === null;
  return {
    fetcher: async (
      operation: NamedOperation,
      { headers }: FetcherOptions = {},
    ): Promise<ExecutionResult> => {
      const reply = await postToGateway(operation, headers);
      const { data } = reply.result;
      if (operation.operationName === "IntrospectionQuery") {
        return data
          ? { data: { ...withoutFederation(data as unknown as IntrospectionQuery) } }
          : reply.result;
      }
      onReply(reply);
      return reply.result;
    },
    storage,
    defaultTabs: examples.slice(0, 1).map(({ document }) => ({ query: document })),
    plugins: [examplesPlugin, createErrorsPlugin(examples), HISTORY_PLUGIN],
    // In a narrow window the panel would cover the operation.
    ...(isFirstVisit && !isNarrowWindow() ? { visiblePlugin: examplesPlugin } : {}),
  };
}

interface FetcherOptions {
  headers?: Record<string, unknown> | undefined;
}

/**
 * Shows the HTTP status and duration of the reply below the response. Shows nothing for the response of an earlier run.
 */
function ReplyStatus({ reply }: { reply: Reply | undefined }) {
  const response = useGraphiQL((state) => state.tabs[state.activeTabIndex]?.response);
  if (reply === undefined || response !== JSON.stringify(reply.result, null, 2)) return null;
  const { status, durationMs } = reply;
  return (
    <p className="reply-status" role="status">
      {status === undefined ? "No reply" : `HTTP ${status}`} in {durationMs} ms
    </p>
  );
}

const NO_OPERATION =
  "Type an operation, or open one from the Examples. Ctrl-Space lists what can stand at the cursor. " +
  "The operation's name becomes the name of the tab.";
const NO_RESULT = `The result appears here. Press the play button or ${formatShortcutForOS("Ctrl-Enter", "Cmd")}.`;

/**
 * Wraps long lines in the operation editor, so that a narrow window shows whole comments, and sets the placeholders of
 * empty editors. Draws nothing.
 */
function EditorOptions() {
  const queryEditor = useGraphiQL((state) => state.queryEditor);
  const responseEditor = useGraphiQL((state) => state.responseEditor);
  useEffect(() => queryEditor?.updateOptions({ wordWrap: "on", placeholder: NO_OPERATION }), [queryEditor]);
  useEffect(() => responseEditor?.updateOptions({ placeholder: NO_RESULT }), [responseEditor]);
  return null;
}

/** Scrolls the documentation to its top when the visitor chooses another type or field. Draws nothing. */
function DocumentationAtTop() {
  const chosen = useDocExplorer().at(-1);
  // biome-ignore lint/correctness/useExhaustiveDependencies: another choice is the reason to scroll.
  useEffect(() => {
    // Waits for one frame, because in this frame the pane still scrolls to the visitor's click.
    const frame = requestAnimationFrame(() => document.querySelector(".graphiql-plugin")?.scrollTo(0, 0));
    return () => cancelAnimationFrame(frame);
  }, [chosen]);
  return null;
}

/** Shows the product's name and, before the first run, whether changes are real. */
function Header({ banner }: { banner: PlaygroundBanner }) {
  return (
    <header className="header">
      <img src={iconUrl} alt="" width="20" height="20" />
      <h1>CAM MFA gateway</h1>
      {describe(banner)}
    </header>
  );
}

/** Returns the banner's text. In a narrow window, the style sheet hides the `span` of a harmless target. */
function describe(banner: PlaygroundBanner) {
  switch (banner.target) {
    case "emulator":
      return (
        <p className="banner banner-emulator">
          <strong>Local mode</strong>
          <span>: connected to the embedded CAM emulator. Nothing reaches Tencent Cloud.</span>
        </p>
      );
    case "graph":
      return (
        <p className="banner banner-emulator">
          <strong>Federated</strong>
          <span>
            : the gateway and an employee directory behind {banner.router}. Nothing reaches Tencent Cloud.
          </span>
        </p>
      );
    case "cam":
      return (
        <p className="banner banner-cam">
          <strong>Live</strong>: connected to <code>{banner.endpoint}</code>. Mutations change real users.
        </p>
      );
  }
}

/**
 * Returns the part of localStorage under `namespace`. Browsers keep one storage for each host and port, and GraphiQL
 * always uses the same keys. Without a namespace, another project's GraphiQL on the same port would replace these tabs.
 */
function createNamespacedStorage(storage: Storage, namespace: string): Storage {
  const prefix = `${namespace}:`;
  const ownKeys = () => Object.keys(storage).filter((key) => key.startsWith(prefix));
  return {
    get length() {
      return ownKeys().length;
    },
    key: (index) => ownKeys()[index]?.slice(prefix.length) ?? null,
    getItem: (key) => storage.getItem(prefix + key),
    setItem: (key, value) => storage.setItem(prefix + key, value),
    removeItem: (key) => storage.removeItem(prefix + key),
    clear: () => {
      for (const key of ownKeys()) storage.removeItem(key);
    },
  };
}
