import { type VariableGroup, variableGroups } from "./variable-groups.ts";
import { type Variables, variables } from "./variables.ts";

/** What `--help` prints. A test holds it against the variables that there are. */
export const USAGE = `Usage: npm start -- [flags]         local mode: everything on this machine
       npm run server -- [flags]    server mode: nothing that could be unsafe has a default

Flags:
  --local          bring up what is missing: an emulated CAM, a playground (npm start has it)
  --check-config   say whether the configuration is valid, and end
  --help           this text

Environment variables, which .env.example explains in full:
${variableGroups.map(describeGroup).join("\n")}

Exit codes: 0 stopped as asked, 1 could not start, 70 a mistake in the gateway, 78 the configuration cannot be used.`;

function describeGroup({ title, summaries }: VariableGroup): string {
  const defaults = variables.parse({});
  const rows = Object.entries(summaries).map(([name, summary]) => {
    const value = defaults[name as keyof Variables];
    return `    ${name.padEnd(34)}  ${summary}${value === undefined ? "" : ` (${value})`}`;
  });
  return [`\n  ${title}`, ...rows].join("\n");
}
