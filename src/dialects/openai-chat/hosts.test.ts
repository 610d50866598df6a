import { describe, expect, test } from 'bun:test';
import { collect } from '../../canon/collect.ts';
import type { GenerationEvent } from '../../canon/event.ts';
import { runMachine } from '../../canon/grammar.ts';
import { parameterSet } from '../../canon/parameters.ts';
import type { GenerationRequest } from '../../canon/request.ts';
import type { Quirk, Target } from '../../canon/target.ts';
import { loadSnapshot } from '../../catalogue/load.ts';
import { SseDecoder } from '../../streams/sse.ts';
import type { Dialect } from '../dialect.ts';
import { EXPECT_NOTHING } from '../dialect.ts';
import { DIALECTS } from '../registry.ts';

/** The three hosts of the first model as their catalogue rows describe them: what is sent to each, and how its answers are read. */

type Json = Record<string, any>;

const dialect = DIALECTS['openai-chat'] as Dialect;

const snapshot = loadSnapshot();
const MODEL = 'mistralai/mistral-small-2603';

function targetOf(provider: string, overrides: Partial<Target> = {}): Target {
  const row = snapshot.provider(provider);
  const endpoint = snapshot.endpointsOf(MODEL).find((one) => one.provider === provider);
  if (!row || !endpoint) throw new Error(provider);
  return {
    upstreamModel: endpoint.upstreamModel,
    quirks: new Set(row.quirks as unknown as Target['quirks'] extends ReadonlySet<infer Q> ? Q[] : never),
    parameters: snapshot.parameters(endpoint),
    extraFields: row.extraFields === 'all' ? 'all' : new Set(row.extraFields),
    efforts: ['none', 'high'],
    ...(row.temperatureMax !== undefined && { temperatureMax: row.temperatureMax }),
    ...overrides,
  };
}

const mistral = targetOf('mistral');
const nvidia = targetOf('nvidia');
const openRouter = targetOf('openrouter');

function decoded(wire: Json): GenerationRequest {
  const request = dialect.decodeRequest({ model: MODEL, messages: [{ role: 'user', content: 'Hi' }], ...wire });
  if (!request.ok) throw new Error(request.error.message);
  return request.value;
}

const sent = (wire: Json, target: Target): Json => {
  const { body } = dialect.encodeRequest(decoded(wire), target) as { body: unknown };
  return (typeof body === 'string' ? JSON.parse(body) : body) as Json;
};

const call = (id: string, name = 'f'): Json => ({ id, type: 'function', function: { name, arguments: '{}' } });
const result = (id: string, content = 'done'): Json => ({ role: 'tool', tool_call_id: id, content });

test('UP-072 a host that wants the word JSON in the prompt gets it, unless it is there', () => {
  const texts = (wire: Json, target: Target): string[] =>
    (sent({ response_format: { type: 'json_object' }, ...wire }, target).messages as Json[]).map(({ content }) =>
      typeof content === 'string' ? content : content.map(({ text }: Json) => text).join(''),
    );
  expect(texts({}, mistral)).toEqual(['Answer in JSON.', 'Hi']);
  const system = { role: 'system', content: 'Be brief.' };
  expect(texts({ messages: [system, { role: 'user', content: 'Hi' }] }, mistral)[0]).toBe(
    'Be brief.\n\nAnswer in JSON.',
  );
  expect(texts({ messages: [{ role: 'user', content: 'List them as json' }] }, mistral)).toEqual(['List them as json']);
  expect(texts({}, openRouter)).toEqual(['Hi']);
});

function read(text: string, target: Target): readonly GenerationEvent[] {
  const frames = new SseDecoder();
  const all = [...frames.step(new TextEncoder().encode(text)), ...frames.end()];
  return runMachine(dialect.decodeStream(target, EXPECT_NOTHING), all);
}

const frame = (delta: Json, finish: string | null = null, more: Json = {}): string =>
  `data: ${JSON.stringify({ id: 'x', choices: [{ index: 0, delta, finish_reason: finish }], ...more })}\n\n`;

