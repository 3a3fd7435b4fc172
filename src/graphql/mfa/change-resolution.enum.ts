import { registerEnumType } from "type-graphql";

export const ChangeResolution = { REPLY: "REPLY", READ_BACK: "READ_BACK" } as const;

registerEnumType(ChangeResolution, {
  name: "ChangeResolution",
  description: "How the outcome of a change is known.",
  valuesConfig: {
    REPLY: { description: "CAM said so." },
    READ_BACK: { description: "CAM's reply was lost, and reading the user showed it." },
  },
});
