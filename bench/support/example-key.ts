/** An invented key pair of the usual length. */
export const EXAMPLE_KEY = {
  secretId: "AKIDEXAMPLE0000000000000000000000000",
  secretKey: "example0000000000000000000000000",
};
