import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'bun:test';
import { ERRORS, type ErrorCode, gatewayError } from '../../src/canon/errors.ts';
import { anthropicMessages } from '../../src/dialects/anthropic-messages/dialect.ts';
import { message, messageStream } from '../support/claude.ts';
import { RunningGateway } from '../support/gateway.ts';
import { chunk, DONE, ScriptedUpstream, stream, usageChunk, whole } from '../support/upstream.ts';

/** What clients of Anthropic's wire are told, and what of theirs goes on to hosts of Claude and of others. */

type Json = Record<string, any>;

const claude = new ScriptedUpstream();
const plain = new ScriptedUpstream();
let gateway: RunningGateway;

const CLAUDE = 'lab/claude';
const PLAIN = 'lab/plain';

beforeAll(async () => {
  const row = (model: string, upstream_model: string): Json => ({
    model,
    upstream_model,
    context_length: 1_000_000,
    pricing: { prompt: '0.000001', completion: '0.000002' },
  });
  const providers = {
    claude: {
      dialect: 'anthropic-messages',
      base_url: claude.base,
      api_key: 'k',
      endpoints: [row(CLAUDE, 'claude-sonnet-4-5')],
    },
    plain: { base_url: plain.base, api_key: 'k', endpoints: [row(PLAIN, 'plain')] },
  };
  gateway = await RunningGateway.start({ config: JSON.stringify({ providers }) });
});
beforeEach(() => {
  claude.reply = ({ body }) => (body.stream ? messageStream() : message());
  plain.reply = () => whole('Hello');
});
afterAll(async () => {
  await gateway.stop();
  await claude.stop();
  await plain.stop();
});

async function post(body: Json): Promise<{ status: number; text: string; body: Json; dropped: string }> {
  const response = await fetch(`${gateway.api}/messages`, {
    method: 'POST',
    headers: { 'x-api-key': gateway.key, 'content-type': 'application/json' },
    body: JSON.stringify({ model: CLAUDE, max_tokens: 100, messages: [{ role: 'user', content: 'Hi' }], ...body }),
  });
  const text = await response.text();
  const dropped = response.headers.get('x-turnpike-dropped') ?? '';
  return { status: response.status, text, body: text.startsWith('{') ? (JSON.parse(text) as Json) : {}, dropped };
}

describe('what is told', () => {
  test('INF-301 the usual tier is standard, whatever its host calls it', async () => {
    const usage = { input_tokens: 10, output_tokens: 5 };
    const tierOf = async (model: string, streamed: boolean): Promise<unknown> => {
      const { body, text } = await post({ model, stream: streamed });
      if (!streamed) return body.usage.service_tier;
      const delta = text.split('\n\n').find((frame) => frame.startsWith('event: message_delta'));
      return (JSON.parse(delta?.split('data: ')[1] ?? '') as Json).usage.service_tier;
    };
    for (const streamed of [false, true]) {
      for (const [said, told] of [
        [undefined, 'standard'],
        ['standard', 'standard'],
        ['priority', 'priority'],
        ['batch', 'batch'],
      ] as const) {
        const tiered = { usage: { ...usage, ...(said && { service_tier: said }) } };
        claude.reply = () => (streamed ? messageStream(undefined, tiered) : message(undefined, tiered));
        expect([said, await tierOf(CLAUDE, streamed)]).toEqual([said, told]);
      }
      for (const [said, told] of [
        [undefined, 'standard'],
        ['default', 'standard'],
        ['flex', 'flex'],
      ] as const) {
        const tier = said ? { service_tier: said } : {};
        plain.reply = () =>
          streamed
            ? stream(
                chunk({ role: 'assistant', content: 'A' }, null, tier),
                chunk({}, 'stop', tier),
                usageChunk(),
                DONE,
              )
            : whole('A', tier);
        expect([said, await tierOf(PLAIN, streamed)]).toEqual([said, told]);
      }
    }
  });

  test('INF-307 every error has Anthropic’s type for it', () => {
    const own: Readonly<Record<string, string>> = {
      rate_limit_exceeded: 'rate_limit_error',
      authentication: 'authentication_error',
      permission_denied: 'permission_error',
      payment_required: 'billing_error',
      not_found: 'not_found_error',
      image_not_found: 'not_found_error',
      provider_overloaded: 'overloaded_error',
      timeout: 'timeout_error',
      provider_unavailable: 'api_error',
      server: 'api_error',
      unmapped: 'api_error',
    };
    const seen = new Set<string>();
    for (const [code, { type, status }] of Object.entries(ERRORS)) {
      const told = anthropicMessages.encodeError(gatewayError(code as ErrorCode, 'no'), {
        quirks: new Set(),
        origin: '',
      });
      seen.add(type);
      expect([code, told.status, (told.body as Json).error]).toEqual([
        code,
        status,
        expect.objectContaining({ type: own[type] ?? 'invalid_request_error', error_type: type }),
      ]);
    }
    for (const type of ['context_length_exceeded', 'invalid_request', 'content_policy_violation', ...Object.keys(own)])
      if (type !== 'image_not_found') expect([...seen]).toContain(type);
  });
});

