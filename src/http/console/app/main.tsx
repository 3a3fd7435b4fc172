import "./console.css";
import "./tables-and-bars.css";
import "./rollout/rollouts.css";
import { createRoot } from "react-dom/client";
import type { ConsoleBootData, SignInSettings } from "../../boot-data.ts";
import { Console } from "./console.tsx";
import { Problem } from "./gateway.tsx";
import { currentSession, type Session, startSignIn } from "./sign-in.ts";

/** The data block that the server wrote into the page. */
const { signIn, isEmulated }: ConsoleBootData = JSON.parse(
  document.getElementById("boot")?.textContent ?? "",
);
const root = createRoot(document.getElementById("root") as HTMLElement);
await open();

/** Opens the console, or the sign-in page if this gateway needs a signed-in person. */
async function open(): Promise<void> {
  if (signIn === undefined) return show(undefined);
  try {
    const session = await currentSession(signIn);
    if (session === undefined) askToSignIn(signIn);
    else show(session);
  } catch (error) {
    askToSignIn(signIn, error);
  }
}

function show(session: Session | undefined): void {
  root.render(<Console session={session} isEmulated={isEmulated} />);
}

/** @param problem The failure of the last try. */
function askToSignIn(settings: SignInSettings, problem?: unknown): void {
  const begin = () => startSignIn(settings).catch((error: unknown) => askToSignIn(settings, error));
  root.render(
    <main className="sign-in">
      <h1>MFA console</h1>
      <p>Sign in with your account at {new URL(settings.issuer).host}.</p>
      {problem !== undefined && <Problem error={problem} />}
      <button type="button" className="primary" onClick={begin}>
        Sign in
      </button>
    </main>,
  );
}
