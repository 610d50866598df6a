import type { GenerationRequest } from '../canon/request.ts';
import type { Host } from '../catalogue/snapshot.ts';
import type { Endpoint, Model } from '../catalogue/types.ts';
import type { Candidate, Rejection } from './candidate.ts';
import type { Size } from './limits.ts';
import type { Facts } from './rule.ts';

/** Where windows are no larger than this, conversations that are too long are compressed unless the caller says no (spec/inference 5.15). */
const SMALL_WINDOW = 8192;

/** Whether a conversation that is too long for an endpoint is shortened for it. Models that only paint have no conversation to lose. */
export function compresses({ plugins, operation }: GenerationRequest, endpoint: Endpoint, model: Model): boolean {
  const wish = plugins?.['context-compression'];
  if (wish === false || operation) return false;
  if (!wish && (endpoint.contextLength === undefined || endpoint.contextLength > SMALL_WINDOW)) return false;
  return model.outputModalities.some((modality) => modality !== 'image');
}

const NOBODY: readonly never[] = [];

/** How many tokens prompt and requested output come to at an endpoint. */
const need = ({ maxOutputTokens }: GenerationRequest, { likely }: Size): number => likely + (maxOutputTokens ?? 0);

/** Whether something of the conversation has to go before this endpoint can be asked. */
export function overflows(
  request: GenerationRequest,
  { endpoint, model }: Pick<Candidate, 'endpoint' | 'model'>,
  sizeAt: (endpoint: Endpoint) => Size,
): boolean {
  const window = endpoint.contextLength;
  return window !== undefined && compresses(request, endpoint, model) && need(request, sizeAt(endpoint)) > window;
}

/**
 * Where conversations may be shortened: hosts that need not shorten this one go before hosts that must, these where half of it fits
 * before the others, and of the others only the largest is left.
 */
export function preferRoom(
  hosts: readonly Host[],
  facts: Facts,
): { readonly left: readonly Host[]; readonly rejected: readonly Rejection[]; readonly squeezed: boolean } {
  const { request, model, sizeAt } = facts;
  const overflowing = ({ endpoint }: Host): boolean => overflows(request, { endpoint, model }, sizeAt);
  if (!hosts.some(overflowing)) return { left: hosts, rejected: NOBODY, squeezed: false };
  const small = hosts.filter(overflowing);
  const whole = hosts.filter((host) => !small.includes(host));
  if (whole.length > 0) return { left: whole, rejected: behind(small, 'holds it all'), squeezed: false };
  const half = small.filter(({ endpoint }) => 2 * windowOf(endpoint) >= need(request, sizeAt(endpoint)));
  const most = Math.max(...small.map(({ endpoint }) => windowOf(endpoint)));
  const left = half.length > 0 ? half : small.filter(({ endpoint }) => windowOf(endpoint) === most);
  const others = small.filter((host) => !left.includes(host));
  return { left, rejected: behind(others, 'holds more of it'), squeezed: half.length === 0 };
}

const windowOf = ({ contextLength = Number.POSITIVE_INFINITY }: Endpoint): number => contextLength;

const behind = (hosts: readonly Host[], what: string): readonly Rejection[] =>
  hosts.map(({ endpoint, provider }) => ({
    endpoint,
    provider,
    rule: 'soft_preference',
    reason: `its context holds ${endpoint.contextLength} tokens, and another host ${what}`,
  }));

/** Models where not even half of the conversation fits go behind the others, the largest window first. */
export function squeezedLast(
  candidates: readonly Candidate[],
  squeezed: (model: Model) => boolean,
): readonly Candidate[] {
  const last = candidates.filter(({ model }) => squeezed(model));
  last.sort((a, b) => windowOf(b.endpoint) - windowOf(a.endpoint));
  return [...candidates.filter(({ model }) => !squeezed(model)), ...last];
}
