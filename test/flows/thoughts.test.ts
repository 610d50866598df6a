import { afterAll, beforeAll, beforeEach, expect, test } from 'bun:test';
import { message, messageStream } from '../support/claude.ts';
import { RunningGateway } from '../support/gateway.ts';
import { readFrames, ScriptedUpstream, whole } from '../support/upstream.ts';

/** Thoughts and their signatures between a client of the chat wire and hosts of several makers; searches that run at a host. */

type Json = Record<string, any>;

const claude = new ScriptedUpstream();
const plain = new ScriptedUpstream();
const replaying = new ScriptedUpstream();
const router = new ScriptedUpstream();
const all = [claude, plain, replaying, router];
let gateway: RunningGateway;

const FORMAT = 'anthropic-claude-v1';
const thought = { type: 'thinking', thinking: 'Let me see', signature: 'c2ln' };
const sealed = { type: 'redacted_thinking', data: 'c2VhbGVk' };
const said = { type: 'text', text: 'Hello' };

beforeAll(async () => {
  const row = (model: string): Json => ({
    model,
    upstream_model: 'claude-sonnet-4-5',
    context_length: 1_000_000,
    pricing: { prompt: '0.000001', completion: '0.000002' },
  });
  const host = (
    upstream: ScriptedUpstream,
    dialect: string,
    quirks: readonly string[],
    models: readonly string[],
  ): Json => ({
    dialect,
    base_url: upstream.base,
    api_key: 'k',
    quirks,
    endpoints: models.map(row),
  });
  const providers = {
    claude: host(claude, 'anthropic-messages', [], ['lab/claude', 'lab/shared']),
    replaying: host(replaying, 'openai-chat', ['reasoning-replay'], ['lab/shared']),
    plain: host(plain, 'openai-chat', [], ['lab/shared', 'lab/plain']),
    router: host(router, 'openai-chat', ['router-answers', 'reasoning-object'], ['lab/router']),
  };
  gateway = await RunningGateway.start({ config: JSON.stringify({ providers }) });
});
beforeEach(() => {
  claude.reply = ({ body }) => {
    const shown = (body.thinking as Json | undefined)?.display === 'omitted' ? { ...thought, thinking: '' } : thought;
    return body.stream ? messageStream([shown, sealed, said]) : message([shown, sealed, said]);
  };
  for (const one of [plain, replaying, router]) one.reply = () => whole('Hello');
});
afterAll(async () => {
  await gateway.stop();
  for (const one of all) await one.stop();
});

const hi = [{ role: 'user', content: 'Hi' }];
const ask = (body: Json): Promise<Response> =>
  gateway.post({ model: 'lab/claude', messages: hi, max_tokens: 5000, ...body });

/** The message as told: whole, or put together from the deltas of a stream as they came. */
async function told(
  body: Json,
  streamed: boolean,
): Promise<{ reasoning: string; details: readonly Json[]; content: string }> {
  const text = await (await ask({ ...body, stream: streamed })).text();
  const pieces = streamed
    ? readFrames(text).data.flatMap(({ choices }) => (choices[0] ? [choices[0].delta] : []))
    : [(JSON.parse(text) as Json).choices[0].message];
  return {
    reasoning: pieces.map(({ reasoning }) => reasoning ?? '').join(''),
    details: pieces.flatMap(({ reasoning_details }) => reasoning_details ?? []),
    content: pieces.map(({ content }) => content ?? '').join(''),
  };
}

test('INF-137 Claude’s signature arrives as an entry of its thought, whole and streamed', async () => {
  for (const streamed of [false, true]) {
    const { details, reasoning } = await told({ reasoning: { effort: 'low' } }, streamed);
    expect(reasoning).toBe('Let me see');
    const signed = details.filter(({ signature }) => signature);
    expect(signed).toHaveLength(1);
    expect(signed[0]).toMatchObject({ type: 'reasoning.text', signature: 'c2ln', format: FORMAT, index: 0 });
    const texts = details.filter(({ type }) => type === 'reasoning.text');
    expect(texts.every(({ index, format }) => index === 0 && format === FORMAT)).toBe(true);
    expect(texts.map(({ text }) => text ?? '').join('')).toBe('Let me see');
  }
});

