import { printSchemaWithDirectives } from "@graphql-tools/utils";
import { describe, expect, test } from "vitest";
import { SCOPES, type Scope } from "../../../src/auth/caller.ts";
import { gatewaySchema } from "../../../src/graphql/schema.ts";
import { keepFigure } from "../../support/leaks/written.ts";
import { scanDirectory } from "../../support/scan-directory.ts";
import { ALICE, CAROL } from "../../support/seed-users.ts";
import { readReply, startGateway, UNLIMITED } from "../../support/start-gateway.ts";
import { startIssuer } from "../../support/start-issuer.ts";
import { twoPersonPolicy } from "../../support/two-person-policy.ts";
import { orderedRollouts } from "./ordered-rollouts.ts";
import { operationOf, type RootArguments, type Step, type Way, waysOf } from "./ways.ts";

/**
 * Queries every field of the schema, from every root field that leads to it, as callers of every kind. One operation has
 * all fields below one root field that the caller may select, or that the caller may not select for the same reason.
 */
const issuer = await startIssuer();
const policy = await twoPersonPolicy([CAROL]);
const gateway = await startGateway({
  callers: "proved",
  emulator: UNLIMITED.emulator,
  env: { ...UNLIMITED.env, ...issuer.env, ...policy.env, CALLER_RATE_PER_SECOND: "0" },
});

/** One token for each caller, because signing a token takes as long as most answers. */
const tokens = new Map<string, Promise<string>>();

/** The end of the tokens, in seconds. On a busy machine the matrix takes longer than a usual token is valid. */
const LONG_AFTER = Math.floor(Date.now() / 1_000) + 3_600;

const CALLERS: readonly (readonly [string, readonly Scope[] | undefined])[] = [
  ["without a token", undefined],
  ["with a token without scopes", []],
  ...SCOPES.map((scope) => [`with ${scope}`, [scope]] as const),
  ["with every scope", SCOPES],
];

const CALLER = "alice@example.com";

// A requested scan makes no call while the directory is fresh.
await scanDirectory((query) => ask(query, SCOPES));

const CHANGE = `(opUin: "${ALICE}", login: { phone: true })`;
const ways = waysOf(printSchemaWithDirectives(gatewaySchema()), {
  subUser: `(opUin: "${ALICE}")`,
  subUserDirectory: `(filter: { opUins: ["${ALICE}"] })`,
  subUsers: `(opUins: ["${ALICE}"])`,
  mfaChange: `(id: "${await changeId()}")`,
  // Fewer items keep the answer within the limit on fields.
  mfaRollouts: "(first: 1)",
  _entities: `(representations: [{ __typename: "SubUser", opUin: "${ALICE}" }])`,
  setSubUserMfa: CHANGE,
  trySetSubUserMfa: CHANGE,
  ...(await decidedChanges()),
  ...(await orderedRollouts((query, sub) => ask(query, SCOPES, sub), CALLER)),
  resumeCaller: '(subject: "nobody")',
});

async function changeId(): Promise<string> {
  const reply = await ask(`mutation { setSubUserMfa${CHANGE} { change { id } } }`, SCOPES);
  return (reply.data as { setSubUserMfa: { change: { id: string } } }).setSubUserMfa.change.id;
}

/**
 * Arguments of changes that are already decided, because a repeated decision returns the recorded outcome. Another
 * approver may repeat an approval, and the requesting caller may repeat a withdrawal.
 */
async function decidedChanges(): Promise<RootArguments> {
  const awaitingOf = async (sub: string): Promise<string> => {
    const change = `setSubUserMfa(opUin: "${CAROL}", login: { stoken: true })`;
    const { errors } = await ask(`mutation { ${change} { requestId } }`, SCOPES, sub);
    return `(id: "${errors[0]?.extensions["changeId"]}")`;
  };
  const [approved, withdrawn] = [await awaitingOf("carol@example.com"), await awaitingOf(CALLER)];
  const { errors } = await ask(
    `mutation { approveMfaChange${approved} { requestId } }`,
    SCOPES,
    "dave@example.com",
  );
  expect(errors).toEqual([]);
  await ask(`mutation { rejectMfaChange${withdrawn} { id } }`, SCOPES);
  return { approveMfaChange: approved, tryApproveMfaChange: approved, rejectMfaChange: withdrawn };
}

async function ask(query: string, scopes: readonly Scope[] | undefined, sub = CALLER) {
  const request = gateway.http.post("/graphql");
  if (scopes !== undefined) {
    void request.set("authorization", `Bearer ${await tokenOf(sub, scopes.join(" "))}`);
  }
  return readReply(await request.send({ query }));
}

