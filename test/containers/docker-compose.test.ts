import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { Ajv } from "ajv";
import { DCLinter } from "dclint";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { AUDIENCE, PERSONAS } from "../../scripts/stack/personas.ts";
import { SCOPES } from "../../src/auth/caller.ts";
import { policySchema } from "../../src/auth/policy/policy.ts";
import { loadConfig } from "../../src/config/config.ts";
import { variables } from "../../src/config/variables.ts";
import { loadEmulatorConfig } from "../../src/emulator/run-emulator.ts";
import { type ComposeService, ROOT, readComposeFile } from "../support/compose-file.ts";
import { execForm, parseDockerfile } from "../support/dockerfile.ts";

const file = readComposeFile();
const { services, secrets, configs, networks, volumes } = file;
const all = Object.entries(services);
const ours = all.filter(([, { build }]) => build !== undefined);
const gateways = all.filter(([name]) => name.startsWith("gateway-"));

/** The image's instructions. A service without its own command or health check runs the image's. */
const image = parseDockerfile(readFileSync(join(ROOT, "Dockerfile"), "utf8")).at(-1)?.instructions ?? [];
const cmdOfImage = execForm(image.find(({ keyword }) => keyword === "CMD")?.text ?? "[]");
const healthOfImage = execForm(image.find(({ keyword }) => keyword === "HEALTHCHECK")?.text ?? "[]");

describe("docker-compose.yml", () => {
  test("is valid by the schema of the compose specification", () => {
    const folder = dirname(createRequire(import.meta.url).resolve("dclint/package.json"));
    const schema = JSON.parse(readFileSync(join(folder, "schemas/compose.schema.json"), "utf8"));
    const isValid = new Ajv({ strict: false, validateFormats: false }).compile({
      ...schema,
      // dclint writes the address of draft 7 with https. Ajv expects http.
      $schema: "http://json-schema.org/draft-07/schema#",
    });
    expect(isValid(file), JSON.stringify(isValid.errors)).toBe(true);
    expect(isValid({ ...file, services: { proxy: { imaeg: "x" } } })).toBe(false);
  });

  test("passes dclint, except for its rules of order", () => {
    const rules = {
      "require-quotes-in-ports": 0,
      "service-keys-order": 0,
      "services-alphabetical-order": 0,
      "top-level-properties-order": 0,
    };
    const linter = new DCLinter({ rules } as unknown as ConstructorParameters<typeof DCLinter>[0]);
    const [result] = linter.lintFiles([join(ROOT, "docker-compose.yml")], false);
    expect(result?.messages).toEqual([]);
  });

  test("uses every network, volume, config and secret that it declares, and declares every one that it uses", () => {
    const used = (of: (service: ComposeService) => readonly string[] | undefined) =>
      [...new Set(all.flatMap(([, service]) => of(service) ?? []))].sort();
    expect(used(({ networks: names }) => names)).toEqual(Object.keys(networks).sort());
    expect(used(({ secrets: names }) => names)).toEqual(Object.keys(secrets).sort());
    expect(used(({ configs: mounted }) => mounted?.map(({ source }) => source))).toEqual(
      Object.keys(configs).sort(),
    );
    expect(used(({ volumes: mounted }) => mounted?.map((volume) => volume.split(":")[0] ?? ""))).toEqual(
      Object.keys(volumes).sort(),
    );
    for (const { file: path } of Object.values({ ...secrets, ...configs }))
      expect(existsSync(join(ROOT, path)), path).toBe(true);
  });

  test("waits only for existing services: for health if they have a health check, else for their end", () => {
    for (const [name, { depends_on = {} }] of all) {
      for (const [other, { condition }] of Object.entries(depends_on)) {
        expect(services, name).toHaveProperty(other);
        const ends = services[other]?.healthcheck?.disable === true;
        expect(condition, name).toBe(ends ? "service_completed_successfully" : "service_healthy");
      }
    }
  });

  test("builds its own images from the Dockerfile, and names the version of every other image", () => {
    for (const [name, service] of ours) {
      const build = name === "issuer" ? { context: ".", target: "issuer" } : ".";
      expect(service, name).toMatchObject({ build, pull_policy: "build" });
      // Concurrent builds of one image name fail with "already exists".
      expect(service).not.toHaveProperty("image");
    }
    const others = all.filter(([, { build }]) => build === undefined);
    expect(others.map(([name]) => name)).toEqual(["proxy", "postgres", "prometheus", "grafana"]);
    for (const [name, { image: tag = "" }] of others) expect(tag, name).toMatch(/:v?\d[\w.]*(-\w+)?$/);
  });
});

