import "@fontsource/fira-code/latin-400.css";
import "@graphiql/react/style.css";
import "@graphiql/plugin-doc-explorer/style.css";
import "@graphiql/plugin-history/style.css";
import "graphiql/graphiql.css";
import "./playground.css";
import "./panels.css";
import "./narrow-window.css";
import { createRoot } from "react-dom/client";
import { readBootData } from "./boot.ts";
import { registerMonacoWorkers } from "./monaco-workers.ts";
import { createPlayground } from "./playground.tsx";
import { stampStyleElements } from "./style-nonce.ts";

const boot = readBootData();
stampStyleElements(boot.styleNonce);
registerMonacoWorkers();
const root = document.getElementById("root");
if (root !== null) {
  createRoot(root).render(createPlayground(boot));
}
