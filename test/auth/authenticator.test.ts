import { expect, test } from "vitest";
import { CertificateAuthenticator } from "../../src/auth/authenticator.ts";

const SUBJECT = "CN=portal,O=Example";
const certificates = new CertificateAuthenticator({
  header: "x-client-cert",
  proxies: ["10.1.0.0/16", "192.0.2.7", "2001:db8::/32"],
  scopes: ["cam.mfa:read"],
});

function identify(remoteAddress: string | undefined, ...values: readonly string[]) {
  const rawHeaders = values.flatMap((value) => ["X-Client-Cert", value]);
  return certificates.identify({ rawHeaders: ["Accept", "*/*", ...rawHeaders], remoteAddress });
}

test.each(["10.1.0.1", "10.1.255.255", "192.0.2.7", "::ffff:10.1.2.3", "2001:db8::1"])(
  "a certificate from the trusted proxy %s identifies the caller",
  (address) => {
    expect(identify(address, SUBJECT)).toEqual({
      caller: { subject: SUBJECT, issuer: "client certificate", scopes: new Set(["cam.mfa:read"]) },
    });
  },
);

test.each(["10.2.0.1", "192.0.2.8", "::ffff:10.2.2.3", "2001:db9::1", "127.0.0.1", "", undefined])(
  "a certificate from the untrusted address %s is refused",
  (address) => {
    const refusal = "The header x-client-cert is only accepted from a trusted proxy.";
    expect(identify(address, SUBJECT)).toEqual({ refusal });
    expect(identify(address)).toBeUndefined();
  },
);

test("a certificate belongs to an owner only if its name matches exactly", () => {
  const owner = { subject: "li@example.com", issuer: "https://login.example.com/" };
  const owned = new CertificateAuthenticator(
    { header: "x-client-cert", proxies: ["192.0.2.7"], scopes: ["cam.mfa:read"] },
    new Map([[SUBJECT, owner]]),
  );
  const by = (name: string) =>
    owned.identify({ rawHeaders: ["X-Client-Cert", name], remoteAddress: "192.0.2.7" });
  expect(by(SUBJECT)).toEqual({ caller: { ...owner, scopes: new Set(["cam.mfa:read"]) } });
  for (const name of [SUBJECT.toUpperCase(), `${SUBJECT},C=DE`, "CN=portal", "constructor"]) {
    expect(by(name)).toMatchObject({ caller: { subject: name, issuer: "client certificate" } });
  }
});

test("a name of mixed scripts is refused", () => {
  const refusal = "The name in the header x-client-cert mixes scripts.";
  expect(identify("192.0.2.7", Buffer.from("CN=p\u043ertal,O=Example").toString("latin1"))).toEqual({
    refusal,
  });
});

test.each([
  ["sent twice", [SUBJECT, SUBJECT], "The request has more than one header x-client-cert."],
  ["empty", [""], "The header x-client-cert has no usable name."],
  ["too long", ["x".repeat(257)], "The header x-client-cert has no usable name."],
])("a header that is %s is refused", (_how, values, refusal) => {
  expect(identify("192.0.2.7", ...values)).toEqual({ refusal });
});