describe("the network", () => {
  test("publishes ports on this machine's loopback only", () => {
    const published = all.flatMap(([name, { ports = [] }]) => ports.map((port) => [name, port]));
    expect(published).toEqual([
      ["proxy", "127.0.0.1:4000:4000"],
      ["emulator", "127.0.0.1:4101:4101"],
      ["issuer", "127.0.0.1:4200:4200"],
      ["prometheus", "127.0.0.1:9090:9090"],
      ["grafana", "127.0.0.1:3000:3000"],
    ]);
  });

  test("keeps the database internal, and what needs no database away from it", () => {
    expect(service("postgres").networks).toEqual(["backend"]);
    expect(networks["backend"]?.internal).toBe(true);
    for (const [, { networks: names }] of gateways) expect(names).toEqual(["edge", "backend"]);
    for (const name of ["proxy", "issuer", "prometheus", "grafana"])
      expect(service(name).networks).toEqual(["edge"]);
  });
});

describe.each(all)("the container of %s", (name, container) => {
  test("is read-only, cannot gain privileges, and forwards signals", () => {
    expect(container).toMatchObject({
      read_only: true,
      cap_drop: ["ALL"],
      security_opt: ["no-new-privileges:true"],
      init: true,
    });
    for (const key of ["privileged", "cap_add", "devices", "pid", "ipc", "userns_mode"]) {
      expect(container).not.toHaveProperty(key);
    }
    expect(container.tmpfs?.every((mount) => /^\/\S+:.*nosuid,nodev,size=/.test(mount))).toBe(true);
    expect(container.tmpfs?.map((mount) => mount.split(":")[0])).toContain("/tmp");
    // Other containers run as the user of their image: ours as 1000 (dockerfile.test.ts), HAProxy's as haproxy,
    // Prometheus's as nobody, Grafana's as 472.
    expect(container.user).toBe(name === "postgres" ? "postgres" : undefined);
  });

  test("runs programs that exist", () => {
    if (container.build === undefined) return;
    const { command = cmdOfImage, healthcheck = {} } = container;
    const check = healthcheck.test?.slice(1) ?? healthOfImage;
    for (const [program, script = ""] of [command, check]) {
      expect(program).toBe("node");
      const source = script.replace(/^dist\/(.+)\.js$/, "src/$1.ts");
      expect(existsSync(join(ROOT, source)), source).toBe(true);
    }
  });
});

