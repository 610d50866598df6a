import { afterAll, afterEach, beforeAll, describe, expect, test } from 'bun:test';
import { runMachine } from '../../src/canon/grammar.ts';
import { FAULT_IDS, faultRow } from '../../src/sandbox/faults.ts';
import { NDJSON } from '../../src/streams/framing.ts';
import { SseDecoder } from '../../src/streams/sse.ts';
import { IMPATIENT, RunningGateway } from '../support/gateway.ts';

/** L6: every wire that clients speak, over every wire that hosts speak; and from a host of one wire to a host of another. */

type Json = Record<string, any>;

let gateway: RunningGateway;
/** Waits for nobody long: for hosts that fail. */
let impatient: RunningGateway;
beforeAll(async () => {
  [gateway, impatient] = await Promise.all([RunningGateway.start(), RunningGateway.start({ config: IMPATIENT })]);
});
afterAll(() => Promise.all([gateway.stop(), impatient.stop()]));
afterEach(() => impatient.clearFaults());

/** What was asked, whatever the wire. */
interface Question {
  readonly text: string;
  readonly stream: boolean;
  readonly tool?: boolean;
  readonly schema?: Json;
  readonly budget?: number;
}

/** What was answered, whatever the wire. */
interface Answer {
  readonly status: number;
  readonly text: string;
  readonly thought: string;
  readonly call: { readonly name: string; readonly input: Json } | undefined;
  readonly tokens: readonly [number, number];
  readonly cost: number | undefined;
  readonly provider: string | undefined;
  /** Complete by the wire's own word. */
  readonly clean: boolean;
  readonly error: Json | undefined;
}

interface Ingress {
  readonly route: (model: string, stream: boolean) => string;
  body(question: Question): Json;
  whole(body: Json): Omit<Answer, 'status'>;
  stream(text: string): Omit<Answer, 'status'>;
}

/** The JSON of every frame. */
const framesOf = (text: string): readonly Json[] =>
  runMachine(new SseDecoder(), [new TextEncoder().encode(text)]).flatMap(({ data }) =>
    data === '[DONE]' ? [] : [JSON.parse(data) as Json],
  );

const parameters = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] };

const chatMessage = (message: Json): Pick<Answer, 'text' | 'thought' | 'call'> => {
  const call = message.tool_calls?.[0]?.function;
  return {
    text: message.content ?? '',
    thought: message.reasoning ?? '',
    call: call && { name: call.name, input: JSON.parse(call.arguments) },
  };
};

const NOTHING: Omit<Answer, 'status'> = {
  text: '',
  thought: '',
  call: undefined,
  tokens: [0, 0],
  cost: undefined,
  provider: undefined,
  clean: false,
  error: undefined,
};

