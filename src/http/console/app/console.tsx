import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { type ComponentType, type ReactNode, useEffect, useRef, useState } from "react";
import { Link, Redirect, Route, Router, Switch, useLocation } from "wouter";
import { useHashLocation } from "wouter/use-hash-location";
import { ApprovalsPage } from "./approvals-page.tsx";
import { CallersPage } from "./callers-page.tsx";
import { CoveragePage } from "./coverage-page.tsx";
import { DriftPage } from "./drift-page.tsx";
import { connectGateway, GatewayProvider } from "./gateway.tsx";
import { RecordPage } from "./record-page.tsx";
import { NewRolloutPage } from "./rollout/new-rollout-page.tsx";
import { RolloutPage } from "./rollout/rollout-page.tsx";
import { RolloutsPage } from "./rollout/rollouts-page.tsx";
import type { Session } from "./sign-in.ts";
import { FIRST_SEARCH } from "./user-filters.tsx";
import { UserPage } from "./user-page.tsx";
import { UsersPage } from "./users-page.tsx";

/** The pages of the navigation. The list of users has its own route, because it keeps its search. */
const PAGES: readonly { readonly path: string; readonly title: string; readonly Page?: ComponentType }[] = [
  { path: "/users", title: "Users" },
  { path: "/coverage", title: "Coverage", Page: CoveragePage },
  { path: "/rollouts", title: "Rollouts", Page: RolloutsPage },
  { path: "/approvals", title: "Approvals", Page: ApprovalsPage },
  { path: "/record", title: "Record", Page: RecordPage },
  { path: "/drift", title: "Drift", Page: DriftPage },
  { path: "/callers", title: "Paused callers", Page: CallersPage },
];

interface ConsoleProps {
  /** Undefined if the gateway needs no sign-in. */
  readonly session: Session | undefined;
  readonly isEmulated: boolean;
}

/** The whole page: navigation and one page. The address after `#` names the page, so links and Back work. */
export function Console({ session, isEmulated }: ConsoleProps) {
  const [gateway] = useState(() => connectGateway(session));
  // A read is shown again from memory for a moment, and is repeated when the visitor returns to the tab.
  const [queries] = useState(
    () => new QueryClient({ defaultOptions: { queries: { retry: false, staleTime: 2_000 } } }),
  );
  const [search, setSearch] = useState(FIRST_SEARCH);
  return (
    <GatewayProvider value={gateway}>
      <QueryClientProvider client={queries}>
        <Router hook={useHashLocation}>
          <Header session={session} isEmulated={isEmulated} />
          <Main>
            <Switch>
              <Route path="/users/:account/:opUin">
                {({ account, opUin }) => (
                  <UserPage key={`${account}/${opUin}`} account={account} opUin={opUin} />
                )}
              </Route>
              <Route path="/users">
                <UsersPage search={search} onSearch={setSearch} />
              </Route>
              <Route path="/rollouts/new">
                <NewRolloutPage filters={search.filters} />
              </Route>
              <Route path="/rollouts/:id">{({ id }) => <RolloutPage key={id} id={id} />}</Route>
              {PAGES.map(
                ({ path, Page }) =>
                  Page && (
                    <Route key={path} path={path}>
                      <Page />
                    </Route>
                  ),
              )}
              <Route>
                <Redirect to="/users" replace />
              </Route>
            </Switch>
          </Main>
        </Router>
      </QueryClientProvider>
    </GatewayProvider>
  );
}

function Header({ session, isEmulated }: ConsoleProps) {
  const [location] = useLocation();
  return (
    <header className="top">
      <p className="product">MFA console</p>
      <nav aria-label="Pages">
        {PAGES.map(({ path, title }) => (
          <Link key={path} href={path} aria-current={location.startsWith(path) ? "page" : undefined}>
            {title}
          </Link>
        ))}
      </nav>
      <div className="visitor">
        {isEmulated && <span className="pill">Emulated CAM</span>}
        {session !== undefined && (
          <>
            <span>{session.subject}</span>
            <button type="button" onClick={() => session.signOut()}>
              Sign out
            </button>
          </>
        )}
      </div>
    </header>
  );
}

/** Moves the focus to the top of a page that the visitor opened, as a browser does for a new document. */
function Main({ children }: { readonly children: ReactNode }) {
  const [location] = useLocation();
  const main = useRef<HTMLElement>(null);
  const shown = useRef(location);
  useEffect(() => {
    if (shown.current === location) return;
    shown.current = location;
    main.current?.focus();
    window.scrollTo(0, 0);
  }, [location]);
  return (
    <main ref={main} tabIndex={-1}>
      {children}
    </main>
  );
}
