import { type GatewayError, gatewayError } from '../../canon/errors.ts';
import type { Target } from '../../canon/target.ts';
import { asArray, asObject, asString, type JsonObject } from '../read.ts';

/**
 * Playing a provider: its own spelling of a request turned into the plain one, after the checks it is known to make. What the upstream
 * half writes for a host, this reads back, so each is the other's test.
 */

/** Every field of the closed schema (spec/providers C.1). */
const CLOSED_FIELDS: ReadonlySet<string> = new Set([
  'model',
  'messages',
  'temperature',
  'top_p',
  'max_tokens',
  'stream',
  'stop',
  'random_seed',
  'metadata',
  'response_format',
  'tools',
  'tool_choice',
  'parallel_tool_calls',
  'presence_penalty',
  'frequency_penalty',
  'n',
  'prediction',
  'reasoning_effort',
  'prompt_mode',
  'guardrails',
  'prompt_cache_key',
  'service_tier',
  'safe_prompt',
]);

const CLOSED_MESSAGE_FIELDS: Readonly<Record<string, ReadonlySet<string>>> = {
  system: new Set(['role', 'content']),
  user: new Set(['role', 'content']),
  assistant: new Set(['role', 'content', 'tool_calls', 'prefix']),
  tool: new Set(['role', 'content', 'tool_call_id', 'name']),
};

const NINE = /^[a-zA-Z0-9]{9}$/;

const extra = (path: string): GatewayError =>
  gatewayError('upstream_unprocessable', `${path}: Extra inputs are not permitted`, {
    providerStatus: 422,
    providerCode: 'extra_forbidden',
    issues: [{ path, message: 'Extra inputs are not permitted' }],
  });

const refused = (message: string, type: string, code: string): GatewayError =>
  gatewayError('upstream_invalid_request', message, { providerStatus: 400, providerCode: code, raw: type });

function checkClosed(wire: JsonObject): GatewayError | undefined {
  for (const key of Object.keys(wire)) if (!CLOSED_FIELDS.has(key)) return extra(`body.${key}`);
  for (const [index, value] of (asArray(wire.messages) ?? []).entries()) {
    const message = asObject(value) ?? {};
    const known = CLOSED_MESSAGE_FIELDS[String(message.role)];
    if (!known) return extra(`body.messages.${index}.role`);
    for (const key of Object.keys(message)) if (!known.has(key)) return extra(`body.messages.${index}.${key}`);
  }
  const temperature = wire.temperature;
  if (typeof temperature === 'number' && temperature > 1.5)
    return refused('temperature must be at most 1.5', 'invalid_request_error', '3000');
  return undefined;
}

/** The order of turns a strict host insists on (spec/providers C.2). */
function checkTurns(messages: readonly JsonObject[]): GatewayError | undefined {
  const order = (message: string): GatewayError => refused(message, 'invalid_request_message_order', '3230');
  let open: string[] = [];
  let before: string | undefined;
  for (const message of messages) {
    const role = String(message.role);
    if (role === 'tool') {
      const id = String(message.tool_call_id);
      if (!open.includes(id)) return order('Unexpected tool call id in tool results');
      open = open.filter((other) => other !== id);
    } else {
      if (open.length > 0) return order('Not the same number of function calls and responses');
      if (role === 'user' && before === 'tool') return order("Unexpected role 'user' after role 'tool'");
    }
    if (role === 'assistant') {
      const calls = asArray(message.tool_calls) ?? [];
      const empty = message.content === null || message.content === undefined || message.content === '';
      if (empty && calls.length === 0)
        return refused(
          'Assistant message must have either content or tool_calls, but not none.',
          'invalid_request_error',
          '3240',
        );
      open = calls.map((call) => String(asObject(call)?.id));
    }
    before = role;
  }
  const last = messages.at(-1);
  if (last?.role === 'assistant' && last.prefix !== true)
    return order('Expected last role User or Tool (or Assistant with prefix True) for serving but got assistant');
  return undefined;
}

