import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'bun:test';
import Anthropic from '@anthropic-ai/sdk';
import OpenAI from 'openai';
import { readBooks, recompute } from '../support/books.ts';
import { messageStream } from '../support/claude.ts';
import { FORGIVING, RunningGateway } from '../support/gateway.ts';
import {
  chunk,
  DONE,
  type Received,
  readFrames,
  ScriptedUpstream,
  stream,
  usageChunk,
  whole,
} from '../support/upstream.ts';

/** Answers that break off in the middle, and the hosts that go on with them. */

type Json = Record<string, any>;

/** 600 tokens, every one of them another word, so that a missing one and a repeated one show. */
const TOKENS = 600;
const WORDS = Array.from(
  { length: TOKENS },
  (_, index) => `${index === 0 ? '' : ' '}word${index}${index % 20 === 19 ? '.\n' : ''}`,
);
const TEXT = WORDS.join('');

const breaking = new ScriptedUpstream();
const going = new ScriptedUpstream();
let gateway: RunningGateway;

/** How hosts want to be told of a begun answer. */
const MANNERS: Record<string, Json> = {
  plain: { quirks: ['plain-prefill', 'usage-opt-in'] },
  echo: { quirks: ['prefix-prefill'] },
  partial: { quirks: ['partial-prefill'] },
  final: { quirks: ['final-message-prefill'] },
  claude: { dialect: 'anthropic-messages', quirks: ['plain-prefill'] },
  none: {},
};
const model = (manner: string): string => `lab/${manner}`;

beforeAll(async () => {
  const row = (manner: string, prompt: string): Json => ({
    model: model(manner),
    upstream_model: manner,
    context_length: 100_000,
    max_completion_tokens: 10_000,
    pricing: { prompt, completion: '0.000002' },
  });
  gateway = await RunningGateway.start({
    config: JSON.stringify({
      providers: {
        // Cheaper by far, and asked first.
        breaking: {
          name: 'Breaking',
          base_url: breaking.base,
          endpoints: Object.keys(MANNERS).map((manner) => row(manner, '0.000001')),
        },
        ...Object.fromEntries(
          Object.entries(MANNERS).map(([manner, more]) => [
            manner,
            { name: `By ${manner}`, base_url: going.base, ...more, endpoints: [row(manner, '0.000003')] },
          ]),
        ),
      },
      // A host that always breaks off is asked all the same.
      limits: { stream_idle_ms_max: 300, ...FORGIVING },
      credits: { mode: 'prepaid', initial_usd: 1000 },
    }),
  });
});
afterAll(async () => {
  await gateway.terminate();
  const books = readBooks(gateway.home);
  expect(books.breaches).toEqual([]);
  expect([books.open, books.held]).toEqual([0, 0n]);
  gateway.clean();
  await breaking.stop();
  await going.stop();
});

const frames = (words: readonly string[]): readonly string[] => words.map((content) => chunk({ content }));
/** The first tokens, and then the end of the world. */
const breaksAfter =
  (tokens: number, how: readonly (string | 'hang')[] = [], words = WORDS) =>
  (): Response =>
    stream(chunk({ role: 'assistant', content: '' }), ...frames(words.slice(0, tokens)), ...how);

const USAGE = { prompt_tokens: 100, completion_tokens: 50, total_tokens: 150 };
/** What was begun for the host: the text of the last message. */
function begunIn({ body }: Received): string {
  const last = (body.messages as Json[]).at(-1) as Json;
  expect(last.role).toBe('assistant');
  return typeof last.content === 'string' ? last.content : last.content.map(({ text }: Json) => text).join('');
}
/** Goes on from whatever was begun, as the model would. */
function goesOn(received: Received, text = TEXT): Response {
  const begun = begunIn(received);
  expect(text.startsWith(begun)).toBe(true);
  const rest = text.slice(begun.length);
  const pieces = rest.match(/.{1,7}/gs) ?? [];
  if (received.path.endsWith('/messages'))
    return messageStream([{ type: 'text', text: rest }], { usage: { input_tokens: 100, output_tokens: 50 } });
  const echo = (received.body.messages as Json[]).at(-1)?.prefix === true ? [begun] : [];
  return stream(
    chunk({ role: 'assistant', content: '' }),
    ...frames([...echo, ...pieces]),
    chunk({}, 'stop'),
    usageChunk(USAGE),
    DONE,
  );
}
beforeEach(() => {
  breaking.reply = breaksAfter(300);
  going.reply = (received) => goesOn(received);
});