const INGRESS: Record<string, Ingress> = {
  'openai-chat': {
    route: () => '/api/v1/chat/completions',
    body: ({ text, tool, schema, budget }) => ({
      messages: [{ role: 'user', content: text }],
      ...(tool && {
        tools: [{ type: 'function', function: { name: 'get_weather', parameters } }],
        tool_choice: 'required',
      }),
      ...(schema && { response_format: { type: 'json_schema', json_schema: { name: 'out', schema } } }),
      ...(budget !== undefined && { reasoning: { max_tokens: budget } }),
    }),
    whole: ({ choices, usage, provider, error }) => ({
      ...NOTHING,
      ...(choices && chatMessage(choices[0].message)),
      tokens: [usage?.prompt_tokens ?? 0, usage?.completion_tokens ?? 0],
      cost: usage?.cost,
      provider,
      clean: choices !== undefined && error === undefined && choices[0].finish_reason !== 'error',
      error,
    }),
    stream: (text) => {
      const frames = framesOf(text);
      const deltas = frames.flatMap(({ choices }) => choices?.[0]?.delta ?? []);
      const calls = deltas.flatMap(({ tool_calls }) => tool_calls ?? []);
      const args = calls.map((call: Json) => call.function.arguments ?? '').join('');
      const usage = frames.find((frame) => frame.usage)?.usage;
      const error = frames.find((frame) => frame.error)?.error;
      return {
        text: deltas.map(({ content }) => content ?? '').join(''),
        thought: deltas.map(({ reasoning }) => reasoning ?? '').join(''),
        call: calls[0] && { name: calls[0].function.name, input: error ? {} : JSON.parse(args) },
        tokens: [usage?.prompt_tokens ?? 0, usage?.completion_tokens ?? 0],
        cost: usage?.cost,
        provider: frames[0]?.provider,
        clean: !error && text.trimEnd().endsWith('data: [DONE]'),
        error,
      };
    },
  },
  'openai-responses': {
    route: () => '/api/v1/responses',
    body: ({ text, tool, schema, budget }) => ({
      input: text,
      max_tokens: undefined,
      max_output_tokens: 3000,
      ...(tool && { tools: [{ type: 'function', name: 'get_weather', parameters }], tool_choice: 'required' }),
      ...(schema && { text: { format: { type: 'json_schema', name: 'out', schema } } }),
      ...(budget !== undefined && { reasoning: { max_tokens: budget } }),
    }),
    whole: responseAnswer,
    stream: (text) => {
      const frames = framesOf(text);
      const said = frames.flatMap(({ type, delta }) => (type === 'response.output_text.delta' ? delta : []));
      const answer = responseAnswer(lastResponse(frames));
      const last = text.trimEnd().endsWith('data: [DONE]');
      const inOrder = frames.every(({ sequence_number }, index) => sequence_number === index);
      return { ...answer, text: said.join(''), clean: answer.clean && last && inOrder };
    },
  },
  'gemini-generate': {
    route: (model, stream) => `/v1beta/models/${model}:${stream ? 'streamGenerateContent?alt=sse' : 'generateContent'}`,
    body: ({ text, tool, schema, budget }) => ({
      model: undefined,
      stream: undefined,
      max_tokens: undefined,
      contents: [{ role: 'user', parts: [{ text }] }],
      ...(tool && {
        tools: [{ functionDeclarations: [{ name: 'get_weather', parametersJsonSchema: parameters }] }],
        toolConfig: { functionCallingConfig: { mode: 'ANY' } },
      }),
      generationConfig: {
        maxOutputTokens: 3000,
        ...(schema && { responseMimeType: 'application/json', responseJsonSchema: schema }),
        ...(budget !== undefined && { thinkingConfig: { includeThoughts: true, thinkingBudget: budget } }),
      },
    }),
    whole: (body) => geminiAnswer([body]),
    stream: (text) => geminiAnswer(framesOf(text)),
  },
  'ollama-chat': {
    route: () => '/api/chat',
    body: ({ text, tool, schema, budget }) => ({
      max_tokens: undefined,
      messages: [{ role: 'user', content: text }],
      options: { num_predict: 3000 },
      ...(tool && { tools: [{ type: 'function', function: { name: 'get_weather', parameters } }] }),
      ...(schema && { format: schema }),
      ...(budget !== undefined && { think: true }),
    }),
    whole: (body) => ollamaAnswer([body]),
    stream: (text) =>
      ollamaAnswer(
        runMachine(NDJSON.decoder(), [new TextEncoder().encode(text)]).map(({ data }) => JSON.parse(data) as Json),
      ),
  },
  'anthropic-messages': {
    route: () => '/api/v1/messages',
    body: ({ text, tool, schema, budget }) => ({
      messages: [{ role: 'user', content: text }],
      ...(tool && { tools: [{ name: 'get_weather', input_schema: parameters }], tool_choice: { type: 'any' } }),
      ...(schema && { output_config: { format: { type: 'json_schema', schema } } }),
      ...(budget !== undefined && { thinking: { type: 'enabled', budget_tokens: budget } }),
    }),
    whole: ({ content, usage, provider, error }) => ({
      ...NOTHING,
      ...(content && anthropicContent(content)),
      tokens: [usage?.input_tokens ?? 0, usage?.output_tokens ?? 0],
      cost: usage?.cost,
      provider,
      clean: content !== undefined,
      error,
    }),
    stream: (text) => {
      const frames = framesOf(text);
      const blocks: Json[] = [];
      for (const { type, content_block, delta } of frames) {
        if (type === 'content_block_start') blocks.push({ ...content_block, json: '' });
        if (type !== 'content_block_delta') continue;
        const block = blocks.at(-1) as Json;
        if (delta.type === 'text_delta') block.text += delta.text;
        if (delta.type === 'thinking_delta') block.thinking += delta.thinking;
        if (delta.type === 'input_json_delta') block.json += delta.partial_json;
      }
      const error = frames.find(({ type }) => type === 'error')?.error;
      for (const block of blocks) if (block.type === 'tool_use' && !error) block.input = JSON.parse(block.json);
      const usage = frames.find(({ type }) => type === 'message_delta')?.usage;
      return {
        ...NOTHING,
        ...anthropicContent(blocks),
        tokens: [usage?.input_tokens ?? 0, usage?.output_tokens ?? 0],
        cost: usage?.cost,
        provider: frames[0]?.message?.provider,
        clean: frames.at(-1)?.type === 'message_stop' && !error,
        error,
      };
    },
  },
};

