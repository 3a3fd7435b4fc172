import { ChildProcess } from "node:child_process";
import { COMPILED_DIR } from "./compile-cache-setup.ts";

/**
 * Runs in each test process before the tests: lets the programs that tests start share compiled code, so that all but the
 * first start in half the time.
 */
const PATCHED = Symbol.for("cam-mfa-gateway programs of tests share compiled code");
const here = globalThis as { [PATCHED]?: true };
const { [COMPILED_DIR]: folder } = process.env;

if (!here[PATCHED] && folder !== undefined) {
  here[PATCHED] = true;
  const prototype = ChildProcess.prototype as unknown as {
    spawn(options: { readonly envPairs?: string[] }): unknown;
  };
  const { spawn } = prototype;
  prototype.spawn = function (this: ChildProcess, options) {
    options.envPairs?.push(`NODE_COMPILE_CACHE=${folder}`);
    return spawn.call(this, options);
  };
}