const RESUME = { 'x-turnpike-resume': '1' };
const order = { order: ['breaking'] };
const ask = async (body: Json, headers: Record<string, string> = RESUME) => {
  const response = await gateway.post(
    { messages: [{ role: 'user', content: 'Count.' }], stream: true, provider: order, ...body },
    headers,
  );
  const text = await response.text();
  return { status: response.status, text, ...readFrames(text) };
};
const textOf = (data: readonly Json[]): string => data.map(({ choices }) => choices[0]?.delta?.content ?? '').join('');
const record = async (id: string): Promise<Json> => (await gateway.json(`/generation?id=${id}`)).data as Json;

describe('an answer of 600 tokens that breaks off', () => {
  const places = [10, 50, 90];
  const cases = places.flatMap((percent) =>
    Object.keys(MANNERS)
      .filter((manner) => manner !== 'none')
      .map((manner) => [percent, manner] as const),
  );

  test.each(cases)('at %d %% is one text, gone on with by %s, and both attempts are paid', async (percent, manner) => {
    const sent = (TOKENS * percent) / 100;
    breaking.reply = breaksAfter(sent);
    const { data, done, comments } = await ask({ model: model(manner), max_tokens: 5000 });
    expect(textOf(data)).toBe(TEXT);
    expect(done).toBe(true);
    expect(data.filter(({ choices }) => choices[0]?.delta?.role !== undefined).length).toBeGreaterThan(0);
    expect(data.map(({ choices }) => choices[0]?.finish_reason).filter(Boolean)).toEqual(['stop']);
    const at = WORDS.slice(0, sent).join('').length;
    expect(comments).toContain(`: TURNPIKE RESUMED {"at":${at},"from":"Breaking","by":"By ${manner}"}`);

    const id = data[0]?.id as string;
    const { turnpike, provider_responses, provider_name, total_cost, tokens_completion, ...rest } = await record(id);
    expect(provider_responses.map((one: Json) => [one.provider_name, one.status])).toEqual([
      ['Breaking', 200],
      [`By ${manner}`, 200],
    ]);
    expect(provider_name).toBe(`By ${manner}`);
    // The first part was never counted by its host, the second was.
    expect(turnpike.parts.map((part: Json) => [part.endpoint, part.broke_at, part.estimated])).toEqual([
      [`breaking/${model(manner)}`, at, true],
      [`${manner}/${model(manner)}`, null, false],
    ]);
    const [first, second] = turnpike.parts as [Json, Json];
    expect(second.counts).toEqual({ input: 100, output: 50 });
    expect(first.counts.output).toBeGreaterThan(sent);
    expect(tokens_completion).toBe(first.counts.output + 50);
    expect(rest.tokens_prompt).toBe(first.counts.input + 100);
    // Each has its own lines at its own prices, and together they are the charge.
    const line = (unit: string, quantity: number, price: string, endpoint: string) => ({
      unit,
      quantity,
      usd_pico_per_unit: price,
      endpoint,
    });
    expect(turnpike.receipt).toEqual([
      line('input', first.counts.input, '1000000', first.endpoint),
      line('output', first.counts.output, '2000000', first.endpoint),
      line('input', 100, '3000000', second.endpoint),
      line('output', 50, '2000000', second.endpoint),
    ]);
    const pico = turnpike.receipt.reduce(
      (sum: number, one: Json) => sum + one.quantity * Number(one.usd_pico_per_unit),
      0,
    );
    expect(total_cost).toBeCloseTo(pico / 1e12, 12);
    const { usage } = data.findLast((one) => one.usage) as Json;
    expect([usage.prompt_tokens, usage.completion_tokens]).toEqual([rest.tokens_prompt, tokens_completion]);
    expect(usage.cost).toBeCloseTo(total_cost, 12);
    // The host that goes on has as much room as is left.
    expect(going.last.body.max_tokens).toBe(5000 - first.counts.output);
    const { generations } = readBooks(gateway.home);
    const booked = generations.get(id);
    expect(booked?.charge).toBe(recompute(booked?.document ?? null));
  });

  const interrupted = [
    ['by the end of its body', []],
    ['by silence', ['hang']],
    ['by an error of its own', [`data: ${JSON.stringify({ error: { message: 'overloaded', code: 503 } })}\n\n`]],
  ] as const;
  test.each(interrupted)('%s goes on as well', async (_name, how) => {
    breaking.reply = breaksAfter(200, how);
    const { data, done } = await ask({ model: model('plain') });
    expect([textOf(data), done]).toEqual([TEXT, true]);
  });

  test('goes on for clients of other wires, in the block that is open', async () => {
    const client = new Anthropic({ baseURL: `${gateway.url}/api`, authToken: gateway.key, apiKey: null });
    const message = await client.messages
      .stream(
        {
          model: model('plain'),
          max_tokens: 5000,
          messages: [{ role: 'user', content: 'Count.' }],
          ...({ provider: order } as object),
        },
        { headers: RESUME },
      )
      .finalMessage();
    expect(message.content.map(({ type }) => type)).toEqual(['text']);
    expect(message.content[0]).toMatchObject({ text: TEXT });
    expect(message.stop_reason).toBe('end_turn');

    const openai = new OpenAI({ baseURL: gateway.api, apiKey: gateway.key, maxRetries: 0 });
    const response = await openai.responses
      .stream({ model: model('plain'), input: 'Count.', ...({ provider: order } as object) }, { headers: RESUME })
      .finalResponse();
    expect(response.output_text).toBe(TEXT);
    expect(response.output.filter(({ type }) => type === 'message').length).toBe(1);
  });

  test('says in its metadata where it broke off and who went on', async () => {
    const { data } = await ask({ model: model('plain') }, { ...RESUME, 'x-openrouter-metadata': 'enabled' });
    const { openrouter_metadata: metadata } = data.findLast((one) => one.openrouter_metadata) as Json;
    const at = WORDS.slice(0, 300).join('').length;
    expect(metadata.turnpike.resumed).toEqual([{ at, from: 'Breaking', by: 'By plain' }]);
    expect(metadata.attempts.map(({ provider }: Json) => provider)).toEqual(['Breaking', 'By plain']);
    expect(metadata.summary).toContain('selected=By plain');
  });

  test('goes on from the beginning that the caller gave it', async () => {
    going.reply = (received) => goesOn(received, `So: ${TEXT}`);
    const messages = [
      { role: 'user', content: 'Count.' },
      { role: 'assistant', content: 'So: ' },
    ];
    const { data } = await ask({ model: model('plain'), messages });
    expect(textOf(data)).toBe(TEXT);
    expect(going.last.body.messages).toHaveLength(2);
  });

  test('has no word twice where the host that goes on says its last sentence again', async () => {
    breaking.reply = breaksAfter(305);
    going.reply = (received) => {
      const begun = begunIn(received);
      const from = TEXT.lastIndexOf('\n', begun.length) + 1;
      const pieces = TEXT.slice(from).match(/.{1,5}/gs) ?? [];
      return stream(...frames(pieces), chunk({}, 'stop'), usageChunk(USAGE), DONE);
    };
    const { data } = await ask({ model: model('plain') });
    expect(textOf(data)).toBe(TEXT);
  });
});

