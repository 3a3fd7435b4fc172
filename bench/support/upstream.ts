import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { generate } from "selfsigned";
import { type Program, startProgram } from "./program.ts";

/** The line in which a program of the benchmarks reports its address. */
export const LISTENING = /listening on (https?:\S+)/;

/** The host of the Host header or the address. */
const ADDRESSED_AS = [
  { type: 2, value: "cam.tencentcloudapi.com" },
  { type: 2, value: "sts.tencentcloudapi.com" },
  { type: 7, ip: "127.0.0.1" },
] as const;

/** Starts the stub of CAM in its own process. Like CAM, it accepts only TLS. */
export class Upstream implements AsyncDisposable {
  readonly url: string;
  /** The environment variables with which a program finds the stub and trusts its certificate. */
  readonly env: Readonly<Record<string, string>>;
  readonly #program: Program;
  readonly #folder: string;

  constructor(program: Program, certificateFile: string, folder: string) {
    this.#program = program;
    this.#folder = folder;
    this.url = program.told;
    this.env = { UPSTREAM_URL: this.url, NODE_EXTRA_CA_CERTS: certificateFile };
  }

  /** Returns the number of calls of an action since the start of the stub. */
  async calls(action: string): Promise<number> {
    return await this.#program.ask({ kind: "calls", action });
  }

  /** Returns the number of calls that the stub throttled. */
  throttles(): Promise<number> {
    return this.#program.ask({ kind: "throttles" });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#program[Symbol.asyncDispose]();
    await rm(this.#folder, { recursive: true, force: true });
  }
}

export async function startUpstream(): Promise<Upstream> {
  const folder = await mkdtemp(join(tmpdir(), "cam-gateway-bench-"));
  const [certificateFile, keyFile] = [join(folder, "certificate.pem"), join(folder, "key.pem")];
  const pair = await generate([{ name: "commonName", value: "CAM of the benchmarks" }], {
    extensions: [{ name: "subjectAltName", altNames: [...ADDRESSED_AS] }],
  });
  await writeFile(certificateFile, pair.cert);
  await writeFile(keyFile, pair.private);
  const script = fileURLToPath(new URL("./stub-upstream.ts", import.meta.url));
  const env = { CERTIFICATE_FILE: certificateFile, KEY_FILE: keyFile };
  const program = await startProgram({ args: [script], env, ready: LISTENING });
  return new Upstream(program, certificateFile, folder);
}
