import { variables } from "./config/variables.ts";

/** What `--help` prints. A test holds it against the variables that there are. */
export const USAGE = `Usage: npm start                      local mode: everything on this machine
       npm exec -- node dist/main.js [flags]     server mode, on the Node that npm brings

Flags:
  --local          bring up what is missing: an emulated CAM, a playground
  --check-config   say whether the configuration is valid, and end
  --help           this text

Environment variables (.env.example explains each):
${Object.keys(variables.shape)
  .map((name) => `  ${name}`)
  .join("\n")}

Exit codes: 0 stopped as asked, 1 could not start, 78 the configuration cannot be used.`;
