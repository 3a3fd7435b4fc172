import type { LogEvent } from "../../src/telemetry/log-event.ts";
import { LOG_EVENTS } from "../../src/telemetry/log-events.ts";
import { GENERATED_NOTICE } from "./artefact.ts";
import { markdownTable } from "./markdown-table.ts";

const introduction = `\
The gateway logs one JSON object a line to stdout. \`event\` identifies the event and stays the same across releases.
\`msg\` is for people and may change. Alert on \`event\` and \`level\`. Each line also has \`time\`. A line about a request
has its \`requestId\`. At a terminal, local mode writes the same lines in a human-readable form.`;

/** Returns docs/operators/log-events.md, from the table of events. */
export function renderLogEventsPage(): string {
  const events: [string, LogEvent][] = Object.entries(LOG_EVENTS).sort(([one], [other]) =>
    one < other ? -1 : 1,
  );
  const rows = events.map(([id, { level, message, help }]) => [
    `\`${id}\``,
    level,
    `${capitalised(message)}. ${help}`,
  ]);
  const table = markdownTable(["Event", "Level", "Meaning"], rows);
  return `<!-- ${GENERATED_NOTICE} -->\n\n# Log events\n\n${introduction}\n\n${table}\n`;
}

function capitalised(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
