import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { Ajv } from "ajv";
import { DCLinter } from "dclint";
import { describe, expect, test } from "vitest";
import { loadConfig } from "../../src/config/config.ts";
import { variables } from "../../src/config/variables.ts";
import { loadEmulatorConfig } from "../../src/emulator/emulator-config.ts";
import { type ComposeService, ROOT, readComposeFile } from "../support/compose-file.ts";
import { execForm, parseDockerfile } from "../support/dockerfile.ts";

const file = readComposeFile();
const { services, secrets, networks, volumes } = file;
const all = Object.entries(services);
const ours = all.filter(([, { build }]) => build !== undefined);
const gateways = all.filter(([name]) => name.startsWith("gateway-"));
const inPod = all.filter(([, { network_mode }]) => network_mode === "service:pod");

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
    expect(isValid({ ...file, services: { pod: { imaeg: "x" } } })).toBe(false);
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

  test("uses every network, volume and secret that it declares, and declares every one that it uses", () => {
    const used = <Key extends "networks" | "secrets">(key: Key) =>
      [...new Set(all.flatMap(([, service]) => service[key] ?? []))].sort();
    expect(used("networks")).toEqual(Object.keys(networks).sort());
    expect(used("secrets")).toEqual(Object.keys(secrets).sort());
    const mounted = all.flatMap(([, service]) => service.volumes ?? []).map((volume) => volume.split(":")[0]);
    expect(mounted).toEqual(Object.keys(volumes));
  });

  test("waits only for existing services, and for health only of services with a health check", () => {
    for (const [name, { depends_on = {}, network_mode }] of all) {
      for (const [other, { condition }] of Object.entries(depends_on)) {
        expect(services, name).toHaveProperty(other);
        const checked = services[other]?.healthcheck?.disable !== true;
        expect(condition, name).toBe(checked ? "service_healthy" : "service_started");
      }
      if (network_mode !== undefined) expect(services).toHaveProperty(network_mode.replace("service:", ""));
    }
  });

  test("builds the image that all services but PostgreSQL run, from the Dockerfile", () => {
    for (const [name, service] of ours) {
      expect(service, name).toMatchObject({ build: ".", pull_policy: "build" });
      // Concurrent builds of one image name fail with "already exists".
      expect(service).not.toHaveProperty("image");
    }
    const others = all.filter(([, { build }]) => build === undefined);
    expect(others.map(([name, service]) => [name, service.image])).toEqual([
      ["postgres", "postgres:18-trixie"],
    ]);
  });
});

describe("the network", () => {
  test("publishes ports on this machine's loopback only", () => {
    const published = all.flatMap(([name, { ports = [] }]) => ports.map((port) => [name, port]));
    expect(published).toEqual([
      ["pod", "127.0.0.1:4000:4000"],
      ["emulator", "127.0.0.1:4101:4101"],
    ]);
  });

  test("has no published port of a gateway: each listens on the pod's loopback with its own port", () => {
    expect(gateways).toHaveLength(2);
    for (const [, { environment, network_mode }] of gateways) {
      expect(network_mode).toBe("service:pod");
      expect(variables.parse(environment).HOST).toBe("127.0.0.1");
    }
    const targets = gateways.map(([, { environment }]) => `127.0.0.1:${environment?.["PORT"]}`);
    expect(new Set(targets).size).toBe(2);
    const [listen, ...passedOn] = service("front").command?.slice(2) ?? [];
    expect(passedOn).toEqual(targets);
    expect(listen).toBe("0.0.0.0:4000");
  });

  test("belongs to the pod: containers in it have no ports or networks of their own", () => {
    expect(inPod.map(([name]) => name).sort()).toEqual(["front", "gateway-1", "gateway-2"]);
    for (const [, service] of inPod) {
      for (const key of ["ports", "networks", "expose", "hostname", "extra_hosts", "dns", "links"]) {
        expect(service).not.toHaveProperty(key);
      }
    }
  });

  test("keeps the database internal, without published ports and without access to other networks", () => {
    expect(service("postgres").networks).toEqual(["backend"]);
    expect(networks["backend"]?.internal).toBe(true);
    expect(service("pod").networks).toEqual(service("emulator").networks);
    expect(service("pod").networks).toContain("backend");
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
    // Containers of our image run as its user. dockerfile.test.ts checks that.
    if (container.build === undefined) expect(container.user).toBe("postgres");
    else expect(container).not.toHaveProperty("user");
  });

  test("runs programs that exist", () => {
    if (container.build === undefined) return;
    const { command = cmdOfImage, healthcheck = {} } = container;
    if (name === "pod") return void expect(command).toEqual(["sleep", "infinity"]);
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
    "%s has only variables of the gateway, with valid values",
    (_, { command = [], environment = {} }) => {
      expect(Object.keys(variables.shape)).toEqual(expect.arrayContaining(Object.keys(environment)));
      expect(command).toEqual(["node", "dist/main.js", "serve", "--local"]);
      expect(loadConfig(environment, "local")).toMatchObject({
        mode: "local",
        cam: { endpoint: {} },
        store: { kind: "postgres" },
      });
    },
  );

  test("differ only in their port and their name", () => {
    const shared = gateways.map(([name, service]) => {
      const { PORT, REPLICA, ...rest } = service.environment ?? {};
      expect(REPLICA).toBe(name);
      expect(PORT).toMatch(/^\d+$/);
      return { ...service, environment: rest };
    });
    expect(shared[0]).toEqual(shared[1]);
  });

  test("get every secret as a mounted file, as PostgreSQL does, and each file exists", () => {
    for (const [name, { environment = {}, secrets: mounted = [] }] of all) {
      const named = Object.entries(environment)
        .filter(([variable]) => variable.endsWith("_FILE"))
        .map(([, path]) => path.replace("/run/secrets/", ""));
      expect(named.sort(), name).toEqual([...mounted].sort());
    }
    for (const { file: path } of Object.values(secrets))
      expect(existsSync(join(ROOT, path)), path).toBe(true);
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

  test("use the database and the user that PostgreSQL creates", () => {
    const { POSTGRES_USER, POSTGRES_DB } = service("postgres").environment ?? {};
    const url = new URL(secretText("database-url"));
    expect(url).toMatchObject({
      protocol: "postgres:",
      hostname: "postgres",
      port: "5432",
      username: POSTGRES_USER,
      password: secretText("postgres-password"),
      pathname: `/${POSTGRES_DB}`,
    });
    expect(service("postgres").healthcheck?.test).toEqual(
      expect.arrayContaining([`--username=${POSTGRES_USER}`, `--dbname=${POSTGRES_DB}`]),
    );
  });

  test("and their TCP proxy have time to finish a change before they are killed", () => {
    const deadlines = gateways.map(([, { environment }]) => variables.parse(environment).CAM_DEADLINE_MS);
    for (const name of [...gateways.map(([name]) => name), "front"]) {
      const [, seconds] = /^(\d+)s$/.exec(service(name).stop_grace_period ?? "") ?? [];
      expect(Number(seconds) * 1_000, name).toBeGreaterThanOrEqual(Math.max(...deadlines) + 10_000);
    }
  });

  test("report their readiness through the TCP proxy", () => {
    const [listen] = service("front").command?.slice(2) ?? [];
    const port = listen?.split(":")[1];
    expect(service("front").healthcheck?.test?.at(-1)).toBe(`http://127.0.0.1:${port}/health/ready`);
    expect(service("pod").ports).toEqual([`127.0.0.1:${port}:${port}`]);
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