/** Lines add to each other, and a whole answer is one line. */
function ollamaAnswer(lines: readonly Json[]): Omit<Answer, 'status'> {
  const call = lines.flatMap(({ message }) => message?.tool_calls ?? [])[0]?.function;
  const last = lines.at(-1) ?? {};
  return {
    text: lines.map(({ message }) => message?.content ?? '').join(''),
    thought: lines.map(({ message }) => message?.thinking ?? '').join(''),
    call: call && { name: call.name, input: call.arguments },
    tokens: [last.prompt_eval_count ?? 0, last.eval_count ?? 0],
    cost: last.cost,
    provider: last.provider,
    clean: last.done === true,
    error: last.error === undefined ? undefined : { message: last.error },
  };
}

const lastResponse = (frames: readonly Json[]): Json =>
  frames.findLast(({ type }) => /^response\.(completed|incomplete|failed)$/.test(type))?.response ?? {};

function responseAnswer({ output, usage, provider, error, status }: Json): Omit<Answer, 'status'> {
  const items = (output ?? []) as readonly Json[];
  const parts = items.flatMap(({ type, content }) => (type === 'message' ? content : []));
  const call = items.find(({ type }) => type === 'function_call');
  return {
    text: parts.map((part: Json) => part.text ?? '').join(''),
    thought: items
      .flatMap(({ type, content, summary }) => (type === 'reasoning' ? [...(content ?? []), ...summary] : []))
      .map((part: Json) => part.text)
      .join(''),
    call: call && { name: call.name, input: JSON.parse(call.arguments) },
    tokens: [usage?.input_tokens ?? 0, usage?.output_tokens ?? 0],
    cost: usage?.cost,
    provider,
    clean: status === 'completed' || status === 'incomplete',
    error: error ?? undefined,
  };
}

function geminiAnswer(chunks: readonly Json[]): Omit<Answer, 'status'> {
  const parts = chunks.flatMap(({ candidates }) => candidates?.[0]?.content?.parts ?? []) as readonly Json[];
  const call = parts.find(({ functionCall }) => functionCall)?.functionCall;
  const said = (thought: boolean): string =>
    parts.map((part) => (Boolean(part.thought) === thought ? (part.text ?? '') : '')).join('');
  const usage = chunks.findLast(({ usageMetadata }) => usageMetadata)?.usageMetadata;
  const error = chunks.find((chunk) => chunk.error)?.error;
  return {
    text: said(false),
    thought: said(true),
    call: call && { name: call.name, input: call.args },
    tokens: [usage?.promptTokenCount ?? 0, (usage?.candidatesTokenCount ?? 0) + (usage?.thoughtsTokenCount ?? 0)],
    cost: usage?.cost,
    provider: chunks[0]?.provider,
    clean: chunks.at(-1)?.candidates?.[0]?.finishReason !== undefined && !error,
    error,
  };
}

