import { elementOf } from "./element-of.ts";
import type { Explanation } from "./explain-failure.ts";
import { fieldsSwitchedOn } from "./protection-fields.ts";

const problem = elementOf("problem", HTMLElement);
const advice = elementOf("problem-advice", HTMLElement);
const countdown = elementOf("countdown", HTMLElement);

/** Shows what went wrong, says it to a screen reader, and leads to the input that has to change. */
export function showProblem(explanation: Explanation): void {
  elementOf("problem-title", HTMLElement).textContent = explanation.title;
  advice.textContent = explanation.advice;
  elementOf("problem-facts", HTMLElement).textContent = explanation.facts;
  elementOf("read", HTMLButtonElement).hidden = explanation.readFirst !== true;
  problem.hidden = false;
  const inputs = inputsOf(explanation.input);
  for (const input of inputs) {
    input.setAttribute("aria-invalid", "true");
    input.setAttribute("aria-errormessage", "problem-advice");
  }
  inputs[0]?.after(createNote(explanation.title));
  inputs[0]?.focus();
}

/** On a small screen the input is in view and the problem is not. A screen reader has had it from the alert. */
function createNote(text: string): HTMLElement {
  const note = document.createElement("p");
  note.className = "note";
  note.textContent = text;
  note.ariaHidden = "true";
  return note;
}

export function hideProblem(): void {
  problem.hidden = true;
  document.querySelector(".note")?.remove();
  for (const input of document.querySelectorAll("[aria-invalid]")) {
    input.removeAttribute("aria-invalid");
    input.removeAttribute("aria-errormessage");
  }
}

/** Resolves when the time is over, and shows how many seconds are left. */
export async function countDown(ms: number): Promise<void> {
  const end = performance.now() + ms;
  for (let left = ms; left > 0; left = end - performance.now()) {
    countdown.textContent = `You can switch again in ${Math.ceil(left / 1_000)} s.`;
    await new Promise((resolve) => setTimeout(resolve, Math.min(left, 1_000)));
  }
  countdown.textContent = ms > 0 ? "You can switch again now." : "";
}

function inputsOf(input: Explanation["input"]): readonly HTMLElement[] {
  if (input === undefined) return [];
  switch (input) {
    case "opUin":
      return [elementOf("op-uin", HTMLInputElement)];
    case "reason":
      return [elementOf("reason", HTMLInputElement)];
    case "overwrite":
      elementOf("overwriting", HTMLElement).hidden = false;
      return [elementOf("overwrite", HTMLInputElement)];
    default:
      return fieldsSwitchedOn(input);
  }
}