describe('what is sent', () => {
  test('UP-137 a request with everything has only fields that Mistral knows', () => {
    const known = new Set(
      'model messages tools tool_choice parallel_tool_calls temperature top_p max_tokens stop stream random_seed presence_penalty frequency_penalty n response_format prediction reasoning_effort prompt_mode safe_prompt metadata guardrails prompt_cache_key service_tier'.split(
        ' ',
      ),
    );
    const everything = {
      temperature: 0.5,
      top_p: 0.5,
      top_k: 5,
      min_p: 0.1,
      top_a: 0.1,
      seed: 1,
      stop: 'x',
      presence_penalty: 1,
      frequency_penalty: 1,
      repetition_penalty: 1,
      logit_bias: { 1: 1 },
      logprobs: true,
      top_logprobs: 2,
      max_tokens: 5,
      tools: [{ type: 'function', function: { name: 'f', parameters: { type: 'object' } } }],
      tool_choice: 'auto',
      parallel_tool_calls: true,
      response_format: { type: 'text' },
      reasoning: { effort: 'high' },
      prediction: { type: 'content', content: 'x' },
      user: 'u',
      session_id: 's',
      metadata: { a: 'b' },
      provider: { order: ['mistral'] },
      models: [MODEL],
      verbosity: 'low',
      safe_prompt: true,
      something: 1,
      stream: true,
      stream_options: { include_usage: true },
    };
    const body = sent(everything, mistral);
    expect(Object.keys(body).filter((key) => !known.has(key))).toEqual([]);
    expect(body.safe_prompt).toBe(true);
  });

  test('UP-034 UP-032 UP-035 the seed, the limit and the temperature are named and bounded as the host wants', () => {
    const body = sent({ seed: 7, max_completion_tokens: 9, temperature: 2 }, mistral);
    expect([body.random_seed, body.seed, body.max_tokens, body.max_completion_tokens, body.temperature]).toEqual([
      7,
      undefined,
      9,
      undefined,
      1.5,
    ]);
    expect(sent({ seed: 7 }, nvidia).seed).toBe(7);
    expect(sent({ temperature: 2 }, openRouter).temperature).toBe(2);
  });

  test('UP-030 names of speakers are left out for Mistral and kept for OpenRouter', () => {
    const messages = [{ role: 'user', name: 'alice', content: 'Hi' }];
    expect(sent({ messages }, mistral).messages[0].name).toBeUndefined();
    expect(sent({ messages }, openRouter).messages[0].name).toBe('alice');
  });

  test('UP-017 INF-030 system messages keep their order, and developers become systems', () => {
    const messages = [
      { role: 'system', content: 'a' },
      { role: 'developer', content: 'b' },
      { role: 'user', content: 'Hi' },
    ];
    for (const target of [mistral, nvidia]) {
      expect(sent({ messages }, target).messages.map((one: Json) => one.role)).toEqual(['system', 'system', 'user']);
    }
    expect(
      sent({ messages }, mistral)
        .messages.slice(0, 2)
        .map((one: Json) => one.content),
    ).toEqual(['a', 'b']);
  });

  test('a begun answer is marked in the words of each host that goes on from one', () => {
    const messages = [
      { role: 'user', content: 'Hi' },
      { role: 'assistant', content: 'Well' },
    ];
    const begun = (quirk: Quirk) => {
      const target = { ...nvidia, quirks: new Set([...nvidia.quirks, quirk]) };
      const request = decoded({ messages });
      const { path, body, expectation } = dialect.encodeRequest(request, target);
      return { path, echo: expectation.prefillEcho, body: JSON.parse(body) as Json };
    };
    const partial = begun('partial-prefill');
    expect(partial.body.messages.at(-1)).toEqual({ role: 'assistant', content: 'Well', partial: true });
    const beta = begun('beta-prefill');
    expect(beta.body.messages.at(-1)).toEqual({ role: 'assistant', content: 'Well', prefix: true });
    expect([beta.path, beta.echo]).toEqual(['/beta/chat/completions', undefined]);
    const final = begun('final-message-prefill');
    expect(final.body).toMatchObject({ continue_final_message: true, add_generation_prompt: false });
    expect(final.body.messages.at(-1)).toEqual({ role: 'assistant', content: 'Well' });
    const plain = begun('plain-prefill');
    expect([plain.path, plain.body.messages.at(-1)]).toEqual([
      '/chat/completions',
      { role: 'assistant', content: 'Well' },
    ]);
    // Whoever has said something else last has begun nothing.
    const asked = { ...nvidia, quirks: new Set<Quirk>(['final-message-prefill', 'partial-prefill']) };
    expect(sent({ messages: [messages[0] as Json] }, asked)).not.toHaveProperty('continue_final_message');
  });

  test('UP-029 INF-032 a begun answer is marked for Mistral and plain for others', () => {
    const messages = [
      { role: 'user', content: 'Hi' },
      { role: 'assistant', content: 'Well' },
    ];
    expect(sent({ messages }, mistral).messages.at(-1)).toMatchObject({
      role: 'assistant',
      content: 'Well',
      prefix: true,
    });
    expect(sent({ messages }, openRouter).messages.at(-1).prefix).toBeUndefined();
  });

  test('UP-045 INF-051 a prediction in parts is one text for Mistral', () => {
    const prediction = {
      type: 'content',
      content: [
        { type: 'text', text: 'a' },
        { type: 'text', text: 'b' },
      ],
    };
    expect(sent({ prediction }, mistral).prediction).toEqual({ type: 'content', content: 'ab' });
    expect(sent({ prediction: { type: 'content', content: 'ab' } }, mistral).prediction).toEqual({
      type: 'content',
      content: 'ab',
    });
  });

  test('UP-040 usage is asked for only where a stream would not tell it', () => {
    expect(sent({ stream: true }, nvidia).stream_options).toEqual({ include_usage: true });
    expect(sent({ stream: true }, mistral).stream_options).toBeUndefined();
    expect(sent({ stream: false }, nvidia).stream_options).toBeUndefined();
  });

  test('UP-050 INF-078 efforts become none or high', () => {
    for (const effort of ['medium', 'high', 'xhigh', 'max'])
      expect(sent({ reasoning: { effort } }, mistral).reasoning_effort).toBe('high');
    expect(sent({ reasoning: { effort: 'none' } }, mistral).reasoning_effort).toBe('none');
    expect(
      sent({ reasoning: { enabled: true } }, { ...nvidia, efforts: ['low', 'medium', 'high'] }).reasoning_effort,
    ).toBe('medium');
    const plain = targetOf('mistral', { efforts: [], parameters: parameterSet(['temperature']).known });
    expect(sent({ reasoning: { effort: 'high' } }, plain).reasoning_effort).toBeUndefined();
  });

  test('UP-065 tool ids of any form become nine characters, the same for call and result, never two alike', () => {
    const ids = Array.from({ length: 1000 }, (_, index) => `call_${index}_${'x'.repeat(index % 30)}`);
    const messages = [
      { role: 'user', content: 'Hi' },
      { role: 'assistant', content: null, tool_calls: ids.map((id) => call(id)) },
      ...ids.map((id) => result(id)),
      { role: 'user', content: 'And?' },
    ];
    const body = sent({ messages }, mistral);
    const calls = body.messages.flatMap((one: Json) => one.tool_calls ?? []).map((one: Json) => one.id);
    const results = body.messages.filter((one: Json) => one.role === 'tool').map((one: Json) => one.tool_call_id);
    for (const id of calls) expect(id).toMatch(/^[a-zA-Z0-9]{9}$/);
    expect(new Set(calls).size).toBe(1000);
    expect(results).toEqual(calls);
    const native = sent(
      {
        messages: [
          { role: 'user', content: 'Hi' },
          { role: 'assistant', content: null, tool_calls: [call('abcDEF123')] },
          result('abcDEF123'),
        ],
      },
      mistral,
    );
    expect(native.messages.at(-1).tool_call_id).toBe('abcDEF123');
  });

  test('UP-138 a user right after a tool is parted from it', () => {
    const messages = [
      { role: 'user', content: 'Hi' },
      { role: 'assistant', content: null, tool_calls: [call('abcdefgh1')] },
      result('abcdefgh1'),
      { role: 'user', content: 'And?' },
    ];
    const roles = sent({ messages }, mistral).messages.map((one: Json) => one.role);
    expect(roles).toEqual(['user', 'assistant', 'tool', 'assistant', 'user']);
    expect(sent({ messages }, openRouter).messages.map((one: Json) => one.role)).toEqual([
      'user',
      'assistant',
      'tool',
      'user',
    ]);
  });

  test('UP-019 two users in a row are one turn with all that was said', () => {
    const messages = [
      { role: 'user', content: 'one' },
      {
        role: 'user',
        content: [
          { type: 'text', text: 'two' },
          { type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } },
        ],
      },
    ];
    const body = sent({ messages }, mistral);
    expect(body.messages).toHaveLength(1);
    for (const part of ['one', 'two', 'AAAA']) expect(JSON.stringify(body)).toContain(part);
  });

  test('UP-139 a missing result is supplied, one too many is dropped', () => {
    const messages = [
      { role: 'user', content: 'Hi' },
      { role: 'assistant', content: null, tool_calls: [call('abcdefgh1'), call('abcdefgh2')] },
      result('abcdefgh1'),
      result('nobodys99'),
    ];
    const results = sent({ messages }, mistral).messages.filter((one: Json) => one.role === 'tool');
    expect(results.map((one: Json) => one.tool_call_id)).toEqual(['abcdefgh1', 'abcdefgh2']);
  });

  test('UP-140 an assistant message with nothing in it is not sent as it is', () => {
    const messages = [
      { role: 'user', content: 'Hi' },
      { role: 'assistant', content: '' },
      { role: 'user', content: 'Hello?' },
    ];
    for (const one of sent({ messages }, mistral).messages.filter((message: Json) => message.role === 'assistant')) {
      expect(Boolean(one.content) || Boolean(one.tool_calls?.length)).toBe(true);
    }
  });

  test('UP-142 INF-033 past thinking goes back as thinking chunks, in both spellings, and not to a model that does not think', () => {
    for (const spelling of ['reasoning', 'reasoning_content']) {
      const messages = [
        { role: 'user', content: 'Hi' },
        { role: 'assistant', content: 'Yes', [spelling]: 'Hm' },
        { role: 'user', content: 'Why?' },
      ];
      expect(JSON.stringify(sent({ messages }, mistral).messages[1].content)).toContain('"thinking"');
      expect(JSON.stringify(sent({ messages }, targetOf('mistral', { efforts: [] })))).not.toContain('Hm');
    }
  });

  test('UP-044 cache marks are removed for hosts that refuse them', () => {
    const messages = [{ role: 'user', content: [{ type: 'text', text: 'Hi', cache_control: { type: 'ephemeral' } }] }];
    expect(JSON.stringify(sent({ messages }, mistral))).not.toContain('cache_control');
    expect(JSON.stringify(sent({ messages }, nvidia))).not.toContain('cache_control');
  });

  test('UP-043 a cache key reaches Mistral and not NVIDIA', () => {
    expect(sent({ prompt_cache_key: 'k' }, mistral).prompt_cache_key).toBe('k');
    expect(sent({ prompt_cache_key: 'k' }, nvidia).prompt_cache_key).toBeUndefined();
  });

  test('UP-038 several choices are never asked of a host', () => {
    for (const target of [mistral, nvidia, openRouter]) expect(sent({ n: 1 }, target).n).toBeUndefined();
  });
});

