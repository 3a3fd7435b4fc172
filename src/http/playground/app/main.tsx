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
import { Playground } from "./playground.tsx";

/** The data block that the server wrote into the page. */
const boot: BootData = JSON.parse(document.getElementById("boot")?.textContent ?? "");
stampStyleElements(boot.styleNonce);
registerMonacoWorkers();
const root = document.getElementById("root");
if (root !== null) createRoot(root).render(<Playground boot={boot} />);