function anthropicContent(content: readonly Json[]): Pick<Answer, 'text' | 'thought' | 'call'> {
  const call = content.find(({ type }) => type === 'tool_use');
  const all = (type: string, member: string): string =>
    content.map((block) => (block.type === type ? block[member] : '')).join('');
  return {
    text: all('text', 'text'),
    thought: all('thinking', 'thinking'),
    call: call && { name: call.name, input: call.input },
  };
}

async function ask(
  ingress: Ingress,
  model: string,
  order: readonly string[],
  question: Question,
  asked = gateway,
): Promise<Answer> {
  const body = {
    model,
    stream: question.stream,
    max_tokens: 3000,
    ...ingress.body(question),
    provider: order.length === 1 ? { only: order } : { order },
  };
  const response = await fetch(`${asked.url}${ingress.route(model, question.stream)}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${asked.key}` },
    body: JSON.stringify(body),
  });
  const text = await response.text();
  const streamed = !response.headers.get('content-type')?.startsWith('application/json');
  const answer = streamed ? ingress.stream(text) : ingress.whole(JSON.parse(text) as Json);
  return { status: response.status, ...answer };
}

const CLAUDE = 'anthropic/claude-opus-4.6';
const GEMINI = 'google/gemini-2.5-flash';
/** A model that does not think. */
const COMMAND = 'cohere/command-r-plus-08-2024';
/** A host for each wire and each way to speak it. */
const HOSTS: readonly (readonly [host: string, name: string, model: string])[] = [
  ['anthropic', 'Anthropic', CLAUDE],
  ['openrouter', 'OpenRouter', CLAUDE],
  ['google-ai-studio', 'Google AI Studio', GEMINI],
  ['mistral', 'Mistral AI Studio', 'mistralai/mistral-small-2603'],
  ['nvidia', 'NVIDIA NIM', 'mistralai/mistral-small-2603'],
  ['amazon-bedrock', 'Amazon Bedrock', CLAUDE],
  ['cohere', 'Cohere', COMMAND],
];

for (const [id, ingress] of Object.entries(INGRESS)) {
  for (const [host, name, model] of HOSTS) {
    describe(`${id} over ${host}`, () => {
      for (const stream of [false, true]) {
        const how = stream ? 'streamed' : 'whole';
        test(`${how}: text, counts and cost`, async () => {
          const answer = await ask(ingress, model, [host], { text: 'Tell me about the Rhine', stream });
          expect(answer).toMatchObject({ status: 200, clean: true, provider: name, error: undefined });
          expect(answer.text).toContain('Rhine');
          expect(answer.tokens.every((count) => count > 5)).toBe(true);
          expect(answer.cost).toBeGreaterThanOrEqual(0);
        });

        test(`${how}: a tool call with its arguments`, async () => {
          const answer = await ask(ingress, model, [host], { text: 'The weather in Basel?', stream, tool: true });
          expect(answer.clean).toBe(true);
          expect(answer.call?.name).toBe('get_weather');
          expect(typeof answer.call?.input.city).toBe('string');
        });

        test(`${how}: JSON after a schema`, async () => {
          const schema = {
            type: 'object',
            properties: { year: { type: 'integer' }, town: { enum: ['Basel', 'Bern'] } },
            required: ['year', 'town'],
            additionalProperties: false,
          };
          const answer = await ask(ingress, model, [host], { text: 'When and where?', stream, schema });
          const out = JSON.parse(answer.text) as Json;
          expect(Number.isInteger(out.year)).toBe(true);
          expect(['Basel', 'Bern']).toContain(out.town);
        });

        if (model === COMMAND) continue;
        test(`${how}: thoughts apart from the text`, async () => {
          const answer = await ask(ingress, model, [host], { text: 'Tell me about the Rhine', stream, budget: 2000 });
          expect(answer.thought.length).toBeGreaterThan(10);
          expect(answer.text).toContain('Rhine');
          expect(answer.text).not.toContain(answer.thought);
        });
      }
    });
  }
}

