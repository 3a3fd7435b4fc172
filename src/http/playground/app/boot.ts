import type { BootData } from "../boot-data.ts";

/** Reads the data block that the server wrote into the page. */
export function readBootData(): BootData {
  return JSON.parse(document.getElementById("boot")?.textContent ?? "");
}
