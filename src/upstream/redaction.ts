import type { GatewayError } from '../canon/errors.ts';

/** The headers of a call, credentials among them. */
export type SentHeaders = Headers | Readonly<Record<string, string>>;

const HIDDEN = '[secret]';

/** Forms of keys, tokens and access ids that providers give out (spec/providers A.4), whoever's they are. */
const FORMS =
  /\b(?:sk-|gsk_|csk-|nvapi-|xai-|fw_|pplx-|hf_|gh[opusr]_|github_pat_|r8_|tgp_v1_|ABSK)[A-Za-z0-9_\-=+/]{12,}|\bAIza[A-Za-z0-9_-]{20,}|\bAQ\.[A-Za-z0-9_.-]{16,}|\bya29\.[A-Za-z0-9_.-]{16,}|\b(?:AKIA|ASIA)[A-Z0-9]{12,}|\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*|\b(?=[a-z0-9]*[A-Z])(?=[A-Z0-9]*[a-z])(?=[A-Za-z]*[0-9])[A-Za-z0-9]{32}\b/g;

const SENSITIVE = /auth|key|token|secret|cookie|password/i;
const SECRET_LENGTH_MIN = 6;
const CUT = '...';

/** What of a call's headers nobody may read: values of those that carry credentials, without the word before them. */
function secretsOf(headers: SentHeaders): readonly string[] {
  const all = headers instanceof Headers ? [...headers] : Object.entries(headers);
  return all.flatMap(([name, value]) => {
    if (!SENSITIVE.test(name)) return [];
    const bare = value.replace(/^\S+ /, '');
    return bare.length < SECRET_LENGTH_MIN ? [] : [bare];
  });
}

/** A text that a provider sent, without the credentials it was sent and without what looks like one. */
export function withoutSecrets(text: string, headers: SentHeaders): string {
  let plain = text;
  for (const secret of secretsOf(headers)) plain = withoutBeginning(plain.replaceAll(secret, HIDDEN), secret);
  return plain.replace(FORMS, HIDDEN);
}

/** A shortened text may end inside a secret. */
function withoutBeginning(text: string, secret: string): string {
  if (!text.endsWith(CUT)) return text;
  const kept = text.slice(0, -CUT.length);
  for (let length = Math.min(secret.length, kept.length); length >= SECRET_LENGTH_MIN; length--)
    if (kept.endsWith(secret.slice(0, length))) return `${kept.slice(0, -length)}${HIDDEN}`;
  return text;
}

/** An error as it may be told and logged. */
export function redacted(error: GatewayError, headers: SentHeaders): GatewayError {
  const { raw, providerCode } = error.facts;
  return {
    ...error,
    message: withoutSecrets(error.message, headers),
    facts: {
      ...error.facts,
      ...(raw !== undefined && { raw: withoutSecrets(raw, headers) }),
      ...(providerCode !== undefined && { providerCode: withoutSecrets(providerCode, headers) }),
    },
  };
}
