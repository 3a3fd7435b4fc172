/** The ways in which a list may be odd. The vendor's own example has a user with the Uin 0. */
export const LIST_ODDITIES = ["half", "repeated", "zeroUin", "nameless"] as const;
export type ListOddity = (typeof LIST_ODDITIES)[number];
