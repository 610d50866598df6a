import { anthropicMessages } from './anthropic-messages/dialect.ts';
import { REQUEST_SCHEMAS } from './documents.ts';
import { openaiChat } from './openai-chat/dialect.ts';
import { openaiCompletions } from './openai-completions/dialect.ts';
import { openaiResponses } from './openai-responses/dialect.ts';
import { asArray, asNumber, asObject, asText, type JsonObject } from './read.ts';

/**
 * Settings of a preset said in another wire's words (decision 0028): through the words of chat, which has one for nearly everything. What a
 * wire has no word for is left out.
 */

type Json = Record<string, unknown>;

/** Without members that say nothing. */
const said = (members: JsonObject): Json =>
  Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined && value !== null));

const mapped = (value: unknown, change: (one: JsonObject) => unknown): unknown =>
  asArray(value)?.map((one) => change(asObject(one) ?? {}));

// --- responses ---

function toolFromResponses(tool: JsonObject): unknown {
  if (tool.type !== 'function') return tool;
  const { type, ...declared } = tool;
  return { type, function: declared };
}

function toolToResponses(tool: JsonObject): unknown {
  const { function: declared, cache_control: _mark, ...rest } = tool;
  return tool.type === 'function' ? { ...rest, ...asObject(declared) } : tool;
}

function choiceFromResponses(choice: unknown): unknown {
  const { type, ...rest } = asObject(choice) ?? {};
  if (type === 'function') return { type, function: rest };
  if (type !== 'allowed_tools') return choice;
  return { type, allowed_tools: { ...rest, tools: mapped(rest.tools, toolFromResponses) } };
}

function choiceToResponses(choice: unknown): unknown {
  const { type, ...rest } = asObject(choice) ?? {};
  if (type === 'function') return { type, ...asObject(rest.function) };
  const allowed = asObject(rest.allowed_tools);
  return type === 'allowed_tools' && allowed
    ? { type, ...allowed, tools: mapped(allowed.tools, toolToResponses) }
    : choice;
}

function fromResponses({ max_output_tokens, text, tools, tool_choice, top_logprobs, ...rest }: JsonObject): Json {
  const { format, verbosity } = asObject(text) ?? {};
  const { type, ...schema } = asObject(format) ?? {};
  return said({
    ...rest,
    max_tokens: max_output_tokens,
    verbosity,
    response_format: type === 'json_schema' ? { type, json_schema: schema } : format,
    tools: mapped(tools, toolFromResponses),
    tool_choice: choiceFromResponses(tool_choice),
    ...(asNumber(top_logprobs) && { logprobs: true, top_logprobs }),
  });
}

/** A form that this wire has: grammars are none. */
function formatToResponses(wire: unknown): unknown {
  const { type, json_schema } = asObject(wire) ?? {};
  if (type === 'json_schema') return { type, ...asObject(json_schema) };
  return type === 'json_object' || type === 'text' ? { type } : undefined;
}

function toResponses(chat: JsonObject): Json {
  const { max_tokens, max_completion_tokens, response_format, verbosity, tools, tool_choice, ...rest } = chat;
  const text = said({ format: formatToResponses(response_format), verbosity });
  const { exclude: _hidden, ...reasoning } = reasoningOf(chat) ?? {};
  return said({
    ...rest,
    max_output_tokens: max_completion_tokens ?? max_tokens,
    text: Object.keys(text).length > 0 ? text : undefined,
    reasoning: Object.keys(reasoning).length > 0 ? reasoning : undefined,
    tools: mapped(tools, toolToResponses),
    tool_choice: choiceToResponses(tool_choice),
  });
}

/** One wish of two spellings. */
function reasoningOf({ reasoning, reasoning_effort }: JsonObject): JsonObject | undefined {
  const object = asObject(reasoning);
  if (typeof reasoning_effort !== 'string') return object;
  return { ...object, effort: reasoning_effort };
}

// --- messages ---

function toolFromMessages(tool: JsonObject): unknown {
  const { input_schema, name, description, strict, cache_control } = tool;
  if (!asObject(input_schema)) return tool;
  return said({
    type: 'function',
    function: said({ name, description, strict, parameters: input_schema }),
    cache_control,
  });
}

function toolToMessages(tool: JsonObject): unknown {
  const declared = asObject(tool.function);
  if (tool.type !== 'function' || !declared) return tool;
  const { name, description, strict, parameters } = declared;
  const input_schema = parameters ?? { type: 'object', properties: {} };
  return said({ name, description, strict, input_schema, cache_control: tool.cache_control });
}

const CHOICES_FROM_MESSAGES: Readonly<Record<string, string>> = { auto: 'auto', any: 'required', none: 'none' };
const CHOICES_TO_MESSAGES: Readonly<Record<string, string>> = { auto: 'auto', required: 'any', none: 'none' };

function choiceFromMessages(choice: JsonObject | undefined): unknown {
  if (choice?.type === 'tool') return { type: 'function', function: { name: choice.name } };
  return CHOICES_FROM_MESSAGES[asText(choice?.type) ?? ''];
}

