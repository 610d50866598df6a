import { type GatewayError, gatewayError } from '../../canon/errors.ts';
import type { Block, FinishReason, GenerationEvent } from '../../canon/event.ts';
import { type Effort, effortOf, type GenerationRequest } from '../../canon/request.ts';
import { fail, ok, type Result } from '../../canon/result.ts';
import { estimatePrompt } from '../../canon/tokens.ts';
import type { Counts } from '../../canon/units.ts';
import type { Brain } from '../ports.ts';
import { instanceOf } from './instance.ts';
import { operate } from './operations.ts';
import { excerpt, type Prompt, readPrompt } from './prompt.ts';
import { prose } from './prose.ts';
import { toolCalls } from './tools.ts';

/** The model behind every sandbox host: deterministic, and it does what the request asks. */
export const answer: Brain = (request, { modelName, maxOutputTokens, efforts, echoPrefill }) => {
  if (request.operation) return ok({ pieces: operate(request.operation, estimatePrompt(request)) });
  const prompt = readPrompt(request);
  const composed = compose(request, prompt, modelName);
  if (!composed.ok) return composed;
  const writer = new Writer(request, Math.min(request.maxOutputTokens ?? maxOutputTokens, maxOutputTokens));
  if (echoPrefill && prompt.prefill) writer.free(prompt.prefill);
  writer.think(thoughts(prompt, modelName, effortFor(request, efforts)));
  for (const one of composed.value) writer.write(one.block, one.text);
  return ok({ pieces: writer.end(estimatePrompt(request)) });
};

interface Written {
  readonly block: Block;
  readonly text: string;
}

function compose(
  request: GenerationRequest,
  prompt: Prompt,
  modelName: string,
): Result<readonly Written[], GatewayError> {
  const calls = toolCalls(request, prompt);
  if (!calls.ok) return refused('tools', calls.error);
  if (calls.value.length > 0) {
    return ok(
      calls.value.map((call) => ({
        block: { kind: 'tool-call', callId: call.id, name: call.name },
        text: call.arguments,
      })),
    );
  }
  const { output } = request;
  if (output?.kind === 'json-schema') {
    const filled = instanceOf(output.schema, prompt, { optional: true });
    return filled.ok
      ? ok([{ block: TEXT, text: JSON.stringify(filled.value) }])
      : refused('response_format.json_schema', filled.error);
  }
  if (output?.kind === 'json')
    return ok([{ block: TEXT, text: JSON.stringify({ answer: excerpt(prose(prompt, modelName), 400) }) }]);
  if (output?.kind === 'grammar' || output?.kind === 'python') {
    return fail(gatewayError('invalid_request', `response_format ${output.kind} is not supported by the sandbox`));
  }
  const text = prose(prompt, modelName);
  return ok([{ block: TEXT, text: prompt.prefill === undefined ? text : goOn(text, prompt.prefill) }]);
}

/** The end of a begun answer is looked for by so many characters. */
const END_CHARS = 40;

/** What follows what was begun, where it is the beginning of this answer or of its like; after anything else, all of it. */
function goOn(text: string, begun: string): string {
  if (begun !== '' && text.startsWith(begun)) return text.slice(begun.length);
  const end = begun.slice(-END_CHARS);
  const at = end.length === END_CHARS ? text.lastIndexOf(end) : -1;
  return at < 0 ? ` ${text}` : text.slice(at + END_CHARS);
}

const TEXT: Block = { kind: 'text' };

const refused = (
  field: string,
  { pointer, problem }: { readonly pointer: string; readonly problem: string },
): Result<never, GatewayError> =>
  fail(
    gatewayError('invalid_request', `Invalid schema in ${field}: ${pointer} ${problem}`, {
      providerCode: 'invalid_schema',
    }),
  );

const THOUGHTS: Readonly<Record<Effort, number>> = {
  none: 0,
  minimal: 1,
  low: 2,
  medium: 4,
  high: 7,
  xhigh: 11,
  max: 16,
};

/** @returns how many sentences to think; a model that cannot reason does not */
function effortFor(request: GenerationRequest, efforts: readonly string[] | undefined): number {
  const effort = effortOf(request.reasoning);
  return effort === undefined || efforts?.length === 0 ? 0 : THOUGHTS[effort];
}

