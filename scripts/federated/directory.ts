/** A part of `npm run federated`: the directory, on the given port. */

import { serve } from "./serve.ts";
import { EMPLOYEES, startDirectory } from "./start-directory.ts";

await serve(() => startDirectory(Number(process.argv[2]), EMPLOYEES));