describe('what does not go on', () => {
  const fails = async (body: Json, headers?: Record<string, string>): Promise<void> => {
    const asked = going.received.length;
    const { data, done, comments } = await ask(body, headers);
    const last = data.at(-1) as Json;
    expect(last.error ?? last.choices[0].error).toBeDefined();
    expect(done).toBe(true);
    expect(comments.filter((one) => one.includes('RESUMED'))).toEqual([]);
    expect(going.received.length).toBe(asked);
    const { turnpike, total_cost } = await record(data[0]?.id);
    expect([total_cost, turnpike.state]).toEqual([0, 'voided']);
  };

  test('an answer of a caller that did not ask for it', async () => {
    await fails({ model: model('plain') }, {});
    await fails({ model: model('plain') }, { 'x-turnpike-resume': '0' });
  });

  test('an answer whose other hosts are not known to go on', () => fails({ model: model('none') }));

  test('an answer that has to have a form', () =>
    fails({ model: model('plain'), response_format: { type: 'json_object' } }));

  test('a call of a tool', async () => {
    const tools = [{ type: 'function', function: { name: 'f', parameters: { type: 'object' } } }];
    breaking.reply = () =>
      stream(
        chunk({ content: 'I will call.' }),
        chunk({ tool_calls: [{ index: 0, id: 'c', type: 'function', function: { name: 'f', arguments: '{"a' } }] }),
      );
    await fails({ model: model('plain'), tools });
  });

  test('an answer that broke off before its text', async () => {
    breaking.reply = () => stream(chunk({ reasoning_content: 'Hm.', reasoning: 'Hm.' }));
    await fails({ model: model('plain') });
  });

  test('an answer that breaks off for the second time, which is free as any other', async () => {
    going.reply = (received) => {
      const begun = begunIn(received);
      return stream(...frames([TEXT.slice(begun.length, begun.length + 100)]));
    };
    const { data } = await ask({ model: model('plain') });
    expect(TEXT.startsWith(textOf(data))).toBe(true);
    const { turnpike, total_cost } = await record(data[0]?.id);
    expect([total_cost, turnpike.state, turnpike.error]).toEqual([0, 'voided', 'upstream_interrupted']);
    expect(turnpike.receipt.map(({ endpoint }: Json) => endpoint)).toEqual([
      'breaking/lab/plain',
      'breaking/lab/plain',
      'plain/lab/plain',
      'plain/lab/plain',
    ]);
  });

  test('an answer whose other host refuses: the caller is told how its own broke off', async () => {
    going.reply = () => Response.json({ error: { message: 'no' } }, { status: 500 });
    const { data } = await ask({ model: model('plain') });
    const last = data.at(-1) as Json;
    expect((last.error ?? last.choices[0].error).metadata?.error_type ?? last.error?.code).toBeDefined();
    const { turnpike, provider_responses } = await record(data[0]?.id);
    expect(turnpike.error).toBe('upstream_interrupted');
    expect(provider_responses.map((one: Json) => one.status)).toEqual([200, 500]);
  });

  test('anything on a header that says neither yes nor no', async () => {
    const response = await gateway.post({ model: model('plain'), messages: [] }, { 'x-turnpike-resume': 'maybe' });
    expect(response.status).toBe(400);
    expect(((await response.json()) as Json).error.message).toBe('X-Turnpike-Resume: must be 1 or 0');
  });
});

