import { describe, expect, it } from 'bun:test';
import fc from 'fast-check';
import { WIRE_HOSTS } from '../../test/support/every-wire.ts';
import { ALL_PARAMETERS } from '../canon/parameters.ts';
import type { Target } from '../canon/target.ts';
import type { Dialect } from './dialect.ts';
import { DIALECTS, SERVED } from './registry.ts';
import { wholeBody } from './short-way.ts';

/** Whatever a client says on one wire is told to a host of any wire, or named as dropped: field by field, and many at once. */

type Json = Record<string, any>;

/** A valid field, how it is said on its wire, what is seen of it upstream, and which pointers name it where it is not. */
interface Field {
  readonly name: string;
  readonly say: (body: Json) => void;
  readonly seen: RegExp;
  readonly named: RegExp;
}

const field = (name: string, seen: RegExp, named: RegExp, say: (body: Json) => void): Field => ({
  name,
  seen,
  named,
  say,
});
/** A plain field at the top, whose value is seen as it is. */
const plain = (name: string, value: unknown, seen: RegExp, named = new RegExp(`/${name}`)): Field =>
  field(name, seen, named, (body) => {
    body[name] = value;
  });

const user = (body: Json): Json[] => body.messages.at(-1).content;
const schema = { type: 'object', properties: { SEEN_PROPERTY: { type: 'string' } }, required: ['SEEN_PROPERTY'] };
const png = 'data:image/png;base64,SEENPICTURE0';

/** The one tool, which several fields are about. */
function toolOf(body: Json): Json {
  body.tools ??= [{ type: 'function', function: { name: 'SEEN_TOOL', parameters: { type: 'object' } } }];
  return body.tools[0];
}

