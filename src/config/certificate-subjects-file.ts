import { z } from "zod";
import { isPrintable } from "../auth/claims.ts";
import { type CertificateOwner, VOUCHER } from "../auth/client-certificates.ts";
import { isMisleading } from "../auth/subject-spelling.ts";

const text = z.string("must be a text").min(1, "must not be empty");

const subjectsFile = z.strictObject(
  {
    certificates: z
      .array(
        z.strictObject({
          certificate: text,
          subject: text
            .refine(isPrintable, "must be a printable text of at most 256 letters")
            .refine((subject) => !isMisleading(subject), "must not mix scripts"),
          issuer: text.optional(),
        }),
      )
      .min(1, "names no certificate"),
  },
  {
    error: ({ code }) =>
      code === "invalid_type"
        ? 'must be an object: {"certificates": [{"certificate", "subject", "issuer"}]}'
        : undefined,
  },
);

/**
 * The owners of client certificates by AUTH_CLIENT_CERT_SUBJECTS_FILE, by the certificate's name. An issuer may be left
 * out where there is only one. Adds to `problems` what is wrong.
 */
export function parseCertificateSubjects(
  content: string,
  issuers: readonly string[],
  problems: string[],
): ReadonlyMap<string, CertificateOwner> {
  const parsed = subjectsFile.safeParse(parseJson(content));
  const owners = new Map<string, CertificateOwner>();
  const refuse = (problem: string): void => void problems.push(`AUTH_CLIENT_CERT_SUBJECTS_FILE: ${problem}.`);
  if (!parsed.success) {
    for (const { path, message } of parsed.error.issues) {
      refuse([path.join("."), message].filter(Boolean).join(" "));
    }
    return owners;
  }
  for (const { certificate, subject, issuer } of parsed.data.certificates) {
    if (owners.has(certificate)) refuse(`the certificate ${certificate} is there more than once`);
    if (issuer === undefined && issuers.length > 1)
      refuse(`${certificate} needs an issuer, as there are several`);
    if (issuer !== undefined && !issuers.includes(issuer)) {
      refuse(
        `the issuer ${issuer} of ${certificate} is none of ${issuers.join(", ") || "those configured (none)"}`,
      );
    }
    owners.set(certificate, { subject, issuer: issuer ?? issuers[0] ?? VOUCHER });
  }
  return owners;
}

function parseJson(content: string): unknown {
  try {
    return JSON.parse(content);
  } catch {
    return undefined;
  }
}
