import { registerEnumType } from "type-graphql";

export const MfaSource = { CAM: "CAM", GATEWAY: "GATEWAY" } as const;

registerEnumType(MfaSource, {
  name: "MfaSource",
  description: "Whose knowledge of a user's protections is shown.",
  valuesConfig: {
    CAM: { description: "CAM showed the user so." },
    GATEWAY: {
      description:
        "CAM showed the user otherwise. For a minute after a write CAM may show what was so before, so a method that a " +
        "write of the gateway has changed in that minute is shown as that write left it.",
    },
  },
});
