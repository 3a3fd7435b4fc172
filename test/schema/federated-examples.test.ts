import { beforeAll, expect, test } from "vitest";
import { FEDERATED_EXAMPLES_DIR } from "../../src/gateway/package-paths.ts";
import { loadExamples } from "../../src/http/playground/playground.ts";
import { startExampleSubgraph } from "../support/start-example-subgraph.ts";
import { startGateway } from "../support/start-gateway.ts";
import { startHiveGateway } from "../support/start-hive-gateway.ts";
import { asSubgraph, type StartedRouter } from "../support/started-router.ts";

let send: StartedRouter["send"];

beforeAll(async () => {
  const subgraphs = [asSubgraph(await startGateway()), await startExampleSubgraph()];
  ({ send } = await startHiveGateway({ subgraphs }));
});

const FAILURE = { code: "USER_NOT_BIND_PHONE", requestId: expect.any(String) };

/** The answer to each example, as its comment describes it. */
const ANSWERS: Readonly<Record<string, unknown>> = {
  EmployeesAndTheirProtection: {
    data: {
      employees: [
        { name: "Alice Anders", camUser: { name: "alice", mfa: { login: { stoken: true } } } },
        { name: "Bob Bauer", camUser: { name: "bob" } },
        { name: "Carol Chen", camUser: { name: "carol" } },
        { name: "Oscar Olsen", camUser: null },
        { name: "Peggy Park", camUser: { opUin: "100021969099", name: null, mfa: null } },
      ],
    },
    errors: [],
  },
  SwitchAndSayWhose: {
    data: {
      setSubUserMfa: {
        requestId: expect.any(String),
        subUser: { mfa: { login: { phone: true } }, employee: { name: "Alice Anders" } },
      },
    },
    errors: [],
  },
  ErrorBehindTheRouter: {
    data: { setSubUserMfa: null },
    errors: [{ extensions: { ...FAILURE, serviceName: "cam-mfa" } }],
  },
  ErrorAsData: { data: { trySetSubUserMfa: FAILURE }, errors: [] },
};

const examples = await loadExamples(FEDERATED_EXAMPLES_DIR);

test.each(examples)(
  "$name gets through a router the answer that its comment describes",
  async ({ name, document }) => {
    expect(await send(document)).toMatchObject(ANSWERS[name] ?? { answer: "missing in ANSWERS" });
  },
);
