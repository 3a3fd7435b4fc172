import type { AvailableMethod, LoginActionFlag, MethodsToSwitch, SubUserMfa } from "cam-mfa-gateway/client";
import { elementOf } from "./element-of.ts";

type Protection = "login" | "action";

const METHODS = { phone: "Code by SMS", stoken: "Virtual MFA device", wechat: "Scan by WeChat" } as const;
type Method = keyof typeof METHODS;

const methods = Object.keys(METHODS) as Method[];

/** Puts a choice for each method into each of the form's fieldsets. */
export function addProtectionFields(): void {
  for (const protection of ["login", "action"] as const) {
    const fieldset = elementOf(protection, HTMLFieldSetElement);
    for (const method of methods) {
      const label = document.createElement("label");
      const select = document.createElement("select");
      select.id = label.htmlFor = `${protection}-${method}`;
      label.textContent = METHODS[method];
      select.append(new Option("leave as it is", ""), new Option("on", "on"), new Option("off", "off"));
      fieldset.append(label, select);
    }
  }
}

/** Shows at each method why it cannot be switched on. An empty list removes the messages. */
export function showAvailable(available: readonly AvailableMethod[]): void {
  for (const note of document.querySelectorAll(".unavailable")) note.remove();
  for (const { method, available: isAvailable, remedy } of available) {
    const own = methods.find((name) => name.toUpperCase() === method);
    if (own === undefined || isAvailable !== "NO") continue;
    for (const protection of ["login", "action"] as const) {
      const note = document.createElement("p");
      note.className = "hint unavailable";
      note.textContent = `Cannot be switched on. ${remedy ?? ""}`;
      fieldOf(protection, own).after(note);
    }
  }
}

export function resetChoices(): void {
  for (const method of methods)
    for (const protection of ["login", "action"] as const) fieldOf(protection, method).value = "";
}

export function fieldOf(protection: Protection, method: Method): HTMLSelectElement {
  return elementOf(`${protection}-${method}`, HTMLSelectElement);
}

/** The methods to switch. Unchanged methods are left out. */
export function chosenMethods(protection: Protection): MethodsToSwitch {
  const chosen = methods
    .map((method) => [method, fieldOf(protection, method).value])
    .filter(([, value]) => value !== "")
    .map(([method, value]) => [method, value === "on"]);
  return Object.fromEntries(chosen);
}

/** The fields that ask for a method, which is what the gateway refuses where it is not bound. */
export function fieldsSwitchedOn(method: Method): readonly HTMLSelectElement[] {
  return [fieldOf("login", method), fieldOf("action", method)].filter(({ value }) => value === "on");
}

/** Both protections in words. */
export function describeProtections(mfa: SubUserMfa | null): string {
  if (mfa === null) return "The protection cannot be read just now.";
  return `At login: ${describeFlag(mfa.login)}. Before sensitive operations: ${describeFlag(mfa.action)}.`;
}

function describeFlag(flag: LoginActionFlag): string {
  const on = Object.entries(flag).flatMap(([method, isOn]) => (isOn ? [nameOf(method)] : []));
  return on.length === 0 ? "nothing" : on.join(", ");
}

/** CAM also reports methods that only the console can switch. */
function nameOf(method: string): string {
  return method in METHODS ? METHODS[method as Method] : method;
}
