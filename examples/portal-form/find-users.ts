import type { CamGatewayClient, DirectoryUser, ProtectionState } from "cam-mfa-gateway/client";
import { elementOf } from "./element-of.ts";

interface UserSearch {
  readonly client: CamGatewayClient;
  readonly onChoice: (user: DirectoryUser) => void;
  readonly onFailure: (error: unknown) => void;
}

/** The pause after a key before the page asks the gateway. */
const PAUSE_MS = 200;
const MOST_SHOWN = 8;

/** Lists the users whose name, id or remark contains the typed words, while a person types. */
export function addUserSearch({ client, onChoice, onFailure }: UserSearch): void {
  const search = elementOf("search", HTMLInputElement);
  const list = elementOf("users", HTMLUListElement);
  const found = elementOf("found", HTMLElement);
  let typing = new AbortController();
  const show = async (words: string, signal: AbortSignal): Promise<void> => {
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    if (signal.aborted) return;
    const { edges, totalCount } = await client.subUserDirectory(
      { filter: { search: words }, first: MOST_SHOWN },
      { signal },
    );
    list.replaceChildren(...edges.map(({ node }) => itemOf(node, onChoice)));
    const more = totalCount > edges.length ? ` The first ${edges.length} are here: type more.` : "";
    found.textContent = `${totalCount} ${totalCount === 1 ? "user" : "users"} found.${more}`;
  };
  search.addEventListener("input", () => {
    typing.abort();
    typing = new AbortController();
    const { signal } = typing;
    const words = search.value.trim();
    list.replaceChildren();
    found.textContent = "";
    if (words === "") return;
    show(words, signal).catch((error: unknown) => {
      if (!signal.aborted) onFailure(error);
    });
  });
}

function itemOf(user: DirectoryUser, onChoice: (user: DirectoryUser) => void): HTMLLIElement {
  const item = document.createElement("li");
  const button = document.createElement("button");
  const name = document.createElement("strong");
  const facts = document.createElement("span");
  button.type = "button";
  name.textContent = user.name ?? "without a name";
  facts.className = "hint";
  facts.textContent = `${user.opUin} · ${user.account} · ${STATES[user.loginProtection ?? "UNKNOWN"]}`;
  button.append(name, facts);
  button.addEventListener("click", () => onChoice(user));
  item.append(button);
  return item;
}

const STATES: Readonly<Record<ProtectionState, string>> = {
  PROTECTED: "protected at login",
  UNPROTECTED: "not protected at login",
  UNKNOWN: "protection at login unknown",
};
