import { CamGatewayError, createCamGatewayClient } from "cam-mfa-gateway/client";
import { elementOf } from "./element-of.ts";
import { explainFailure } from "./explain-failure.ts";
import { countDown, hideProblem, showProblem } from "./problem.ts";
import { addProtectionFields, chosenMethods, describeProtections } from "./protection-fields.ts";

const form = elementOf("change", HTMLFormElement);
const opUin = elementOf("op-uin", HTMLInputElement);
const submit = elementOf("submit", HTMLButtonElement);
const read = elementOf("read", HTMLButtonElement);
const progress = elementOf("progress", HTMLElement);

const client = createCamGatewayClient({ url: "/graphql" });
/** One for each change. It stays while there is no answer, so that switching again cannot make the change twice. */
let idempotencyKey = crypto.randomUUID();
const renewKey = () => {
  idempotencyKey = crypto.randomUUID();
};

addProtectionFields();
form.addEventListener("input", renewKey);
form.addEventListener("submit", (event) => {
  event.preventDefault();
  void run("Switching…", switchProtection);
});
read.addEventListener("click", () => void run("Reading…", readProtection));

async function switchProtection(): Promise<string> {
  const change = {
    opUin: opUin.value.trim(),
    login: chosenMethods("login"),
    action: chosenMethods("action"),
  };
  const { subUser } = await client.setSubUserMfa(change, { idempotencyKey });
  renewKey();
  return `Done. ${describeProtections(subUser.mfa)}`;
}

async function readProtection(): Promise<string> {
  const user = await client.subUser(opUin.value.trim());
  return user === null ? "There is no such user." : describeProtections(user.mfa);
}

/** One thing at a time, with its news in the page. */
async function run(news: string, task: () => Promise<string>): Promise<void> {
  hideProblem();
  progress.textContent = news;
  submit.disabled = true;
  try {
    progress.textContent = await task();
    submit.disabled = false;
  } catch (error) {
    progress.textContent = "";
    if (error instanceof CamGatewayError) renewKey();
    const explanation = explainFailure(error);
    showProblem(explanation);
    await countDown(explanation.waitMs ?? 0);
    submit.disabled = explanation.readFirst === true;
  }
}
