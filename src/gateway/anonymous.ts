import { createHash } from 'node:crypto';
import type { GenerationRequest } from '../canon/request.ts';

/** A name that tells a key's users apart and leads back to none of them; every provider takes these characters and this length. */
const hashed = (keyHash: string, name: string): string =>
  createHash('sha256').update(`${keyHash}/${name}`).digest('base64url').slice(0, 32);

/** The request as providers may see it: what a caller calls its own users stays here (INF-029). */
export function anonymous(request: GenerationRequest, keyHash: string): GenerationRequest {
  const { user, safetyIdentifier } = request;
  if (user === undefined && safetyIdentifier === undefined) return request;
  return {
    ...request,
    ...(user !== undefined && { user: hashed(keyHash, user) }),
    ...(safetyIdentifier !== undefined && { safetyIdentifier: hashed(keyHash, safetyIdentifier) }),
  };
}