const CHAT: readonly Field[] = [
  plain('temperature', 0.123, /0\.123/),
  plain('top_p', 0.456, /0\.456/),
  plain('top_k', 37, /:37\b/),
  plain('min_p', 0.0789, /0\.0789/),
  plain('top_a', 0.0987, /0\.0987/),
  plain('frequency_penalty', 0.321, /0\.321/),
  plain('presence_penalty', 0.654, /0\.654/),
  plain('repetition_penalty', 1.234, /1\.234/),
  plain('seed', 424_242, /424242/),
  plain('stop', ['SEEN_STOP'], /SEEN_STOP/),
  plain('logit_bias', { 4711: 7 }, /4711/),
  field('logprobs', /logprobs"?:(true|3|1)|responseLogprobs/i, /logprobs/, (body) => {
    body.logprobs = true;
    body.top_logprobs = 3;
  }),
  plain('prediction', { type: 'content', content: 'SEEN_PREDICTION' }, /SEEN_PREDICTION/),
  plain('max_tokens', 1234, /:1234\b/),
  plain('verbosity', 'low', /"low"/),
  plain('user', 'SEEN_USER', /SEEN_USER/),
  plain('metadata', { team: 'SEEN_TEAM' }, /SEEN_TEAM/),
  plain('prompt_cache_key', 'SEEN_CACHE_KEY', /SEEN_CACHE_KEY/),
  plain('service_tier', 'flex', /flex/),
  plain('safety_identifier', 'SEEN_SAFETY', /SEEN_SAFETY/),
  plain('modalities', ['text', 'image'], /"modalities"|responseModalities/),
  plain('mystery', 'SEEN_MYSTERY', /SEEN_MYSTERY/),
  plain('reasoning', { effort: 'high' }, /"high"|HIGH|"think"|thinking|reasoning/),
  field('response_format', /SEEN_PROPERTY/, /response_format/, (body) => {
    body.response_format = { type: 'json_schema', json_schema: { name: 'out', schema } };
  }),
  field('tools', /SEEN_TOOL/, /\/tools/, (body) => void toolOf(body)),
  field('parallel_tool_calls', /parallel_tool_calls|disable_parallel/, /parallel_tool_calls|\/tools/, (body) => {
    toolOf(body);
    body.parallel_tool_calls = false;
  }),
  field('strict', /strict/, /strict|\/tools/, (body) => {
    toolOf(body).function.strict = true;
  }),
  field('picture', /SEENPICTURE0/, /content\/\d+/, (body) => {
    user(body).push({ type: 'image_url', image_url: { url: png } });
  }),
  field('detail', /"detail":"low"/, /content\/\d+(\/image_url)?(\/detail)?/, (body) => {
    user(body).push({ type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA', detail: 'low' } });
  }),
  field('document', /SEENDOCUMENT/, /content\/\d+/, (body) => {
    user(body).push({
      type: 'file',
      file: { filename: 'a.pdf', file_data: 'data:application/pdf;base64,SEENDOCUMENT' },
    });
  }),
  field('stored file', /SEEN_FILE_ID/, /content\/\d+/, (body) => {
    user(body).push({ type: 'file', file: { file_id: 'SEEN_FILE_ID' } });
  }),
  field('sound', /SEENSOUND000/, /content\/\d+/, (body) => {
    user(body).push({ type: 'input_audio', input_audio: { data: 'SEENSOUND000', format: 'wav' } });
  }),
  field('film', /SEENFILM0000/, /content\/\d+/, (body) => {
    user(body).push({ type: 'video_url', video_url: { url: 'data:video/mp4;base64,SEENFILM0000' } });
  }),
  field('cache mark', /cache_control|cachePoint/, /cache_control/, (body) => {
    user(body).push({ type: 'text', text: 'long', cache_control: { type: 'ephemeral' } });
  }),
  field('name', /SEEN_NAME/, /messages\/\d+\/name/, (body) => {
    body.messages.at(-1).name = 'SEEN_NAME';
  }),
  field('refusal', /SEEN_REFUSAL/, /messages\/\d+/, (body) => {
    body.messages.unshift(
      { role: 'user', content: 'a' },
      { role: 'assistant', content: null, refusal: 'SEEN_REFUSAL' },
    );
  }),
  field('thought', /SEEN_THOUGHT/, /reasoning/, (body) => {
    body.messages.unshift(
      { role: 'user', content: 'a' },
      { role: 'assistant', content: 'b', reasoning: 'SEEN_THOUGHT' },
    );
  }),
  field('sealed thought', /SEEN_SEAL/, /reasoning/, (body) => {
    const reasoning_details = [{ type: 'reasoning.encrypted', data: 'SEEN_SEAL', format: 'other-v1' }];
    body.messages.unshift({ role: 'user', content: 'a' }, { role: 'assistant', content: 'b', reasoning_details });
  }),
  field('result', /SEEN_RESULT/, /messages\/\d+/, (body) => {
    const call = {
      id: 'call_12345',
      type: 'function',
      function: { name: 'look', arguments: '{"at":"SEEN_ARGUMENT"}' },
    };
    body.messages.unshift(
      { role: 'user', content: 'a' },
      { role: 'assistant', content: null, tool_calls: [call] },
      { role: 'tool', tool_call_id: 'call_12345', content: 'SEEN_RESULT' },
    );
  }),
  field('picture in a result', /SEENRESULTPICTURE00/, /messages\/\d+/, (body) => {
    const call = { id: 'call_67890', type: 'function', function: { name: 'look', arguments: '{}' } };
    const image_url = { url: 'data:image/png;base64,SEENRESULTPICTURE00' };
    body.messages.unshift(
      { role: 'user', content: 'a' },
      { role: 'assistant', content: null, tool_calls: [call] },
      { role: 'tool', tool_call_id: 'call_67890', content: [{ type: 'image_url', image_url }] },
    );
  }),
];

const MESSAGES: readonly Field[] = [
  plain('temperature', 0.123, /0\.123/),
  plain('top_p', 0.456, /0\.456/),
  plain('top_k', 37, /:37\b/),
  plain('stop_sequences', ['SEEN_STOP'], /SEEN_STOP/, /stop/),
  plain('metadata', { user_id: 'SEEN_USER' }, /SEEN_USER/, /user|metadata/),
  plain('service_tier', 'standard_only', /standard_only/),
  plain('mystery', 'SEEN_MYSTERY', /SEEN_MYSTERY/),
  plain('system', [{ type: 'text', text: 'SEEN_SYSTEM' }], /SEEN_SYSTEM/, /messages/),
  plain('thinking', { type: 'enabled', budget_tokens: 2048 }, /thinking|reasoning|"think"/i, /reasoning/),
  field('tools', /SEEN_TOOL/, /\/tools/, (body) => {
    body.tools = [{ name: 'SEEN_TOOL', input_schema: { type: 'object' }, strict: true }];
  }),
  field('result that is an error', /SEEN_FAILURE/, /messages\/\d+/, (body) => {
    const content = [{ type: 'tool_result', tool_use_id: 'toolu_1', is_error: true, content: 'SEEN_FAILURE' }];
    body.messages.unshift(
      { role: 'user', content: 'a' },
      { role: 'assistant', content: [{ type: 'tool_use', id: 'toolu_1', name: 'look', input: { at: 'x' } }] },
      { role: 'user', content },
    );
  }),
  field('picture', /SEENPICTURE0/, /content\/\d+/, (body) => {
    user(body).push({ type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'SEENPICTURE0' } });
  }),
  field('document', /SEENDOCUMENT/, /content\/\d+/, (body) => {
    const source = { type: 'base64', media_type: 'application/pdf', data: 'SEENDOCUMENT' };
    user(body).push({ type: 'document', source, title: 'a' });
  }),
  field('text document', /SEEN_TEXT|U0VFTl9URVhU/, /content\/\d+/, (body) => {
    user(body).push({ type: 'document', source: { type: 'text', media_type: 'text/plain', data: 'SEEN_TEXT' } });
  }),
  field('cache mark', /cache_control|cachePoint/, /cache_control/, (body) => {
    user(body).push({ type: 'text', text: 'long', cache_control: { type: 'ephemeral' } });
  }),
  field('sealed thought', /SEEN_SEAL/, /reasoning/, (body) => {
    const content = [
      { type: 'redacted_thinking', data: 'SEEN_SEAL' },
      { type: 'text', text: 'b' },
    ];
    body.messages.unshift({ role: 'user', content: 'a' }, { role: 'assistant', content });
  }),
  field('schema', /SEEN_PROPERTY/, /response_format/, (body) => {
    body.output_config = { format: { type: 'json_schema', schema } };
  }),
];