describe('what goes on', () => {
  test('INF-308 results of shells that ran elsewhere are read, and told to no host', async () => {
    const results = ['openrouter_shell_tool_result', 'openrouter_bash_tool_result'].map((type) => ({
      type,
      tool_use_id: 'srv_1',
      content: [{ type: 'text', text: 'secret output' }],
    }));
    const messages = [
      { role: 'user', content: 'Hi' },
      { role: 'assistant', content: [{ type: 'text', text: 'I ran it.' }, ...results] },
      { role: 'user', content: [...results, { type: 'text', text: 'And?' }] },
      { role: 'assistant', content: results },
    ];
    for (const [upstream, model] of [
      [claude, CLAUDE],
      [plain, PLAIN],
    ] as const) {
      const { status, dropped } = await post({ model, messages });
      expect([model, status]).toEqual([model, 200]);
      expect(JSON.stringify(upstream.last.body)).not.toMatch(/secret|openrouter_|srv_1/);
      expect((upstream.last.body as Json).messages).toHaveLength(3);
      for (const at of ['1/content/1', '1/content/2', '2/content/0', '2/content/1', '3/content/0', '3/content/1'])
        expect(dropped).toContain(`/messages/${at};unknown-field`);
    }
  });

  test('INF-309 the client’s own shell stays the client’s', async () => {
    const tools = [{ type: 'bash_20250124', name: 'bash' }];
    const input = { command: 'ls' };
    const use = { type: 'tool_use', id: 'toolu_1', name: 'bash', input };
    claude.reply = ({ body }) =>
      body.stream ? messageStream([use], { stop_reason: 'tool_use' }) : message([use], { stop_reason: 'tool_use' });
    plain.reply = () =>
      whole(null, {
        message: {
          tool_calls: [
            { id: 'toolu_1', type: 'function', function: { name: 'bash', arguments: JSON.stringify(input) } },
          ],
        },
        finish_reason: 'tool_calls',
      });
    for (const [upstream, model] of [
      [claude, CLAUDE],
      [plain, PLAIN],
    ] as const) {
      const before = upstream.received.length;
      const { status, body, dropped } = await post({ model, tools });
      // Asked once, and nothing was run: the call is the client's to make.
      expect([status, body.stop_reason, upstream.received.length - before, dropped]).toEqual([200, 'tool_use', 1, '']);
      expect(body.content.at(-1)).toMatchObject(use);
      const turns = [
        { role: 'user', content: 'Hi' },
        { role: 'assistant', content: [use] },
        { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'toolu_1', content: 'a.txt' }] },
      ];
      expect((await post({ model, tools, messages: turns })).status).toBe(200);
      expect(JSON.stringify(upstream.last.body)).toContain('a.txt');
    }
    expect((claude.last.body as Json).tools).toEqual(tools);
    expect((plain.last.body as Json).tools[0]).toMatchObject({
      type: 'function',
      function: {
        name: 'bash',
        parameters: { properties: { command: { type: 'string' }, restart: { type: 'boolean' } } },
      },
    });
  });
});
