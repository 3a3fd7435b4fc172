/** Users of schema/emulator-seed.json. Their remarks explain their purpose. */
export const ALICE = "100021969091";
export const BOB = "100021969092";
export const CAROL = "100021969093";
export const DAVE = "100021969094";
export const ERIN = "100021969095";
export const FRANK = "100021969096";
export const GRACE = "100021969097";
export const HEIDI = "100021969098";
export const MAX = "18446744073709551615";

/** A Uin in the account's range without a user. */
export const NOBODY = "100021969999";