const RESPONSES: readonly Field[] = [
  plain('temperature', 0.123, /0\.123/),
  plain('top_p', 0.456, /0\.456/),
  plain('instructions', 'SEEN_INSTRUCTIONS', /SEEN_INSTRUCTIONS/, /messages/),
  plain('max_output_tokens', 1234, /:1234\b/, /max_tokens/),
  plain('metadata', { team: 'SEEN_TEAM' }, /SEEN_TEAM/),
  plain('prompt_cache_key', 'SEEN_CACHE_KEY', /SEEN_CACHE_KEY/),
  plain('service_tier', 'flex', /flex/),
  plain('safety_identifier', 'SEEN_SAFETY', /SEEN_SAFETY/),
  plain('user', 'SEEN_USER', /SEEN_USER/),
  plain('mystery', 'SEEN_MYSTERY', /SEEN_MYSTERY/),
  plain('reasoning', { effort: 'high' }, /"high"|HIGH|"think"|thinking|reasoning/),
  plain('top_logprobs', 3, /logprobs"?:(true|3|1)/i, /logprobs/),
  plain('tools', [{ type: 'function', name: 'SEEN_TOOL', parameters: { type: 'object' }, strict: true }], /SEEN_TOOL/),
  field('schema', /SEEN_PROPERTY/, /response_format/, (body) => {
    body.text = { ...body.text, format: { type: 'json_schema', name: 'out', schema } };
  }),
  field('verbosity', /"low"/, /verbosity/, (body) => {
    body.text = { ...body.text, verbosity: 'low' };
  }),
  field('picture', /SEENPICTURE0/, /content\/\d+/, (body) => {
    body.input.at(-1).content.push({ type: 'input_image', image_url: png, detail: 'auto' });
  }),
  field('detail', /"detail":"low"/, /detail|content\/\d+$/, (body) => {
    body.input.at(-1).content.push({ type: 'input_image', image_url: 'data:image/png;base64,AAAA', detail: 'low' });
  }),
  field('document', /SEENDOCUMENT/, /content\/\d+/, (body) => {
    const file_data = 'data:application/pdf;base64,SEENDOCUMENT';
    body.input.at(-1).content.push({ type: 'input_file', filename: 'a.pdf', file_data });
  }),
  field('result', /SEEN_RESULT/, /messages\/\d+/, (body) => {
    body.input.unshift(
      { type: 'function_call', call_id: 'call_12345', name: 'look', arguments: '{}' },
      { type: 'function_call_output', call_id: 'call_12345', output: 'SEEN_RESULT' },
    );
  }),
];

const config = (body: Json): Json => {
  body.generationConfig ??= {};
  return body.generationConfig;
};
const inConfig = (name: string, value: unknown, seen: RegExp, named: RegExp): Field =>
  field(name, seen, named, (body) => {
    config(body)[name] = value;
  });

const GEMINI: readonly Field[] = [
  inConfig('temperature', 0.123, /0\.123/, /temperature/),
  inConfig('topP', 0.456, /0\.456/, /top_p/),
  inConfig('topK', 37, /:37\b/, /top_k/),
  inConfig('seed', 424_242, /424242/, /seed/),
  inConfig('maxOutputTokens', 1234, /:1234\b/, /max_tokens/),
  inConfig('stopSequences', ['SEEN_STOP'], /SEEN_STOP/, /stop/),
  inConfig('presencePenalty', 0.654, /0\.654/, /presence_penalty/),
  inConfig('frequencyPenalty', 0.321, /0\.321/, /frequency_penalty/),
  inConfig('responseModalities', ['TEXT', 'IMAGE'], /modalities/i, /modalities/),
  inConfig('thinkingConfig', { includeThoughts: true, thinkingBudget: 2048 }, /think|reasoning/i, /reasoning/),
  field('schema', /SEEN_PROPERTY/, /response_format/, (body) => {
    Object.assign(config(body), { responseMimeType: 'application/json', responseJsonSchema: schema });
  }),
  plain('systemInstruction', { parts: [{ text: 'SEEN_SYSTEM' }] }, /SEEN_SYSTEM/, /messages/),
  plain('safetySettings', [{ category: 'SEEN_CATEGORY', threshold: 'OFF' }], /SEEN_CATEGORY/),
  plain('mystery', 'SEEN_MYSTERY', /SEEN_MYSTERY/),
  inConfig('enhancedCivicAnswers', 'SEEN_CIVIC', /SEEN_CIVIC/, /enhancedCivicAnswers|generationConfig/),
  plain('tools', [{ functionDeclarations: [{ name: 'SEEN_TOOL', description: 'does' }] }], /SEEN_TOOL/),
  field('picture', /SEENPICTURE0/, /content\/\d+/, (body) => {
    body.contents.at(-1).parts.push({ inlineData: { mimeType: 'image/png', data: 'SEENPICTURE0' } });
  }),
  field('document', /SEENDOCUMENT/, /content\/\d+/, (body) => {
    body.contents.at(-1).parts.push({ inlineData: { mimeType: 'application/pdf', data: 'SEENDOCUMENT' } });
  }),
  field('sound', /SEENSOUND000/, /content\/\d+/, (body) => {
    body.contents.at(-1).parts.push({ inlineData: { mimeType: 'audio/wav', data: 'SEENSOUND000' } });
  }),
  field('film', /SEENFILM0000/, /content\/\d+/, (body) => {
    body.contents.at(-1).parts.push({ inlineData: { mimeType: 'video/mp4', data: 'SEENFILM0000' } });
  }),
];

const option = (name: string, value: unknown, seen: RegExp, named = new RegExp(name)): Field =>
  field(name, seen, named, (body) => {
    body.options = { ...body.options, [name]: value };
  });

const OLLAMA: readonly Field[] = [
  option('temperature', 0.123, /0\.123/),
  option('top_p', 0.456, /0\.456/),
  option('top_k', 37, /:37\b/),
  option('min_p', 0.0789, /0\.0789/),
  option('seed', 424_242, /424242/),
  option('num_predict', 1234, /:1234\b/, /max_tokens/),
  option('stop', ['SEEN_STOP'], /SEEN_STOP/),
  option('repeat_penalty', 1.234, /1\.234/, /repetition_penalty/),
  option('mirostat', 2, /"mirostat"/),
  plain('keep_alive', 'SEEN_ALIVE', /SEEN_ALIVE/),
  plain('think', true, /think|reasoning/i, /reasoning/),
  plain('format', schema, /SEEN_PROPERTY/, /response_format/),
  plain('mystery', 'SEEN_MYSTERY', /SEEN_MYSTERY/),
  plain('tools', [{ type: 'function', function: { name: 'SEEN_TOOL', parameters: { type: 'object' } } }], /SEEN_TOOL/),
  field('picture', /iVBORSEENPICTURE/, /content\/\d+/, (body) => {
    body.messages.at(-1).images = ['iVBORSEENPICTURE'];
  }),
  field('thought', /SEEN_THOUGHT/, /reasoning/, (body) => {
    body.messages.unshift(
      { role: 'user', content: 'a' },
      { role: 'assistant', content: 'b', thinking: 'SEEN_THOUGHT' },
    );
  }),
];

const SAMPLING = CHAT.filter(({ name }) =>
  [
    'temperature',
    'top_p',
    'frequency_penalty',
    'presence_penalty',
    'seed',
    'stop',
    'logit_bias',
    'max_tokens',
    'user',
    'mystery',
  ].includes(name),
);
const COMPLETIONS: readonly Field[] = [
  ...SAMPLING,
  plain('suffix', 'SEEN_SUFFIX', /SEEN_SUFFIX/),
  plain('logprobs', 3, /logprobs/),
  plain('echo', true, /"echo"/),
  plain('best_of', 2, /"best_of"/),
];

interface Spoken {
  readonly wire: string;
  readonly base: () => Json;
  readonly fields: readonly Field[];
}

const SPOKEN: readonly Spoken[] = [
  {
    wire: 'openai-chat',
    base: () => ({ model: 'a/b', messages: [{ role: 'user', content: [{ type: 'text', text: 'Hi' }] }] }),
    fields: CHAT,
  },
  {
    wire: 'anthropic-messages',
    base: () => ({
      model: 'a/b',
      max_tokens: 5000,
      messages: [{ role: 'user', content: [{ type: 'text', text: 'Hi' }] }],
    }),
    fields: MESSAGES,
  },
  {
    wire: 'openai-responses',
    base: () => ({ model: 'a/b', input: [{ role: 'user', content: [{ type: 'input_text', text: 'Hi' }] }] }),
    fields: RESPONSES,
  },
  {
    wire: 'gemini-generate',
    base: () => ({ model: 'a/b', stream: false, contents: [{ role: 'user', parts: [{ text: 'Hi' }] }] }),
    fields: GEMINI,
  },
  {
    wire: 'ollama-chat',
    base: () => ({ model: 'a/b', stream: false, messages: [{ role: 'user', content: 'Hi' }] }),
    fields: OLLAMA,
  },
  { wire: 'openai-completions', base: () => ({ model: 'a/b', prompt: 'Hi' }), fields: COMPLETIONS },
];

const target = ({ quirks, upstreamModel }: (typeof WIRE_HOSTS)[number]): Target => ({
  upstreamModel,
  quirks: new Set(quirks),
  parameters: ALL_PARAMETERS,
  extraFields: new Set(),
});

/** The fields of a request that are neither seen by the host nor named. */
function lost(dialect: Dialect, spoken: Spoken, fields: readonly Field[], host: (typeof WIRE_HOSTS)[number]): string[] {
  const body = spoken.base();
  for (const { say } of fields) say(body);
  const decoded = dialect.decodeRequest(JSON.parse(JSON.stringify(body)));
  if (!decoded.ok) throw new Error(`${spoken.wire}: ${decoded.error.message}`);
  const encoded = DIALECTS[host.dialect]?.encodeRequest(decoded.value, target(host));
  if (!encoded) throw new Error(`no dialect ${host.dialect}`);
  if (encoded.unable !== undefined) return [];
  const text = Buffer.from(wholeBody(encoded)).toString();
  const names = encoded.dropped.map(({ pointer }) => pointer);
  return fields
    .filter(({ seen, named }) => !seen.test(text) && !names.some((name) => named.test(name)))
    .map(({ name }) => name);
}

const served = new Map(SERVED.toReversed().map((dialect) => [dialect.id, dialect]));

for (const spoken of SPOKEN) {
  const dialect = served.get(spoken.wire);
  if (!dialect) throw new Error(`${spoken.wire} is not served`);
  describe.each(WIRE_HOSTS)(`${spoken.wire} to $id`, (host) => {
    it('every field by itself is told or named', () => {
      expect(spoken.fields.flatMap((one) => lost(dialect, spoken, [one], host))).toEqual([]);
    });

    it('any fields together are told or named', () => {
      fc.assert(
        fc.property(fc.shuffledSubarray([...spoken.fields], { minLength: 2 }), (fields) => {
          expect(lost(dialect, spoken, fields, host)).toEqual([]);
        }),
        { numRuns: 300 },
      );
    });
  });
}
