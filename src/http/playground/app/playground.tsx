import { GraphiQL, HISTORY_PLUGIN } from "graphiql";
import type { BootData } from "../boot-data.ts";
import { ActiveTabInView } from "./active-tab-in-view.tsx";
import { errorsPlugin } from "./errors-plugin.tsx";
import { createExamplesPlugin } from "./examples-plugin.tsx";
import { Header } from "./header.tsx";
import { createNamespacedStorage } from "./namespaced-storage.ts";
import { postToGateway } from "./post-to-gateway.ts";
import { WordWrap } from "./word-wrap.tsx";

/**
 * The whole page as an element. The seeded tabs only appear where the browser has no tabs of ours yet; from then
 * on GraphiQL keeps the visitor's own. Request headers are never stored: they may hold a token.
 */
export function createPlayground(boot: BootData) {
  const examplesPlugin = createExamplesPlugin(boot.examples);
  return (
    <>
      <Header banner={boot.banner} />
      <GraphiQL
        fetcher={postToGateway}
        storage={createNamespacedStorage(localStorage, "cam-mfa-gateway")}
        defaultTabs={boot.examples.map((example) => ({ query: example.document }))}
        plugins={[examplesPlugin, errorsPlugin, HISTORY_PLUGIN]}
        defaultEditorToolsVisibility={false}
        showPersistHeadersSettings={false}
        shouldPersistHeaders={false}
        inputValueDeprecation
        schemaDescription
      >
        <GraphiQL.Logo>{null}</GraphiQL.Logo>
        <WordWrap />
        <ActiveTabInView />
      </GraphiQL>
    </>
  );
}