describe('who leaves', () => {
  test('while the second host answers pays for what both did', async () => {
    going.reply = (received) =>
      stream(...frames([TEXT.slice(begunIn(received).length, begunIn(received).length + 50)]), 'hang');
    const leave = new AbortController();
    const response = await gateway.post(
      { model: model('plain'), messages: [{ role: 'user', content: 'Count.' }], stream: true, provider: order },
      RESUME,
      leave.signal,
    );
    const reader = (response.body as ReadableStream<Uint8Array>).getReader();
    const decoder = new TextDecoder();
    let text = '';
    while (!text.includes('RESUMED') || !text.split('RESUMED')[1]?.includes('word')) {
      const { done, value } = await reader.read();
      if (done) throw new Error(`it ended: ${text}`);
      text += decoder.decode(value, { stream: true });
    }
    leave.abort();
    const id = /"id":"([^"]+)"/.exec(text)?.[1] ?? '';
    let found = await gateway.get(`/generation?id=${id}`);
    while (found.status === 404) {
      await Bun.sleep(10);
      found = await gateway.get(`/generation?id=${id}`);
    }
    const { data } = (await found.json()) as Json;
    expect(data.cancelled).toBe(true);
    expect(data.turnpike.parts).toHaveLength(2);
    expect(data.total_cost).toBeGreaterThan(0);
  });
});

test('what is not streamed begins anew elsewhere, as ever', async () => {
  breaking.reply = () => new Response('{"choices":[', { headers: { 'content-type': 'application/json' } });
  going.reply = () => whole('All of it.');
  const response = await gateway.post(
    { model: model('plain'), messages: [{ role: 'user', content: 'Count.' }], provider: order },
    RESUME,
  );
  expect(((await response.json()) as Json).choices[0].message.content).toBe('All of it.');
});