describe('what is read', () => {
  test('UP-092 UP-053 Mistral’s stream of thinking, text and whole calls', () => {
    const text =
      frame({ role: 'assistant', content: [{ type: 'thinking', thinking: [{ type: 'text', text: 'Hm' }] }] }) +
      frame({
        content: [
          { type: 'thinking', thinking: [{ type: 'text', text: '…' }] },
          { type: 'text', text: 'Yes' },
        ],
      }) +
      frame({ content: ' sir' }) +
      frame({ content: '', tool_calls: [{ index: 0, ...call('abcdefgh1') }] }, 'tool_calls', {
        usage: { prompt_tokens: 3, completion_tokens: 4, total_tokens: 7 },
      }) +
      'data: [DONE]\n\n';
    const { blocks, finish, usage } = collect(read(text, mistral));
    expect(blocks.map(({ block, text: said }) => [block.kind, said])).toEqual([
      ['reasoning', 'Hm…'],
      ['text', 'Yes sir'],
      ['tool-call', '{}'],
    ]);
    expect(finish).toBe('tool-calls');
    expect(usage?.counts).toMatchObject({ input: 3, output: 4 });
  });

  test('UP-053 reasoning is read in each spelling', () => {
    for (const [spelling, target] of [
      ['reasoning_content', nvidia],
      ['reasoning', openRouter],
    ] as const) {
      const events = read(`${frame({ [spelling]: 'Hm' })}${frame({ content: 'Yes' }, 'stop')}data: [DONE]\n\n`, target);
      expect(collect(events).blocks.map(({ block, text }) => [block.kind, text])).toEqual([
        ['reasoning', 'Hm'],
        ['text', 'Yes'],
      ]);
    }
  });

  test('UP-095 comments are swallowed and an error inside a stream is an error', () => {
    const events = read(
      `: OPENROUTER PROCESSING\n\n${frame({ content: 'Hel' })}data: {"error":{"code":502,"message":"gone"},"choices":[{"index":0,"delta":{"content":""},"finish_reason":"error"}]}\n\n`,
      openRouter,
    );
    expect(events.at(-1)).toMatchObject({
      type: 'generation-error',
      error: { message: expect.stringContaining('gone') },
    });
  });

  test('UP-096 an error in a body that should be an answer is an error', () => {
    const events = dialect.decodeWhole({ error: { code: 502, message: 'gone' } }, openRouter, EXPECT_NOTHING);
    expect(events.at(-1)?.type).toBe('generation-error');
    expect(read('data: {"error":{"code":429,"message":"slow down"}}\n\n', openRouter).at(-1)).toMatchObject({
      error: { code: 'upstream_rate_limited' },
    });
  });

  test('UP-109 cached tokens are read in each spelling', () => {
    const counts = (usage: Json): unknown =>
      collect(
        dialect.decodeWhole(
          {
            choices: [{ index: 0, message: { role: 'assistant', content: 'Hi' }, finish_reason: 'stop' }],
            usage: { prompt_tokens: 10, completion_tokens: 1, total_tokens: 11, ...usage },
          },
          mistral,
          EXPECT_NOTHING,
        ),
      ).usage?.counts;
    for (const usage of [
      { prompt_tokens_details: { cached_tokens: 4 } },
      { prompt_token_details: { cached_tokens: 4 } },
      { num_cached_tokens: 4 },
      { cached_tokens: 4 },
      { prompt_cache_hit_tokens: 4, prompt_cache_miss_tokens: 6 },
    ]) {
      expect(counts(usage)).toMatchObject({ input: 6, 'cache-read': 4 });
    }
  });

  test('UP-141 a begun answer that Mistral repeats is not repeated to the caller', () => {
    const request = decoded({
      messages: [
        { role: 'user', content: 'Hi' },
        { role: 'assistant', content: 'The Rhine' },
      ],
    });
    const { expectation } = dialect.encodeRequest(request, mistral);
    const answer = (content: string) =>
      collect(
        dialect.decodeWhole(
          { choices: [{ index: 0, message: { role: 'assistant', content }, finish_reason: 'stop' }] },
          mistral,
          expectation,
        ),
      );
    expect(answer('The Rhine is long').blocks[0]?.text).toBe(' is long');
    const frames = new SseDecoder();
    const stream = `${frame({ content: 'The ' })}${frame({ content: 'Rhine is' })}${frame({ content: ' long' }, 'stop')}data: [DONE]\n\n`;
    const events = runMachine(dialect.decodeStream(mistral, expectation), [
      ...frames.step(new TextEncoder().encode(stream)),
      ...frames.end(),
    ]);
    expect(collect(events).blocks[0]?.text).toBe(' is long');
  });

  test('INF-107 INF-100 annotations are addresses and files, and a safety stop is a filter', () => {
    const annotations = [
      { type: 'url_citation', url_citation: { url: 'https://example.com', title: 'T', start_index: 0, end_index: 1 } },
      { type: 'advert', text: 'buy' },
    ];
    const { blocks, finish } = collect(
      dialect.decodeWhole(
        {
          choices: [
            { index: 0, message: { role: 'assistant', content: 'Hi', annotations }, finish_reason: 'content_filter' },
          ],
        },
        openRouter,
        EXPECT_NOTHING,
      ),
    );
    expect(blocks.filter(({ block }) => block.kind === 'citation')).toHaveLength(1);
    expect(JSON.stringify(blocks)).not.toContain('advert');
    expect(finish).toBe('content-filter');
  });
});

