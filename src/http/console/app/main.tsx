import "./console.css";
import "./tables-and-bars.css";
import { createRoot } from "react-dom/client";
import type { ConsoleBootData } from "../console-boot-data.ts";
import { Console } from "./console.tsx";
import { Problem } from "./problem.tsx";
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
  let problem: unknown;
  const session = await currentSession(signIn).catch((error: unknown) => {
    problem = error;
    return undefined;
  });
  if (session !== undefined) return show(session);
  root.render(
    <main className="sign-in">
      <h1>MFA console</h1>
      <p>Sign in with your account at {new URL(signIn.issuer).host}.</p>
      {problem !== undefined && <Problem error={problem} />}
      <button type="button" className="primary" onClick={() => begin()}>
        Sign in
      </button>
    </main>,
  );

  function begin(): void {
    startSignIn(signIn as NonNullable<typeof signIn>).catch((error: unknown) =>
      root.render(
        <main className="sign-in">
          <h1>MFA console</h1>
          <Problem error={error} />
        </main>,
      ),
    );
  }
}

function show(session: Session | undefined): void {
  root.render(<Console session={session} isEmulated={isEmulated} />);
}