function checkIds(messages: readonly JsonObject[]): GatewayError | undefined {
  const ids = messages.flatMap((message) => [
    ...(message.role === 'tool' ? [String(message.tool_call_id)] : []),
    ...(asArray(message.tool_calls) ?? []).map((call) => String(asObject(call)?.id)),
  ]);
  const bad = ids.find((id) => !NINE.test(id));
  return bad === undefined
    ? undefined
    : refused(
        `Tool call id was ${bad} but must be a-z, A-Z, 0-9, with a length of 9.`,
        'invalid_function_call',
        '3280',
      );
}

/** List-shaped content back to parts and reasoning. */
function plainContent(content: unknown): { content: unknown; reasoning?: string } {
  const chunks = asArray(content);
  if (!chunks) return { content };
  const parts: unknown[] = [];
  let reasoning = '';
  for (const value of chunks) {
    const chunk = asObject(value) ?? {};
    if (chunk.type === 'thinking')
      for (const piece of asArray(chunk.thinking) ?? []) reasoning += asString(asObject(piece)?.text) ?? '';
    else if (chunk.type === 'document_url')
      parts.push({ type: 'file', file: { file_data: chunk.document_url, filename: chunk.document_name ?? null } });
    else if (chunk.type === 'input_audio' && typeof chunk.input_audio === 'string')
      parts.push({ type: 'input_audio', input_audio: { data: chunk.input_audio, format: 'wav' } });
    else parts.push(value);
  }
  return { content: parts, ...(reasoning !== '' && { reasoning }) };
}

function plainMessage(message: JsonObject): JsonObject {
  const { prefix: _prefix, ...rest } = message;
  return { ...rest, ...plainContent(message.content) };
}

/** What a host's own words mean in the plain spelling. */
function inPlain(wire: JsonObject, { quirks }: Target): unknown {
  if (quirks.has('integer-logprobs') && typeof wire.logprobs === 'number')
    return { ...wire, logprobs: wire.logprobs > 0, top_logprobs: wire.logprobs };
  const { thinking, enable_thinking: enabled, reasoning: _reasoning, ...rest } = wire;
  if (quirks.has('thinking-switch') && thinking !== undefined)
    return { ...rest, reasoning: { enabled: asObject(thinking)?.type !== 'disabled' } };
  return quirks.has('enable-thinking') && enabled !== undefined ? { ...rest, reasoning: { enabled } } : { ...wire };
}

/** @returns the request in the dialect's plain spelling, or what this host says to it */
export function fromProviderWire(
  body: unknown,
  target: Target,
): { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly error: GatewayError } {
  const wire = asObject(body);
  if (!wire) return { ok: true, value: body };
  const { quirks } = target;
  if (wire.fim === true) {
    const { fim: _fim, prompt, suffix, random_seed: seed, ...rest } = wire;
    const content = `${asString(prompt) ?? ''}\n[...]\n${asString(suffix) ?? ''}`;
    return { ok: true, value: { ...rest, ...(seed !== undefined && { seed }), messages: [{ role: 'user', content }] } };
  }
  const messages = (asArray(wire.messages) ?? []).map(asObject).filter((message) => message !== undefined);
  const problem =
    (quirks.has('closed-request') ? checkClosed(wire) : undefined) ??
    (quirks.has('nine-character-ids') ? checkIds(messages) : undefined) ??
    (quirks.has('strict-turns') ? checkTurns(messages) : undefined);
  if (problem) return { ok: false, error: problem };
  if (!quirks.has('closed-request')) return { ok: true, value: inPlain(wire, target) };
  const { random_seed: seed, tool_choice: choice, ...rest } = wire;
  return {
    ok: true,
    value: {
      ...rest,
      messages: Array.isArray(wire.messages) ? messages.map(plainMessage) : wire.messages,
      ...(seed !== undefined && { seed }),
      ...(choice !== undefined && { tool_choice: choice === 'any' ? 'required' : choice }),
    },
  };
}
