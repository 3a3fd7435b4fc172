/** An access token in the form of an identity provider that docs/operators/identity-providers.md names. */
export interface ProviderToken {
  readonly provider: string;
  readonly what: string;
  /** The test reads the other variables of the provider from docs/operators/identity-providers.md. */
  readonly issuer: string;
  readonly audience: string;
  readonly header?: Readonly<Record<string, unknown>>;
  readonly claims: Readonly<Record<string, unknown>>;
  readonly caller: { readonly subject: string; readonly client: string | undefined };
}

const TENANT = "72f988bf-86f1-41af-91ab-2d7cd011db47";
const APP = "6731de76-14a6-49ae-97bc-6eba6914391e";
const PERSON = "aaaaaaaa-0000-1111-2222-bbbbbbbbbbbb";
const entraV2 = `https://login.microsoftonline.com/${TENANT}/v2.0`;
const entraV1 = `https://sts.windows.net/${TENANT}/`;
const cognito = "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_abc";

export const PROVIDER_TOKENS: readonly ProviderToken[] = [
  {
    provider: "Keycloak",
    what: "a person's token",
    issuer: "https://sso.example.com/realms/acme",
    audience: "cam-mfa-gateway",
    claims: {
      ...{
        sub: PERSON,
        aud: ["cam-mfa-gateway", "account"],
        typ: "Bearer",
        azp: "portal",
        sid: "s1",
        acr: "1",
      },
      ...{ "allowed-origins": ["/*"], resource_access: { account: { roles: ["view-profile"] } } },
      ...{ scope: "openid email cam.mfa:read", preferred_username: "li", email_verified: true },
    },
    caller: { subject: PERSON, client: "portal" },
  },
  {
    provider: "Keycloak",
    what: "a realm role",
    issuer: "https://sso.example.com/realms/acme",
    audience: "cam-mfa-gateway",
    claims: {
      ...{ sub: PERSON, aud: "cam-mfa-gateway", typ: "Bearer", azp: "portal", client_id: "night-job" },
      ...{ scope: "email", realm_access: { roles: ["offline_access", "cam.mfa:read"] } },
    },
    caller: { subject: PERSON, client: "portal" },
  },
  {
    provider: "Microsoft Entra ID v2",
    what: "a person's token",
    issuer: entraV2,
    audience: APP,
    claims: {
      ...{ aud: APP, sub: "AAAAAAAAAAAAAAAAAAAAAIkzqFVrSaSaFHy782bbtaQ", azp: "portal-app-id", azpacr: "1" },
      ...{ oid: PERSON, tid: TENANT, scp: "cam.mfa:read", ver: "2.0", uti: "x", name: "Li" },
    },
    caller: { subject: "AAAAAAAAAAAAAAAAAAAAAIkzqFVrSaSaFHy782bbtaQ", client: "portal-app-id" },
  },
  {
    provider: "Microsoft Entra ID v2",
    what: "a program's token",
    issuer: entraV2,
    audience: APP,
    claims: { aud: APP, sub: PERSON, oid: PERSON, azp: "job-id", roles: ["cam.mfa:read"], ver: "2.0" },
    caller: { subject: PERSON, client: "job-id" },
  },
  {
    provider: "Microsoft Entra ID v1",
    what: "a person's token",
    issuer: entraV1,
    audience: "api://cam-mfa-gateway",
    claims: {
      ...{ aud: "api://cam-mfa-gateway", sub: "A1b2", appid: "portal-app-id", appidacr: "0", amr: ["pwd"] },
      ...{ oid: PERSON, tid: TENANT, scp: "cam.mfa:read user_impersonation", unique_name: "li", ver: "1.0" },
    },
    caller: { subject: "A1b2", client: "portal-app-id" },
  },
  {
    provider: "Okta",
    what: "a person's token",
    issuer: "https://acme.okta.com/oauth2/default",
    audience: "api://default",
    claims: {
      ...{ ver: 1, jti: "AT.0mP4JKAZX1iACIT4vbEDF7LpvDVjxypPMf0D7uX39RE", aud: "api://default" },
      ...{ cid: "0oa1portal", uid: "00u1li", scp: ["openid", "cam.mfa:read"], sub: "li@example.com" },
    },
    caller: { subject: "li@example.com", client: "0oa1portal" },
  },
  {
    provider: "Okta",
    what: "a program's token",
    issuer: "https://acme.okta.com/oauth2/default",
    audience: "api://default",
    claims: { ver: 1, aud: "api://default", cid: "0oa1job", scp: ["cam.mfa:read"], sub: "0oa1job" },
    caller: { subject: "0oa1job", client: "0oa1job" },
  },
  {
    provider: "Auth0",
    what: "a person's token",
    issuer: "https://acme.eu.auth0.com/",
    audience: "https://mfa.example.com",
    claims: {
      ...{ sub: "auth0|5f7c8ec7c33c6c004bbafe82", azp: "my_client_id", scope: "openid cam.mfa:read" },
      aud: ["https://mfa.example.com", "https://acme.eu.auth0.com/userinfo"],
    },
    caller: { subject: "auth0|5f7c8ec7c33c6c004bbafe82", client: "my_client_id" },
  },
  {
    provider: "Auth0",
    what: "a token with RBAC, in the profile of RFC 9068",
    issuer: "https://acme.eu.auth0.com/",
    audience: "https://mfa.example.com",
    header: { typ: "at+jwt" },
    claims: {
      ...{ sub: "job@clients", aud: "https://mfa.example.com", client_id: "job", jti: "x" },
      ...{ scope: "openid", permissions: ["cam.mfa:read"] },
    },
    caller: { subject: "job@clients", client: "job" },
  },
  {
    provider: "Amazon Cognito",
    what: "a person's token",
    issuer: cognito,
    audience: "1example23456789",
    claims: {
      ...{ sub: PERSON, client_id: "1example23456789", token_use: "access", username: "li", version: 2 },
      ...{ scope: "openid mfa-api/cam.mfa:read other-api/cam.mfa:write", "cognito:groups": ["admins"] },
    },
    caller: { subject: PERSON, client: "1example23456789" },
  },
  {
    provider: "PingOne",
    what: "a person's token",
    issuer: "https://auth.pingone.eu/<environment>/as",
    audience: "https://mfa.example.com",
    claims: {
      ...{ client_id: "portal", sub: PERSON, aud: ["https://mfa.example.com"], scope: "cam.mfa:read" },
      ...{ sid: "s1", "p1.rid": "r1", acr: "Single_Factor", auth_time: 1 },
    },
    caller: { subject: PERSON, client: "portal" },
  },
];
