import { afterAll } from "vitest";
import { endFile } from "./when-over.ts";

// Vitest runs this module once for each file. It runs other modules once for each process, where the files share them.
afterAll(endFile);
