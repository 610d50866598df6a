import type { GatewayError } from '../canon/errors.ts';
import type { Target } from '../canon/target.ts';
import { classify } from './classify.ts';
import { parseJson } from './read.ts';

/** What a non-2xx answer means. `body` is its text: providers answer with JSON, HTML or nothing. */
export function decodeError(status: number, body: unknown, target: Target): GatewayError {
  return classify(status, typeof body === 'string' ? (parseJson(body) ?? body) : body, target.errors);
}
