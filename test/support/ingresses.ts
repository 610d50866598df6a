import { runMachine } from '../../src/canon/grammar.ts';
import { NDJSON } from '../../src/streams/framing.ts';
import { SseDecoder } from '../../src/streams/sse.ts';

/** The wires that clients speak, each with the same questions in its own words and the same answer read out of it. */

type Json = Record<string, any>;

/** What was asked, whatever the wire. */
export interface Question {
  readonly text: string;
  readonly stream: boolean;
  /** A tool, and whether it must be called. */
  readonly tool?: 'offered' | 'forced';
  readonly schema?: Json;
  readonly budget?: number;
}

/** What was answered, whatever the wire. */
export interface Answer {
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

export interface Ingress {
  /** What the wire has no word for. */
  readonly lacks?: readonly ('tools' | 'schema' | 'thoughts')[];
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

export const INGRESS: Record<string, Ingress> = {
  'openai-chat': {
    route: () => '/api/v1/chat/completions',
    body: ({ text, tool, schema, budget }) => ({
      messages: [{ role: 'user', content: text }],
      ...(tool && {
        tools: [{ type: 'function', function: { name: 'get_weather', parameters } }],
        ...(tool === 'forced' && { tool_choice: 'required' }),
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
  'openai-completions': {
    lacks: ['tools', 'schema', 'thoughts'],
    route: () => '/api/v1/completions',
    body: ({ text }) => ({ prompt: text }),
    whole: (body) => completionAnswer([body]),
    stream: (text) => {
      const answer = completionAnswer(framesOf(text));
      return { ...answer, clean: answer.clean && text.trimEnd().endsWith('data: [DONE]') };
    },
  },
  'openai-responses': {
    route: () => '/api/v1/responses',
    body: ({ text, tool, schema, budget }) => ({
      input: text,
      max_tokens: undefined,
      max_output_tokens: 3000,
      ...(tool && { tools: [{ type: 'function', name: 'get_weather', parameters }] }),
      ...(tool === 'forced' && { tool_choice: 'required' }),
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
        ...(tool === 'forced' && { toolConfig: { functionCallingConfig: { mode: 'ANY' } } }),
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
      ...(tool && { tools: [{ name: 'get_weather', input_schema: parameters }] }),
      ...(tool === 'forced' && { tool_choice: { type: 'any' } }),
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

function completionAnswer(frames: readonly Json[]): Omit<Answer, 'status'> {
  const usage = frames.find((frame) => frame.usage)?.usage;
  const error = frames.find((frame) => frame.error)?.error;
  return {
    ...NOTHING,
    text: frames.map(({ choices }) => choices?.[0]?.text ?? '').join(''),
    tokens: [usage?.prompt_tokens ?? 0, usage?.completion_tokens ?? 0],
    cost: usage?.cost,
    provider: frames[0]?.provider,
    clean: frames.some(({ choices }) => choices?.[0]?.finish_reason) && !error,
    error,
  };
}

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