/** Which tools are allowed has no word here; that one must be called has. */
function choiceToMessages(choice: unknown, parallel: unknown, tools: unknown): unknown {
  const object = asObject(choice);
  const serial = parallel === false ? { disable_parallel_tool_use: true } : {};
  if (object?.type === 'function') return { type: 'tool', name: asObject(object.function)?.name, ...serial };
  const word = asText(choice) ?? asText(asObject(object?.allowed_tools)?.mode);
  const type = CHOICES_TO_MESSAGES[word ?? ''] ?? (parallel === false && tools !== undefined ? 'auto' : undefined);
  if (type === undefined) return undefined;
  return type === 'none' ? { type } : { type, ...serial };
}

function thinkingFromMessages(thinking: JsonObject | undefined, effort: unknown): Json | undefined {
  if (!thinking) return undefined;
  if (thinking.type === 'disabled') return { enabled: false };
  const exclude = thinking.display === 'omitted' ? true : undefined;
  if (thinking.type === 'enabled') return said({ max_tokens: thinking.budget_tokens, exclude });
  return said({ enabled: true, effort, exclude });
}

function fromMessages(wire: JsonObject): Json {
  const { stop_sequences, thinking, output_config, tools, tool_choice, fallbacks, models, ...rest } = wire;
  const { effort, format } = asObject(output_config) ?? {};
  const wish = thinkingFromMessages(asObject(thinking), effort);
  const schema = asObject(format)?.schema;
  const choice = asObject(tool_choice);
  return said({
    ...rest,
    models: models ?? mapped(fallbacks, ({ model }) => model),
    stop: stop_sequences,
    reasoning: wish,
    verbosity: asObject(thinking)?.type === 'adaptive' ? undefined : effort,
    response_format: schema && { type: 'json_schema', json_schema: { name: 'output', schema } },
    tools: mapped(tools, toolFromMessages),
    tool_choice: choiceFromMessages(choice),
    parallel_tool_calls: choice?.disable_parallel_tool_use === true ? false : undefined,
  });
}

const BUDGET_MIN = 1024;

/** Whether and how much to think, and how hard, which stands elsewhere in this wire. */
function thinkingToMessages(wish: JsonObject | undefined): { thinking?: Json; effort?: string } {
  if (!wish) return {};
  const { effort, enabled, max_tokens: budget } = wish;
  if (enabled === false || effort === 'none' || budget === 0) return { thinking: { type: 'disabled' } };
  const display = wish.exclude === true ? { display: 'omitted' } : {};
  if (typeof budget === 'number')
    return { thinking: { type: 'enabled', budget_tokens: Math.max(BUDGET_MIN, budget), ...display } };
  if (enabled === undefined && effort === undefined) return {};
  const level = effort === 'minimal' ? 'low' : asText(effort);
  return { thinking: { type: 'adaptive', ...display }, ...(level !== undefined && { effort: level }) };
}

function toMessages(chat: JsonObject): Json {
  const { max_tokens, max_completion_tokens, stop, verbosity, response_format, tools, tool_choice, ...rest } = chat;
  const { thinking, effort } = thinkingToMessages(reasoningOf(chat));
  const form = asObject(asObject(response_format)?.json_schema)?.schema;
  const output = said({
    effort: effort ?? (thinking?.type === 'adaptive' ? undefined : verbosity),
    format: form && { type: 'json_schema', schema: form },
  });
  return said({
    ...rest,
    max_tokens: max_completion_tokens ?? max_tokens,
    stop_sequences: typeof stop === 'string' ? [stop] : stop,
    thinking,
    output_config: Object.keys(output).length > 0 ? output : undefined,
    tools: mapped(tools, toolToMessages),
    tool_choice: choiceToMessages(tool_choice, chat.parallel_tool_calls, tools),
  });
}

/** Settings in the words of chat. */
const FROM: Readonly<Record<string, (config: JsonObject) => Json>> = {
  [openaiResponses.id]: fromResponses,
  [anthropicMessages.id]: fromMessages,
};

/** The words of chat in those of another wire. */
const TO: Readonly<Record<string, (chat: JsonObject) => Json>> = {
  [openaiResponses.id]: toResponses,
  [anthropicMessages.id]: toMessages,
};

const fieldsOf = new Map<string, ReadonlySet<string>>();

/** Text completions have no calls, and count likelihoods where chat switches them on. */
const NOT_IN_COMPLETIONS: ReadonlySet<string> = new Set(['tools', 'tool_choice', 'logprobs', 'top_logprobs']);

/** The fields that a wire reads, off the schema that validates it. A text completion takes most of those of chat. */
function knownFields(route: string): ReadonlySet<string> {
  let known = fieldsOf.get(route);
  if (!known) {
    const { shape = {} } = (REQUEST_SCHEMAS[route] ?? {}) as { shape?: Json };
    known = new Set(Object.keys(shape));
    if (route === openaiCompletions.route)
      known = new Set([...knownFields(openaiChat.route)].filter((name) => !NOT_IN_COMPLETIONS.has(name)));
    fieldsOf.set(route, known);
  }
  return known;
}

/** A preset's settings in the words of another wire than the one they were written in. */
export function inWordsOf(
  config: JsonObject,
  written: string,
  wanted: { readonly id: string; readonly route: string },
): Json {
  if (written === wanted.id) return { ...config };
  const chat = FROM[written]?.(config) ?? config;
  const words = TO[wanted.id]?.(chat) ?? chat;
  const known = knownFields(wanted.route);
  return Object.fromEntries(Object.entries(words).filter(([name]) => known.has(name)));
}