describe("the gateways", () => {
  test.each(gateways)(
    "%s runs server mode with variables of the gateway only, and with valid values",
    (_, { command = cmdOfImage, environment = {} }) => {
      expect(Object.keys(variables.shape)).toEqual(expect.arrayContaining(Object.keys(environment)));
      expect(command).toEqual(["node", "dist/main.js", "serve"]);
      expect(loadConfig(environment, "server")).toMatchObject({
        mode: "server",
        cam: { endpoint: {} },
        store: { kind: "postgres" },
        checkpoints: {},
      });
    },
  );

  test("differ only in their name", () => {
    const shared = gateways.map(([name, service]) => {
      const { REPLICA, ...rest } = service.environment ?? {};
      expect(REPLICA).toBe(name);
      return { ...service, environment: rest };
    });
    expect(shared).toHaveLength(2);
    expect(shared[0]).toEqual(shared[1]);
  });

  test("get every secret and file as a mount, as the other services do", () => {
    for (const [
      name,
      { command = [], environment = {}, secrets: names = [], configs: mounted = [] },
    ] of all) {
      const mounts = [
        ...names.map((secret) => `/run/secrets/${secret}`),
        ...mounted.map(({ target }) => target),
      ];
      const variablesWithFiles = Object.entries(environment).filter(([variable]) =>
        variable.endsWith("_FILE"),
      );
      const named = [...variablesWithFiles.map(([, path]) => path), ...command];
      const readByImage = mounts.filter((path) =>
        /^\/(usr\/local|docker-entrypoint|etc\/(prometheus|grafana))/.test(path),
      );
      const read = named.filter((word) => /^\/(run|etc)\//.test(word));
      expect([...read, ...readByImage].filter((path) => path !== "log").sort(), name).toEqual(mounts.sort());
    }
  });

  test("trust the keys with which the issuer signs, and its address on this machine", () => {
    const publicKeys = JSON.parse(configText("issuer-public-keys"));
    const { keys } = JSON.parse(secretText("issuer-keys"));
    expect(publicKeys.keys).toEqual(keys.map(({ d, ...key }: { readonly d: string }) => key));
    const [published = ""] = service("issuer").ports ?? [];
    for (const [, { environment = {} }] of gateways) {
      expect(environment["AUTH_ISSUER"]).toBe(`http://${published.split(":").slice(0, 2).join(":")}`);
      expect(environment["AUTH_AUDIENCE"]).toBe(AUDIENCE);
    }
    expect(service("issuer").command?.slice(-2)).toEqual([published.split(":")[2], "0.0.0.0"]);
  });

  test("follow a policy whose callers are those of the issuer, with a rule that needs two of them", () => {
    const { rules } = policySchema.parse(parse(configText("policy"), { intAsBigInt: true }));
    const clients = new Set(rules.flatMap(({ callers }) => callers?.clients ?? []));
    expect(Object.keys(PERSONAS)).toEqual(expect.arrayContaining([...clients]));
    expect(rules.some(({ approval }) => approval !== undefined)).toBe(true);
    const scopes = Object.values(PERSONAS).flatMap(({ scope }) => scope.split(" "));
    expect(SCOPES).toEqual(expect.arrayContaining(scopes));
  });

  test("call the emulator at its address, with one of its keys", () => {
    const emulator = loadEmulatorConfig(service("emulator").environment ?? {});
    const key = { id: secretText("cam-secret-id"), secret: secretText("cam-secret-key") };
    expect(emulator.seed.keys).toContainEqual(
      expect.objectContaining({ secretId: key.id, secretKey: key.secret }),
    );
    for (const [, { environment }] of gateways) {
      expect(environment?.["CAM_ENDPOINT"]).toBe(`http://emulator:${emulator.port}`);
    }
    expect(emulator.host).toBe("0.0.0.0");
    expect(service("emulator").healthcheck?.test?.at(-1)).toBe(`http://127.0.0.1:${emulator.controlPort}/`);
    expect(service("emulator").ports).toEqual([`127.0.0.1:${emulator.controlPort}:${emulator.controlPort}`]);
  });

  test("use the database and the roles that PostgreSQL creates, and the migrations use their owner", () => {
    const { POSTGRES_DB = "" } = service("postgres").environment ?? {};
    const roles = configText("create-roles");
    const passwords = [...roles.matchAll(/create role (\w+) login password '([^']+)'/g)];
    const urls = ["owner-database-url", "database-url"].map((secret) => new URL(secretText(secret)));
    expect(urls.map(({ username, password }) => [username, password])).toEqual(
      passwords.map(([, name, password]) => [name, password]),
    );
    for (const url of urls) {
      expect(url).toMatchObject({
        protocol: "postgres:",
        host: "postgres:5432",
        pathname: `/${POSTGRES_DB}`,
      });
    }
    expect(roles).toContain(`alter database ${POSTGRES_DB} owner to ${urls[0]?.username};`);
    expect(service("migrate").command?.slice(-2)).toEqual(["--grant-to", urls[1]?.username]);
    expect(service("postgres").healthcheck?.test).toContain(`--dbname=${POSTGRES_DB}`);
  });

  test("and their proxy have time to finish a change before they are killed", () => {
    const deadlines = gateways.map(([, { environment }]) => variables.parse(environment).CAM_DEADLINE_MS);
    for (const name of [...gateways.map(([name]) => name), "proxy"]) {
      const [, seconds] = /^(\d+)s$/.exec(service(name).stop_grace_period ?? "") ?? [];
      expect(Number(seconds) * 1_000, name).toBeGreaterThanOrEqual(Math.max(...deadlines) + 10_000);
    }
  });

  test("are the servers of the proxy, which asks whether they are ready and sends no request twice", () => {
    const config = configText("haproxy");
    const servers = [...config.matchAll(/^ {2}server (\S+) (\S+)$/gm)].map(([, name, address]) => [
      name,
      address,
    ]);
    expect(servers).toEqual(
      gateways.map(([name, { environment }]) => [name, `${name}:${variables.parse(environment).PORT}`]),
    );
    expect(config).toContain("option httpchk GET /health/ready\n");
    // HAProxy repeats requests only after refused connections, unless retry-on says otherwise.
    expect(config).not.toContain("retry-on");
    const [, port] = /^ {2}bind :(\d+)$/m.exec(config) ?? [];
    expect(service("proxy").ports).toEqual([`127.0.0.1:${port}:${port}`]);
    expect(service("proxy").healthcheck?.test?.at(-1)).toBe(`http://127.0.0.1:${port}/health/ready`);
  });
});

test("PostgreSQL keeps its data in the folder that its image 18 uses", () => {
  expect(service("postgres").volumes).toEqual(["postgres-data:/var/lib/postgresql"]);
});

function service(name: string): ComposeService {
  const found = services[name];
  if (found === undefined) throw new Error(`docker-compose.yml has no service ${name}.`);
  return found;
}

function secretText(name: string): string {
  return readFileSync(join(ROOT, secrets[name]?.file ?? ""), "utf8").trim();
}

function configText(name: string): string {
  return readFileSync(join(ROOT, configs[name]?.file ?? ""), "utf8");
}
