#!/usr/bin/env node
import { endOnCrash } from "../end-on-crash.ts";
import { auditExport } from "./audit-export.ts";
import { auditVerify } from "./audit-verify.ts";
import { type Command, EX_CANNOT } from "./command.ts";
import { doctor } from "./doctor/doctor.ts";
import { explainFailure } from "./explain-failure.ts";
import { migrateCommand } from "./migrate-command.ts";

/** The process edge of what an operator runs by hand: npm run migrate, audit:export, audit:verify, doctor. */
const COMMANDS: Readonly<Record<string, Command>> = {
  migrate: migrateCommand,
  "audit:export": auditExport,
  "audit:verify": auditVerify,
  doctor,
};

endOnCrash();
const [, , name = "", ...args] = process.argv;
try {
  const command = COMMANDS[name];
  if (command === undefined) throw new Error(`There is ${Object.keys(COMMANDS).join(", ")}, and no ${name}.`);
  process.exitCode = await command({ args, env: process.env, stdout: process.stdout });
} catch (error) {
  console.error(explainFailure(error));
  process.exitCode = EX_CANNOT;
}