function thoughts(prompt: Prompt, modelName: string, sentences: number): string {
  const { keywords, names, numbers } = prompt;
  const all = [
    `The prompt asks about ${keywords[0] ?? 'something'}.`,
    names.length > 0 ? `It names ${names.join(' and ')}.` : 'It names nobody in particular.',
    numbers.length > 0 ? `The figures are ${numbers.join(', ')}.` : 'It has no figures to weigh.',
    `As ${modelName} I should answer in the form that was asked for.`,
    'Are there tools that would help here?',
    'Is there a limit on the length that I have to keep?',
    'I will say what I see and stop in time.',
  ];
  return Array.from({ length: sentences }, (_, index) => all[index % all.length]).join(' ');
}

/** Words and pieces of words, each one token, so that the count is the stream's own. */
const PIECE = / ?\p{L}{1,8}| ?\p{N}{1,3}|\s+| ?[^\s\p{L}\p{N}]{1,2}/gu;

class Writer {
  readonly #request: GenerationRequest;
  readonly #pieces: GenerationEvent[] = [{ type: 'generation-start' }];
  #left: number;
  #counts: { output: number; reasoning: number } = { output: 0, reasoning: 0 };
  #finish: FinishReason = 'stop';

  constructor(request: GenerationRequest, outputTokensMax: number) {
    this.#request = request;
    this.#left = outputTokensMax;
  }

  /** Text that the host repeats and does not count. */
  free(text: string): void {
    this.#pieces.push(
      { type: 'block-start', block: TEXT },
      { type: 'block-delta', delta: { kind: 'text', text } },
      { type: 'block-end' },
    );
  }

  think(text: string): void {
    if (text !== '') this.#block({ kind: 'reasoning', form: 'text', format: 'unknown' }, text, 'reasoning');
  }

  write(block: Block, text: string): void {
    if (this.#finish === 'length') return;
    if (block.kind === 'tool-call') {
      if (this.#left <= 0) this.#finish = 'length';
      else {
        this.#finish = 'tool-calls';
        this.#block(block, text, 'output');
      }
    } else this.#block(block, untilStop(text, this.#request.sampling.stop), 'output');
  }

  end(promptTokens: number): readonly GenerationEvent[] {
    // What a repeated prompt finds in the cache comes in blocks; a key says that it is one.
    const cached =
      this.#request.promptCacheKey === undefined ? 0 : Math.floor(promptTokens / CACHE_BLOCK) * CACHE_BLOCK;
    const counts: Counts = {
      input: promptTokens - cached,
      ...(cached > 0 && { 'cache-read': cached }),
      output: this.#counts.output,
      ...(this.#counts.reasoning > 0 && { reasoning: this.#counts.reasoning }),
    };
    this.#pieces.push(
      { type: 'usage', usage: { counts, estimated: false } },
      { type: 'generation-end', finish: this.#finish, nativeFinish: NATIVE_FINISH[this.#finish] },
    );
    return this.#pieces;
  }

  #block(block: Block, text: string, unit: 'output' | 'reasoning'): void {
    if (this.#left <= 0) {
      this.#finish = 'length';
      return;
    }
    const pieces = text.match(PIECE) ?? [];
    const taken = pieces.slice(0, this.#left);
    this.#pieces.push({ type: 'block-start', block });
    for (const piece of taken) this.#pieces.push({ type: 'block-delta', delta: this.#delta(block, piece) });
    this.#pieces.push({ type: 'block-end' });
    this.#left -= taken.length;
    this.#counts[unit] += taken.length;
    if (taken.length < pieces.length) this.#finish = 'length';
  }

  #delta(block: Block, text: string): Extract<GenerationEvent, { type: 'block-delta' }>['delta'] {
    if (block.kind === 'tool-call') return { kind: 'arguments', text };
    if (block.kind !== 'text' || this.#request.sampling.logprobs !== true) return { kind: 'text', text };
    return {
      kind: 'text',
      text,
      logprobs: [{ token: text, logprob: 0, bytes: [...Buffer.from(text)], top_logprobs: [] }],
    };
  }
}

const CACHE_BLOCK = 64;

const NATIVE_FINISH: Readonly<Record<FinishReason, string>> = {
  stop: 'stop',
  length: 'length',
  'tool-calls': 'tool_calls',
  'content-filter': 'content_filter',
  error: 'error',
};

function untilStop(text: string, stop: readonly string[] | undefined): string {
  const ends = (stop ?? []).map((mark) => text.indexOf(mark)).filter((at) => at >= 0);
  return ends.length === 0 ? text : text.slice(0, Math.min(...ends));
}
