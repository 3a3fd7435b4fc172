/** The day and service of a signature, for example `2019-02-25/cam/tc3_request`. */
export interface CredentialScope {
  /** UTC date of the signed timestamp, `YYYY-MM-DD`. A local date fails around midnight. */
  readonly date: string;
  /** The product, which is the first label of its host: `cam`, `sts`. */
  readonly service: string;
}

export function createCredentialScope(timestampSeconds: number, service: string): CredentialScope {
  return { date: new Date(timestampSeconds * 1000).toISOString().slice(0, 10), service };
}

export function formatCredentialScope(scope: CredentialScope): string {
  return `${scope.date}/${scope.service}/tc3_request`;
}
