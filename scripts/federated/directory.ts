/** A part of `npm run federated`: the directory, on the given port. */
import { EMPLOYEES } from "./employee.ts";
import { startDirectory } from "./start-directory.ts";

const directory = await startDirectory(Number(process.argv[2]), EMPLOYEES);
console.log(`GraphQL ${directory.url}`);
process.once("SIGTERM", () => void directory.stop());
