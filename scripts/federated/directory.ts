/** A part of `npm run federated`: the directory, on the given port. */
import { EMPLOYEES } from "./employee.ts";
import { serve } from "./serve.ts";
import { startDirectory } from "./start-directory.ts";

await serve(() => startDirectory(Number(process.argv[2]), EMPLOYEES));