describe('what a refusal means', () => {
  const means = (status: number, body: unknown, target: Target): string =>
    dialect.decodeError(status, body, target).code;

  test('UP-116 Mistral’s 422 in both forms names the field', () => {
    const detail = [{ type: 'extra_forbidden', loc: ['body', 'top_k'], msg: 'Extra inputs are not permitted' }];
    for (const body of [{ detail }, { object: 'error', message: { detail }, type: 'invalid_request_error' }]) {
      const error = dialect.decodeError(422, body, mistral);
      expect([error.code, JSON.stringify(error)]).toEqual(['upstream_unprocessable', expect.stringContaining('top_k')]);
    }
  });

  test('UP-117 NVIDIA’s degraded function is an overload, a function not found and a gone one are missing', () => {
    expect(
      means(
        400,
        { status: 400, title: 'Bad Request', detail: "Function id 'x': DEGRADED function cannot be invoked" },
        nvidia,
      ),
    ).toBe('upstream_overloaded');
    expect(
      means(404, { status: 404, title: 'Not Found', detail: "Function 'x': Not found for account 'y'" }, nvidia),
    ).toBe('upstream_not_found');
    expect(means(410, { status: 410, title: 'Gone', detail: 'gone' }, nvidia)).toBe('upstream_not_found');
    expect(means(429, { status: 429, title: 'Too Many Requests' }, nvidia)).toBe('upstream_rate_limited');
    expect(means(400, { status: 400, detail: 'temperature must be a number' }, nvidia)).toBe(
      'upstream_invalid_request',
    );
  });

  test('UP-147 Mistral’s guardrail, quota and overload are three things', () => {
    expect(means(403, { object: 'error', message: 'blocked', guardrails: [{ name: 'x' }] }, mistral)).toBe(
      'upstream_content_policy',
    );
    expect(means(402, { object: 'error', message: 'no credit' }, mistral)).toBe('upstream_quota');
    expect(
      means(429, { object: 'error', message: 'Service tier capacity exceeded for this model.', code: '3505' }, mistral),
    ).toBe('upstream_overloaded');
    expect(means(429, { object: 'error', message: 'Requests rate limit exceeded', code: '1300' }, mistral)).toBe(
      'upstream_rate_limited',
    );
  });

  test('UP-125 OpenRouter’s 402, a moderated 403 and any other 403 are told apart', () => {
    expect(means(402, { error: { code: 402, message: 'Insufficient credits' } }, openRouter)).toBe('upstream_quota');
    expect(
      means(
        403,
        { error: { code: 403, message: 'flagged', metadata: { reasons: ['violence'], flagged_input: 'x' } } },
        openRouter,
      ),
    ).toBe('upstream_content_policy');
    expect(means(403, { error: { code: 403, message: 'Key limit exceeded' } }, openRouter)).toBe('upstream_forbidden');
  });
});
