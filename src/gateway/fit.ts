import { type GatewayError, gatewayError } from '../canon/errors.ts';
import type { GenerationRequest } from '../canon/request.ts';
import { estimateExactly } from '../canon/tokens.ts';
import type { EncodedRequest } from '../dialects/dialect.ts';
import { wireOf } from '../dialects/operations.ts';
import { compress } from '../plugins/compression.ts';
import type { Stage } from '../plugins/stage.ts';
import type { Candidate } from '../router/candidate.ts';
import { compresses, overflows } from '../router/room.ts';
import type { PromptSize } from './prompt-size.ts';

/** A conversation as one host gets it, where it is too long for that host. */
export interface Fitted {
  readonly request: GenerationRequest;
  /** Where each of its messages stands in the caller's request. */
  readonly places: readonly number[];
  /** How many tokens the host is likely to count. */
  readonly promptTokens: number;
  readonly stage: Stage;
}

/** The wire whose callers give one text. */
const COMPLETIONS = 'openai-completions';
/** The share of a window that is left for the answer where the caller sets no limit, and the endpoint has none below it. */
const ANSWER_SHARE = 1 / 4;

/**
 * @param dialect the caller's
 * @returns undefined where the host gets the conversation as it is; `context_too_long` where it cannot be made to fit
 */
export function fitted(
  candidate: Candidate,
  request: GenerationRequest,
  size: PromptSize,
  dialect: string,
): { readonly value: Fitted } | { readonly error: GatewayError } | undefined {
  const { endpoint, model, provider } = candidate;
  const { messagesMax } = provider;
  const many = messagesMax !== undefined && request.messages.length > messagesMax;
  const long = overflows(request, candidate, (one) => size.at(one));
  if (!long && !(many && compresses(request, endpoint, model))) return undefined;
  // Our estimate of the messages one by one, and what the endpoint counts at most, for one of those.
  const estimate = estimateExactly(request);
  const most = size.at(endpoint).most / Math.max(1, estimate);
  const window = endpoint.contextLength ?? Number.POSITIVE_INFINITY;
  const output = outputTokens(candidate, request);
  const room = {
    tokensMax: long ? Math.floor((window - output) / most) : Number.POSITIVE_INFINITY,
    ...(messagesMax !== undefined && { messagesMax }),
  };
  const short = compress(request, room);
  // Only the number of its messages is too large, and they cannot be parted: the host may take them all the same.
  if (!short || (short === 'none' && !long)) return undefined;
  if (short === 'none') {
    const message = `This endpoint's maximum context length is ${window} tokens. However, what compression leaves of the request, its instructions, its tools and its last message, is more.`;
    const facts = {
      providerName: provider.name,
      rule: 'context_length',
      limit: window,
      current: size.at(endpoint).likely + output,
    };
    return { error: gatewayError('context_too_long', message, facts) };
  }
  const { messages, places, tokens } = short;
  const prompt = dialect === COMPLETIONS;
  const stage = {
    type: 'context_compression',
    name: 'context-compression',
    summary: `${request.messages.length} messages of about ${estimate} tokens became ${messages.length} of ${tokens}`,
    data: {
      engine: 'middle-out',
      input_type: prompt ? 'prompt' : 'messages',
      original_count: prompt ? estimate : request.messages.length,
      compressed_count: prompt ? tokens : messages.length,
      original_tokens: estimate,
      compressed_tokens: tokens,
    },
  } as const;
  return {
    value: {
      request: {
        ...request,
        messages,
        ...(long && wireOf(provider.dialect, undefined)?.limitsOutput && { maxOutputTokens: output }),
      },
      places,
      promptTokens: Math.round(tokens * likelyOf(candidate, size, estimate)),
      stage,
    },
  };
}

/** What the endpoint is likely to count for one token of our estimate. */
const likelyOf = ({ endpoint }: Candidate, size: PromptSize, estimate: number): number =>
  size.at(endpoint).likely / Math.max(1, estimate);

/** What has to be free of the window for the answer. */
function outputTokens({ endpoint, model }: Candidate, { maxOutputTokens }: GenerationRequest): number {
  if (maxOutputTokens !== undefined) return maxOutputTokens;
  const most = endpoint.maxOutputTokens ?? model.maxOutputTokens ?? Number.POSITIVE_INFINITY;
  return Math.min(most, Math.floor((endpoint.contextLength ?? 0) * ANSWER_SHARE));
}

/** What a host was not told, with what it was not told of the conversation; places are those of the caller's request. */
export function withGap(encoded: EncodedRequest, { places }: Fitted): EncodedRequest {
  const dropped = encoded.dropped.map((one) => ({
    ...one,
    pointer: one.pointer.replace(/^\/messages\/(\d+)/, (_, at) => `/messages/${places[Number(at)] ?? at}`),
  }));
  return { ...encoded, dropped: [{ pointer: '/messages', reason: 'compressed' }, ...dropped] };
}
