import { CamGatewayError, createCamGatewayClient, type DirectoryUser } from "cam-mfa-gateway/client";
import { elementOf } from "./element-of.ts";
import { explainFailure } from "./explain-failure.ts";
import { addUserSearch } from "./find-users.ts";
import { countDown, hideProblem, showProblem } from "./problem.ts";
import {
  addProtectionFields,
  chosenMethods,
  describeProtections,
  resetChoices,
  showAvailable,
} from "./protection-fields.ts";
import { chooseUser, forgetAccount, typedUser } from "./typed-user.ts";

const form = elementOf("change", HTMLFormElement);
const opUin = elementOf("op-uin", HTMLInputElement);
const reason = elementOf("reason", HTMLInputElement);
const overwrite = elementOf("overwrite", HTMLInputElement);
const submit = elementOf("submit", HTMLButtonElement);
const read = elementOf("read", HTMLButtonElement);
const progress = elementOf("progress", HTMLElement);

const client = createCamGatewayClient({ url: "/graphql" });
/** The idempotency key of a change. It stays until an answer arrives, so that a second click cannot make the change twice. */
let idempotencyKey = crypto.randomUUID();
const renewKey = () => {
  idempotencyKey = crypto.randomUUID();
};

addProtectionFields();
addUserSearch({ client, onChoice: openUser, onFailure: (error) => showProblem(explainFailure(error)) });
form.addEventListener("input", renewKey);
opUin.addEventListener("input", () => {
  forgetAccount();
  forgetOverwriting();
  showAvailable([]);
});
form.addEventListener("submit", (event) => {
  event.preventDefault();
  if (submit.ariaDisabled !== "true") void run("Switching…", switchProtection);
});
read.addEventListener("click", () => void run("Reading…", readProtection));

/** Shows a user of the search: what holds, and what cannot be switched on. */
function openUser(user: DirectoryUser): void {
  chooseUser(user);
  renewKey();
  forgetOverwriting();
  resetChoices();
  void run("Reading…", readProtection);
}

async function switchProtection(): Promise<string> {
  const change = {
    ...typedUser(),
    login: chosenMethods("login"),
    action: chosenMethods("action"),
    ...(reason.value.trim() === "" ? {} : { reason: reason.value.trim() }),
    ...(overwrite.checked ? { overwriteOtherMethods: true } : {}),
  };
  const { subUser } = await client.setSubUserMfa(change, { idempotencyKey });
  renewKey();
  forgetOverwriting();
  return `Done. ${describeProtections(subUser.mfa)}`;
}

/** What was agreed to for one change of one user does not hold for the next. */
function forgetOverwriting(): void {
  overwrite.checked = false;
  elementOf("overwriting", HTMLElement).hidden = true;
}

async function readProtection(): Promise<string> {
  const { opUin: uin, ...account } = typedUser();
  const user = await client.subUser(uin, account);
  if (user === null) return "This user does not exist.";
  showAvailable(user.availableMethods ?? []);
  return `${user.name ?? uin}. ${describeProtections(user.mfa)}`;
}

/** Whether the user's protections are unknown. Only a successful read ends this state. */
let mustRead = false;

/** One thing at a time, with its news in the page. */
async function run(news: string, task: () => Promise<string>): Promise<void> {
  hideProblem();
  progress.textContent = news;
  setSubmitting(false);
  try {
    progress.textContent = await task();
    mustRead = false;
    setSubmitting(true);
  } catch (error) {
    progress.textContent = "";
    if (error instanceof CamGatewayError) renewKey();
    const explanation = explainFailure(error);
    mustRead ||= explanation.readFirst === true;
    showProblem({ ...explanation, readFirst: mustRead });
    await countDown(explanation.waitMs ?? 0);
    setSubmitting(!mustRead);
  }
}

/** A `disabled` button would lose the focus, and keyboard users their place. */
function setSubmitting(isPossible: boolean): void {
  submit.ariaDisabled = isPossible ? null : "true";
}
