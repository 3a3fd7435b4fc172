import { GraphiQL, HISTORY_PLUGIN } from "graphiql";
import type { BootData, PlaygroundBanner } from "../boot-data.ts";
import { createErrorsPlugin } from "./errors-panel.tsx";
import { createExamplesPlugin, isNarrowWindow } from "./examples-panel.tsx";
import iconUrl from "./icon.svg";
import { EditorOptions } from "./monaco.tsx";
import { postToGateway } from "./post-to-gateway.ts";
import { ActiveTabInView, TabStripArrows } from "./tab-strip.tsx";

/**
 * The whole page as an element. The seeded tabs, and the panel that explains them, only open where the browser has no
 * tabs of ours yet; from then on GraphiQL keeps the visitor's own. Request headers are never stored: they may hold a
 * token.
 */
export function createPlayground(boot: BootData) {
  const examplesPlugin = createExamplesPlugin(boot.examples);
  const storage = createNamespacedStorage(localStorage, "cam-mfa-gateway");
  // In a narrow window the panel would cover the operation that is ready to be run.
  const visiblePlugin = isFirstVisit(storage) && !isNarrowWindow() ? { visiblePlugin: examplesPlugin } : {};
  return (
    <>
      <Header banner={boot.banner} />
      <GraphiQL
        fetcher={postToGateway}
        storage={storage}
        defaultTabs={boot.examples.map((example) => ({ query: example.document }))}
        plugins={[examplesPlugin, createErrorsPlugin(boot.examples), HISTORY_PLUGIN]}
        {...visiblePlugin}
        defaultEditorToolsVisibility={false}
        showPersistHeadersSettings={false}
        shouldPersistHeaders={false}
        inputValueDeprecation
        schemaDescription
      >
        <GraphiQL.Logo>
          <TabStripArrows />
        </GraphiQL.Logo>
        <EditorOptions />
        <ActiveTabInView />
      </GraphiQL>
    </>
  );
}

/** Whether a browser has never shown the playground: GraphiQL stores its tabs as soon as it has drawn them. */
function isFirstVisit(storage: Storage): boolean {
  return storage.getItem("graphiql:tabState") === null;
}

/** Names the product and says, before anything is run, whether changes made here are real. */
function Header({ banner }: { banner: PlaygroundBanner }) {
  return (
    <header className="header">
      <img src={iconUrl} alt="" width="20" height="20" />
      <h1>CAM MFA gateway</h1>
      {describe(banner)}
    </header>
  );
}

/** A narrow window only shows the first word of what is harmless. */
function describe(banner: PlaygroundBanner) {
  switch (banner.target) {
    case "emulator":
      return (
        <p className="banner banner-emulator">
          <strong>Local mode</strong>
          <span>: talking to the embedded CAM emulator. Nothing reaches Tencent Cloud.</span>
        </p>
      );
    case "graph":
      return (
        <p className="banner banner-emulator">
          <strong>Federated</strong>
          <span>
            : the gateway and a directory of employees behind {banner.router}. Nothing reaches Tencent Cloud.
          </span>
        </p>
      );
    case "cam":
      return (
        <p className="banner banner-cam">
          <strong>Live</strong>: talking to <code>{banner.endpoint}</code>. Mutations change real users.
        </p>
      );
  }
}

/**
 * The part of localStorage under `namespace`. Browsers keep one storage per host and port, and GraphiQL always
 * uses the same keys: without this, another project's GraphiQL that once ran on this port would own our tabs.
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
      for (const key of ownKeys()) {
        storage.removeItem(key);
      }
    },
  };
}
