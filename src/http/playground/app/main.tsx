import "@fontsource/fira-code/latin-400.css";
import "@graphiql/react/style.css";
import "@graphiql/plugin-doc-explorer/style.css";
import "@graphiql/plugin-history/style.css";
import "graphiql/graphiql.css";
import "./playground.css";
import "./narrow-window.css";
import { createRoot } from "react-dom/client";
import type { BootData } from "../boot-data.ts";
import { registerMonacoWorkers, stampStyleElements } from "./monaco.tsx";
import { createPlayground } from "./playground.tsx";

const boot = readBootData();
stampStyleElements(boot.styleNonce);
registerMonacoWorkers();
const root = document.getElementById("root");
if (root !== null) {
  createRoot(root).render(createPlayground(boot));
}

/** Reads the data block that the server wrote into the page. */
function readBootData(): BootData {
  return JSON.parse(document.getElementById("boot")?.textContent ?? "");
}