function tokenOf(sub: string, scope: string): Promise<string> {
  const name = `${sub} ${scope}`;
  const token = tokens.get(name) ?? issuer.sign({ claims: { sub, scope, exp: LONG_AFTER } });
  tokens.set(name, token);
  return token;
}

/** Adds a step for the entity itself. The gateway reads it from CAM before any of its fields, so it is guarded too. */
function guardsOf({ steps }: Way): readonly Step[] {
  const entity: Step = { field: "SubUser", path: ["_entities", 0], scopes: ["cam.mfa:read"] };
  return steps.flatMap((step) => (step.field === "Query._entities" ? [step, entity] : [step]));
}

/** Fields below one root field with the same outcome for a caller. */
interface Together {
  readonly ways: readonly Way[];
  /** The first step for which the caller has no scope. */
  readonly lacking: Step | undefined;
}

function groupFor(scopes: readonly Scope[] | undefined): readonly (readonly [string, Together])[] {
  const groups = new Map<string, Together>();
  for (const way of ways) {
    const lacking = guardsOf(way).find(
      (step) => step.scopes.length > 0 && !step.scopes.some((scope) => scopes?.includes(scope)),
    );
    const root = way.steps[0]?.field;
    const key = `${root} ${lacking ? `refused at ${lacking.path.join(".")}` : "allowed"}`;
    const before = groups.get(key)?.ways ?? [];
    groups.set(key, { lacking, ways: [...before, way] });
  }
  return [...groups];
}

describe.each(CALLERS)("a caller %s", (_name, scopes) => {
  test.each(groupFor(scopes))("gets %s", async (_group, { lacking, ways: together }) => {
    gateway.cam.clearJournal();
    const { status, data, errors } = await ask(operationOf(together), scopes);
    expect(status).toBe(200);
    if (lacking === undefined) return expect(errors).toEqual([]);
    const isAtRoot = lacking.path.length === 1 || lacking.field === "SubUser";
    if (isAtRoot) expect(gateway.cam.journal()).toEqual([]);
    const refusal = {
      code: scopes === undefined ? "UNAUTHENTICATED" : "FORBIDDEN",
      message: expect.stringContaining(`This field needs the scope ${lacking.scopes.join(" or ")}.`),
    };
    if (lacking.field.startsWith("Mutation.try")) {
      const field = lacking.field.slice("Mutation.".length);
      expect({ errors, data }).toMatchObject({
        errors: [],
        data: { [field]: { __typename: "CamFailure" } },
      });
      return;
    }
    const { code, message } = refusal;
    expect(errors).toEqual([
      {
        message,
        path: lacking.path,
        locations: expect.anything(),
        extensions: expect.objectContaining({ code }),
      },
    ]);
  });
});

test("the matrix has every field of every object of the schema", () => {
  keepFigure(
    `Cells of the matrix of ways to fields and callers: ${ways.length * CALLERS.length}, none unexplained`,
  );
  const reached = new Set(ways.map(({ steps }) => steps.at(-1)?.field));
  const fields = Object.values(gatewaySchema().getTypeMap()).flatMap((type) =>
    "getFields" in type && !("isOneOf" in type) && !type.name.startsWith("__")
      ? Object.keys(type.getFields()).map((field) => `${type.name}.${field}`)
      : [],
  );
  expect([...reached].toSorted()).toEqual(fields.toSorted());
});

test("only the fields of this list are open without a scope, so a new field is never open by oversight", () => {
  const open = ways.filter(({ steps }) => steps.every(({ scopes }) => scopes.length === 0));
  expect([...new Set(open.map(({ steps }) => steps[0]?.field))].toSorted()).toEqual([
    // Every field of an entity needs a scope, except its keys. The caller sent those.
    "Query._entities",
    "Query._service",
    "Query.camErrors",
  ]);
  const ofEntities = open.filter(({ steps }) => steps[0]?.field === "Query._entities");
  expect(ofEntities.map(({ steps }) => steps.at(-1)?.field)).toEqual([
    "Query._entities",
    "SubUser.id",
    "SubUser.opUin",
    "SubUser.account",
  ]);
});

test("a refusal as data names the scope too", async () => {
  const failure = "... on CamFailure { code message }";
  for (const [scopes, code] of [[undefined, "UNAUTHENTICATED"] as const, [[], "FORBIDDEN"] as const]) {
    const { data } = await ask(`mutation { trySetSubUserMfa${CHANGE} { ${failure} } }`, scopes);
    const message = expect.stringContaining("cam.mfa:write");
    expect(data).toEqual({ trySetSubUserMfa: { code, message } });
  }
});