test('UP-055 hidden reasoning is not shown, and its signatures are kept where they are asked for', async () => {
  const hidden = { reasoning: { effort: 'low', exclude: true } };
  for (const streamed of [false, true]) {
    const without = await told(hidden, streamed);
    expect(without).toEqual({ reasoning: '', details: [], content: 'Hello' });
    const { reasoning, details, content } = await told(
      { ...hidden, include: ['reasoning.encrypted_content'] },
      streamed,
    );
    expect([reasoning, content]).toEqual(['', 'Hello']);
    expect(details.map(({ type, signature, data }) => [type, signature ?? data])).toEqual([
      ['reasoning.text', 'c2ln'],
      ['reasoning.encrypted', 'c2VhbGVk'],
    ]);
    expect(JSON.stringify(details)).not.toContain('Let me');
    expect((claude.last.body as Json).thinking.display).toBe('omitted');
    // They are what the model goes on from.
    await ask({
      messages: [...hi, { role: 'assistant', content, reasoning_details: details }, { role: 'user', content: 'And?' }],
    });
    expect((claude.last.body as Json).messages[1].content).toEqual([{ ...thought, thinking: '' }, sealed, said]);
  }
});

test('UP-058 on failover thoughts of another maker are left out, and their text kept where plain thoughts are taken', async () => {
  const details = [
    { type: 'reasoning.text', text: 'Let me see', signature: 'c2ln', format: FORMAT, index: 0 },
    { type: 'reasoning.encrypted', data: 'c2VhbGVk', format: FORMAT, index: 1 },
  ];
  const messages = [
    ...hi,
    { role: 'assistant', content: 'Hello', reasoning_details: details },
    { role: 'user', content: 'And?' },
  ];
  claude.reply = () =>
    new Response('{"type":"error","error":{"type":"overloaded_error","message":"no"}}', { status: 529 });
  const through = async (...order: readonly string[]): Promise<Response> => {
    const response = await ask({ model: 'lab/shared', messages, provider: { order, allow_fallbacks: false } });
    expect(((await response.json()) as Json).choices[0].message.content).toBe('Hello');
    return response;
  };
  await through('claude', 'replaying');
  expect((claude.last.body as Json).messages[1].content).toEqual([thought, sealed, said]);
  expect((replaying.last.body as Json).messages[1]).toEqual({
    role: 'assistant',
    content: 'Hello',
    reasoning_content: 'Let me see',
  });
  const { headers } = await through('claude', 'plain');
  expect((plain.last.body as Json).messages[1]).toEqual({ role: 'assistant', content: 'Hello' });
  expect(headers.get('x-turnpike-dropped')).toContain('/messages/1/reasoning;unsupported');
  for (const host of [replaying, plain]) expect(JSON.stringify(host.last.body)).not.toMatch(/c2ln|c2VhbGVk|anthropic/);
});

test('INF-045 short names of web search become the server tool, told to hosts that run it and named at others', async () => {
  const own = { type: 'function', function: { name: 'f' } };
  for (const type of ['web_search', 'web_search_preview', 'web_search_preview_2025_03_11', 'web_search_2025_08_26']) {
    for (const path of ['chat', 'responses']) {
      const send = (model: string): Promise<Response> =>
        path === 'chat'
          ? ask({ model, tools: [own, { type, search_context_size: 'low' }] })
          : fetch(`${gateway.api}/responses`, {
              method: 'POST',
              headers: { authorization: `Bearer ${gateway.key}`, 'content-type': 'application/json' },
              body: JSON.stringify({
                model,
                input: 'Hi',
                tools: [
                  { type: 'function', name: 'f' },
                  { type, search_context_size: 'low' },
                ],
              }),
            });
      const routed = await send('lab/router');
      expect([type, path, routed.status]).toEqual([type, path, 200]);
      expect((router.last.body as Json).tools).toEqual([
        own,
        { type: 'openrouter:web_search', parameters: { search_context_size: 'low' } },
      ]);
      expect(routed.headers.get('x-turnpike-dropped') ?? '').not.toContain('/tools');
      const other = await send('lab/plain');
      expect((plain.last.body as Json).tools).toEqual([own]);
      expect(other.headers.get('x-turnpike-dropped')).toContain('/tools/1;unsupported');
    }
  }
});
