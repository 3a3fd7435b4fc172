import { useQuery } from "@tanstack/react-query";
import type { SubUser } from "../../../client/index.ts";
import { ChangeList } from "./change-list.tsx";
import { Problem, useGateway } from "./gateway.tsx";
import { ProtectionsForm } from "./protections-form.tsx";
import { timeOf } from "./texts.ts";

interface UserPageProps {
  readonly account: string;
  readonly opUin: string;
}

/** One user: who it is, the protections with their switches, and the latest changes. */
export function UserPage({ account, opUin }: UserPageProps) {
  const { read } = useGateway();
  const { data, error, refetch } = useQuery({
    queryKey: ["subUser", account, opUin],
    queryFn: ({ signal }) => read((client) => client.subUser(opUin, { account, signal })),
  });
  if (error !== null) return <Problem error={error} />;
  if (data === undefined) return <p role="status">Reading the user…</p>;
  const { result: user, fieldError } = data;
  if (user === null) return <NoSuchUser account={account} opUin={opUin} />;
  return (
    <article className="user">
      <h1>{user.name ?? user.opUin}</h1>
      <Facts user={user} />
      <h2>Protections</h2>
      {fieldError !== undefined && <Problem error={fieldError} />}
      {user.mfa !== null && (
        <>
          <ProtectionsForm user={user} mfa={user.mfa} onChanged={() => refetch()} />
          <p className="quiet">
            {user.mfa.source === "CAM" ? "Read from CAM" : "As the gateway wrote them"},{" "}
            {timeOf(user.mfa.asOf)}
          </p>
        </>
      )}
      <h2>Latest changes</h2>
      <History account={account} opUin={opUin} />
    </article>
  );
}

function NoSuchUser({ account, opUin }: UserPageProps) {
  return (
    <>
      <h1>{opUin}</h1>
      <p>CAM has no such user in the account {account}. The user may have been deleted.</p>
    </>
  );
}

function Facts({ user }: { readonly user: SubUser }) {
  const facts = [
    ["Uin", user.opUin],
    ["Account", user.account],
    ["Remark", user.remark],
    ["Created", user.createTime],
    ["Last login", user.lastLoginTime ?? "never"],
  ] as const;
  return (
    <dl className="facts-list">
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value ?? "—"}</dd>
        </div>
      ))}
    </dl>
  );
}

function History({ account, opUin }: UserPageProps) {
  const { client } = useGateway();
  const { data, error } = useQuery({
    queryKey: ["mfaChanges", { account, opUin }],
    queryFn: ({ signal }) => client.mfaChanges({ account, opUin, first: 10 }, { signal }),
  });
  if (error !== null) return <Problem error={error} />;
  if (data === undefined) return <p role="status">Reading the record…</p>;
  return <ChangeList changes={data.edges.map(({ node }) => node)} showsUser={false} />;
}
