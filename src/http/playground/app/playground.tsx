import { GraphiQL, HISTORY_PLUGIN } from "graphiql";
import type { BootData } from "../boot-data.ts";
import { ActiveTabInView } from "./active-tab-in-view.tsx";
import { EditorOptions } from "./editor-options.tsx";
import { createErrorsPlugin } from "./errors-plugin.tsx";
import { createExamplesPlugin } from "./examples-plugin.tsx";
import { isFirstVisit } from "./first-visit.ts";
import { Header } from "./header.tsx";
import { createNamespacedStorage } from "./namespaced-storage.ts";
import { isNarrowWindow } from "./narrow-window.ts";
import { postToGateway } from "./post-to-gateway.ts";
import { TabStripArrows } from "./tab-strip-arrows.tsx";

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
