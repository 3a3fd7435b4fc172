import { refusals } from "../cam-refusals.ts";
import type { WireObject, WireValue } from "./wire-json.ts";

/** Decodes `a=1&b.c=2`. Refuses broken percent-encoding and repeated names. */
export function parseForm(text: string): Map<string, string> {
  const parameters = new Map<string, string>();
  for (const pair of text.split("&")) {
    if (pair === "") continue;
    const equals = pair.indexOf("=");
    const name = decode(equals < 0 ? pair : pair.slice(0, equals));
    if (parameters.has(name)) throw refusals.invalidParameter(`The parameter \`${name}\` is given twice.`);
    parameters.set(name, equals < 0 ? "" : decode(pair.slice(equals + 1)));
  }
  return parameters;
}

/** Turns `LoginFlag.Phone=1` and `Uins.0=..` into nested objects. All leaves are strings, because a form has no types. */
export function unflatten(parameters: ReadonlyMap<string, string>): WireObject {
  const root = emptyObject();
  for (const [name, value] of parameters) {
    const steps = name.split(".");
    const leaf = steps.pop() ?? "";
    let node = root;
    for (const step of steps) {
      const next: WireValue = node[step] ?? emptyObject();
      if (typeof next !== "object" || next === null || Array.isArray(next))
        throw refusals.parameterType(name);
      node[step] = next;
      node = next;
    }
    if (leaf in node) throw refusals.parameterType(name);
    node[leaf] = value;
  }
  return root;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch (cause) {
    const refusal = refusals.invalidParameter("The request parameters are not percent-encoded UTF-8.");
    refusal.cause = cause;
    throw refusal;
  }
}

/** An object without a prototype, so that a parameter `__proto__` is an ordinary name. */
function emptyObject(): WireObject {
  return Object.create(null) as WireObject;
}