for (const [id, ingress] of Object.entries(INGRESS)) {
  const question = (stream: boolean): Question => ({ text: 'Tell me about the Rhine', stream });
  for (const [first, second, name, model] of [
    ['anthropic', 'openrouter', 'OpenRouter', CLAUDE],
    ['openrouter', 'anthropic', 'Anthropic', CLAUDE],
    ['google-ai-studio', 'openrouter', 'OpenRouter', GEMINI],
  ] as const) {
    describe(`${id}: from ${first} to ${second}`, () => {
      for (const fault of FAULT_IDS) {
        const { next } = faultRow(fault);
        if (next === 'another host')
          test(`${fault} before content is nobody’s business but ours`, async () => {
            await impatient.fault(first, { fault });
            for (const stream of [false, true]) {
              const answer = await ask(ingress, model, [first, second], question(stream), impatient);
              expect(answer).toMatchObject({ status: 200, clean: true, provider: name });
              expect(answer.text).toContain('Rhine');
            }
          });
        if (next === 'in-band error')
          test(`${fault} in the middle is an error of the client’s own wire, never a clean end`, async () => {
            await impatient.fault(first, { fault });
            const answer = await ask(ingress, model, [first, second], question(true), impatient);
            expect(answer).toMatchObject({ status: 200, clean: false });
            expect(answer.text).not.toBe('');
            expect(answer.error?.message).toMatch(/\w/);
          });
        if (next === 'back at once')
          test(`${fault} comes back at once`, async () => {
            await impatient.fault(first, { fault });
            const answer = await ask(ingress, model, [first, second], question(true), impatient);
            expect(answer.status).toBe(faultRow(fault).status as number);
            expect(answer.error?.message).toContain(faultRow(fault).message as string);
          });
      }
    });
  }
}

describe('what cannot be told', () => {
  const asked = { messages: [{ role: 'user', content: 'Hi' }], max_tokens: 50, seed: 7, model: CLAUDE };
  const only = (...hosts: string[]): Json => ({ provider: { only: hosts } });

  test('is named on the answer, and in its metadata', async () => {
    const response = await gateway.post({ ...asked, ...only('anthropic') }, { 'x-openrouter-metadata': 'enabled' });
    expect(response.headers.get('x-turnpike-dropped')).toBe('/seed;unsupported');
    const { openrouter_metadata } = (await response.json()) as Json;
    expect(openrouter_metadata.turnpike.dropped).toEqual([{ pointer: '/seed', reason: 'unsupported' }]);
  });

  test('is refused where the caller wants all of it told, before anybody is asked', async () => {
    const body = only('anthropic');
    for (const response of [
      await gateway.post({ ...asked, ...body }, { 'x-turnpike-strict': '1' }),
      await gateway.post({ ...asked, provider: { ...body.provider, require_exact: true } }),
    ]) {
      expect(response.status).toBe(400);
      const { error } = (await response.json()) as Json;
      expect(error.message).toContain('/seed');
      expect(error.metadata.issues).toEqual([{ path: '/seed', message: 'Anthropic: unsupported' }]);
    }
  });

  test('passes over the hosts that cannot be told it', async () => {
    const mistral = { ...asked, model: 'mistralai/mistral-small-2603', logit_bias: { 12: 1 } };
    const provider = { order: ['mistral', 'openrouter'], require_exact: true };
    const { provider: served } = (await (await gateway.post({ ...mistral, provider })).json()) as Json;
    expect(served).not.toBe('Mistral AI Studio');
  });
});
