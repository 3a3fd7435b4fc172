import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef } from "react";
import { Link } from "wouter";
import { type DirectoryScan, describeCamError } from "../../../client/index.ts";
import { Problem, useGateway } from "./gateway.tsx";
import { timeOf } from "./texts.ts";

const POLL_MS = { running: 1_000, soon: 2_000, idle: 30_000 } as const;

/** A scan that is due in this time counts as one that begins soon. */
const SOON_MS = 60_000;

/** Reads the scans of all accounts, often while one is under way. */
export function useScans(): readonly DirectoryScan[] {
  const { client } = useGateway();
  const { data = [] } = useQuery({
    queryKey: ["directoryScans"],
    queryFn: ({ signal }) => client.directoryScans({}, { signal }),
    refetchInterval: ({ state }) => pollMs(state.data ?? [], state.dataUpdatedAt),
  });
  const queries = useQueryClient();
  const readUsers = data.reduce((sum, scan) => sum + scan.readUsers, 0);
  const shown = useRef(readUsers);
  useEffect(() => {
    if (shown.current === readUsers) return;
    shown.current = readUsers;
    void queries.invalidateQueries({ queryKey: ["subUserDirectory"] });
    void queries.invalidateQueries({ queryKey: ["mfaCoverage"] });
  }, [readUsers, queries]);
  return data;
}

/**
 * Returns the time until the next read. Without a schedule, the first scan of an account is due in a century.
 * @param readAtMs When the scans were read.
 */
function pollMs(scans: readonly DirectoryScan[], readAtMs: number): number {
  if (scans.some(({ status }) => status === "RUNNING")) return POLL_MS.running;
  const isSoon = ({ status, dueAt }: DirectoryScan) =>
    status === "WAITING" ||
    (status === "NEVER" && (dueAt === null || Date.parse(dueAt) < readAtMs + SOON_MS));
  return scans.some(isSoon) ? POLL_MS.soon : POLL_MS.idle;
}

/** Whether the list lacks what the scan will read. */
function isIncomplete({ status }: DirectoryScan): boolean {
  return status === "NEVER" || status === "WAITING" || status === "RUNNING";
}

/** The most accounts of which each has a line. */
const MOST_LINES = 3;

/** Tells that the list is still incomplete, or why it stays so. */
export function ScanNotice() {
  const scans = useScans().filter((scan) => isIncomplete(scan) || scan.status === "FAILED");
  if (scans.length > MOST_LINES) return <ScanSummary scans={scans} />;
  return scans.map((scan) => (
    <p key={scan.account} role="status" className="quiet">
      {scan.account}: <ScanText scan={scan} />
    </p>
  ));
}

/** The states of many accounts' scans in one line. */
function ScanSummary({ scans }: { readonly scans: readonly DirectoryScan[] }) {
  const counted = (status: DirectoryScan["status"], text: string) => {
    const { length } = scans.filter((scan) => scan.status === status);
    return length === 0 ? [] : [`${length.toLocaleString()} ${text}`];
  };
  const parts = [
    ...counted("NEVER", "never scanned"),
    ...counted("WAITING", "begin soon"),
    ...counted("RUNNING", "under way"),
    ...counted("FAILED", "stopped"),
  ];
  return (
    <p role="status" className="quiet">
      Scans of {scans.length.toLocaleString()} accounts: {parts.join(", ")}.{" "}
      <Link href="/coverage">Show</Link>
    </p>
  );
}

/** The state of one account's scan in words. */
export function ScanText({ scan }: { readonly scan: DirectoryScan }) {
  const { status, users, readUsers, failedUsers, finishedAt, code, camAction, pausedBy } = scan;
  const unread = failedUsers === 0 ? "" : ` CAM could not show ${failedUsers}.`;
  switch (status) {
    case "NEVER":
      return <>never scanned</>;
    case "WAITING":
      return <>a scan begins soon</>;
    case "RUNNING":
      return <>{`a scan has read ${readUsers} of ${users} users.${unread}`}</>;
    case "PAUSED":
      return <>paused{pausedBy !== null && ` by ${pausedBy}`}</>;
    case "FAILED":
      return (
        <>
          the scan stopped: {code === null ? "unknown error" : describeCamError(code).message}
          {camAction !== null && ` (${camAction})`}
        </>
      );
    case "DONE":
      return <>{`scanned${finishedAt === null ? "" : ` ${timeOf(finishedAt)}`}.${unread}`}</>;
  }
}

/** Starts a scan of an account now. */
export function ScanButton({ account }: { readonly account: string }) {
  const { client } = useGateway();
  const queries = useQueryClient();
  const scan = useMutation({
    mutationFn: () => client.scanDirectory({ account }),
    onSuccess: () => queries.invalidateQueries({ queryKey: ["directoryScans"] }),
  });
  return (
    <>
      <button type="button" disabled={scan.isPending} onClick={() => scan.mutate()}>
        Scan now
      </button>
      {scan.isError && <Problem error={scan.error} />}
    </>
  );
}
