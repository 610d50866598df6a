import { z } from 'zod';
import type { Generation } from '../../canon/collect.ts';
import type { Dropped } from '../../canon/dropped.ts';
import type { GatewayError } from '../../canon/errors.ts';
import type { GenerationEvent } from '../../canon/event.ts';
import { NO_PREFERENCES, preferencesSchema } from '../../canon/preferences.ts';
import type { GenerationRequest, Part, TokenIds } from '../../canon/request.ts';
import { fail, ok, type Result } from '../../canon/result.ts';
import type { Target } from '../../canon/target.ts';
import { tokens } from '../../canon/units.ts';
import { classify } from '../classify.ts';
import { type AnswerContext, type Dialect, type EncodedRequest, EXPECT_NOTHING } from '../dialect.ts';
import { extraFields } from '../extras.ts';
import { invalidIssues, modelSlug, present, unknownFields } from '../ingress.ts';
import { encodeError } from '../openai-chat/ingress-error.ts';
import { asArray, asCount, asObject, asText } from '../read.ts';
import { WHOLE_ONLY } from '../whole-only.ts';
import {
  asVector,
  embeddingsOf,
  inputUsage,
  packed,
  TEXT_ONLY,
  unpacked,
  vectorEvents,
  vectorsOf,
  wordsOf,
} from './vectors.ts';

/** `POST /embeddings` as OpenAI and OpenRouter speak it (spec/inference 8.2). */

const ID = 'openai-embeddings';
const INPUTS_MAX = 2048;

const part = z.discriminatedUnion('type', [
  z.looseObject({ type: z.literal('text'), text: z.string() }),
  z.looseObject({
    type: z.literal('image_url'),
    image_url: z.union([z.string().min(1), z.looseObject({ url: z.string().min(1) })]),
  }),
  z.looseObject({
    type: z.literal('input_audio'),
    input_audio: z.looseObject({ data: z.string(), format: z.string() }),
  }),
  z.looseObject({ type: z.literal('input_video'), video_url: z.looseObject({ url: z.string().min(1) }) }),
  z.looseObject({
    type: z.literal('file'),
    file: z.looseObject({ filename: z.string().nullish(), file_data: z.string().min(1) }),
  }),
]);
const text = z.string().min(1, 'must not be empty');
const ids = z.array(z.int().nonnegative()).min(1);

export const embeddingsRequest = z.looseObject({
  model: modelSlug.nullish(),
  input: z.union([
    text,
    ids,
    z.array(text).min(1).max(INPUTS_MAX),
    z.array(ids).min(1).max(INPUTS_MAX),
    z
      .array(z.looseObject({ content: z.array(part).min(1) }))
      .min(1)
      .max(INPUTS_MAX),
  ]),
  dimensions: z.int().min(1).nullish(),
  output_dimension: z.int().min(1).nullish(),
  encoding_format: z.enum(['float', 'base64']).nullish(),
  input_type: z.string().nullish(),
  provider: preferencesSchema.nullish(),
  user: z.string().nullish(),
});
type EmbeddingsWire = z.infer<typeof embeddingsRequest>;
const KNOWN: ReadonlySet<string> = new Set(Object.keys(embeddingsRequest.shape));

function readPart(wire: z.infer<typeof part>): Part {
  switch (wire.type) {
    case 'text':
      return { kind: 'text', text: wire.text };
    case 'image_url':
      return { kind: 'image', url: typeof wire.image_url === 'string' ? wire.image_url : wire.image_url.url };
    case 'input_audio':
      return { kind: 'audio', data: wire.input_audio.data, format: wire.input_audio.format };
    case 'input_video':
      return { kind: 'video', url: wire.video_url.url };
    case 'file':
      return { kind: 'file', data: wire.file.file_data, ...present({ filename: wire.file.filename }) };
  }
}

/** One text, one list of token numbers, or a list of texts, lists or contents. */
function readInputs(input: EmbeddingsWire['input']): readonly (readonly Part[] | TokenIds)[] {
  if (typeof input === 'string') return [[{ kind: 'text', text: input }]];
  if (typeof input[0] === 'number') return [{ tokenIds: input as readonly number[] }];
  return input.map((one): readonly Part[] | TokenIds => {
    if (typeof one === 'string') return [{ kind: 'text', text: one }];
    return Array.isArray(one) ? { tokenIds: one } : (one as { content: z.infer<typeof part>[] }).content.map(readPart);
  });
}

function decodeRequest(body: unknown): Result<GenerationRequest, GatewayError> {
  const parsed = embeddingsRequest.safeParse(body);
  if (!parsed.success) return fail(invalidIssues(parsed.error));
  const wire = parsed.data;
  return ok({
    model: wire.model ?? undefined,
    fallbacks: [],
    messages: [],
    tools: [],
    sampling: {},
    stream: false,
    preferences: wire.provider ?? NO_PREFERENCES,
    echoUpstreamBody: false,
    extras: unknownFields(wire, KNOWN, ID),
    operation: {
      kind: 'embeddings',
      inputs: readInputs(wire.input),
      base64: wire.encoding_format === 'base64',
      ...present({ dimensions: wire.dimensions ?? wire.output_dimension, inputType: wire.input_type }),
    },
    ...present({ user: wire.user }),
  });
}

/** Modalities are told apart only where there are two or more (INF-314). */
function modalities(context: AnswerContext, total: number): Record<string, unknown> {
  const request = context.request;
  const inputs = request?.operation?.kind === 'embeddings' ? request.operation.inputs : [];
  const counts = new Map<string, number>();
  for (const input of inputs)
    for (const one of 'tokenIds' in input ? [{ kind: 'text' }] : input)
      counts.set(one.kind, (counts.get(one.kind) ?? 0) + 1);
  if (counts.size < 2) return {};
  // Hosts count inputs together; what is not text is told by its share of the parts.
  const parts = [...counts.values()].reduce((sum, count) => sum + count, 0);
  let left = total;
  const details = [...counts].map(([kind, count], index): [string, number] => {
    const share = index === counts.size - 1 ? left : Math.round((total * count) / parts);
    left -= share;
    return [`${kind}_tokens`, share];
  });
  return { prompt_tokens_details: Object.fromEntries(details.filter(([, count]) => count > 0)) };
}

function encodeWhole(generation: Generation, context: AnswerContext): unknown {
  if (generation.error) return encodeError(generation.error, { quirks: context.quirks, origin: '' }).body;
  const { operation } = context.request ?? {};
  const base64 = operation?.kind === 'embeddings' && operation.base64;
  const input = tokens(generation.usage?.counts ?? {}, 'input');
  const router = context.quirks.has('router-answers');
  const bill = router ? context.bill?.() : undefined;
  const metadata = context.metadata?.();
  return {
    id: context.id,
    object: 'list',
    model: context.model,
    ...(router && context.provider !== undefined && { provider: context.provider }),
    data: vectorsOf(generation).map((vector, index) => ({
      object: 'embedding',
      index,
      embedding: base64 ? packed(vector) : unpacked(vector),
    })),
    usage: {
      prompt_tokens: input,
      total_tokens: input,
      ...(bill && {
        cost: bill.costUsd,
        is_byok: false,
        cost_details: {
          upstream_inference_cost: bill.costUsd,
          upstream_inference_prompt_cost: bill.promptCostUsd,
          upstream_inference_completions_cost: bill.completionCostUsd,
        },
      }),
      ...(router && modalities(context, input)),
    },
    ...(metadata !== undefined && { openrouter_metadata: metadata }),
  };
}

const partWire = (one: Part): Record<string, unknown> | undefined => {
  if (one.kind === 'text') return { type: 'text', text: one.text };
  if (one.kind === 'image') return { type: 'image_url', image_url: { url: one.url } };
  if (one.kind === 'audio') return { type: 'input_audio', input_audio: { data: one.data, format: one.format } };
  if (one.kind === 'video') return { type: 'input_video', video_url: { url: one.url } };
  return one.kind === 'file' ? { type: 'file', file: { filename: one.filename, file_data: one.data } } : undefined;
};

/** One text alone stays alone: that is what most hosts and their caches see. */
function inputWire(inputs: readonly (readonly Part[] | TokenIds)[], rich: boolean): unknown {
  const wires = inputs.map((input) =>
    'tokenIds' in input ? input.tokenIds : (wordsOf(input) ?? (rich ? { content: input.map(partWire) } : undefined)),
  );
  return wires.length === 1 && typeof wires[0] === 'string' ? wires[0] : wires;
}

function encodeRequest(request: GenerationRequest, target: Target): EncodedRequest {
  const dropped: Dropped[] = [];
  const { inputs, dimensions, base64, inputType } = embeddingsOf(request);
  const rich = target.quirks.has('router-answers');
  const plain = inputs.every((input) => 'tokenIds' in input || wordsOf(input) !== undefined);
  const length = target.quirks.has('output-dimension') ? 'output_dimension' : 'dimensions';
  const extras = inputType === undefined ? {} : { input_type: inputType };
  const body = {
    model: target.upstreamModel,
    input: inputWire(inputs, rich),
    ...(dimensions !== undefined && { [length]: dimensions }),
    ...(base64 && { encoding_format: 'base64' }),
    ...extraFields(
      { ...request, extras: { ...request.extras, [ID]: { ...request.extras[ID], ...extras } } },
      ID,
      target,
      dropped,
    ),
  };
  return {
    path: '/embeddings',
    body: JSON.stringify(body),
    dropped,
    expectation: EXPECT_NOTHING,
    ...(!plain && !rich && { unable: TEXT_ONLY }),
  };
}

function decodeWhole(body: unknown): readonly GenerationEvent[] {
  const wire = asObject(body);
  const data = asArray(wire?.data)?.map((one) => asObject(one) ?? {});
  if (wire && !data) return [{ type: 'generation-error', error: classify(200, wire) }];
  const places: ReturnType<typeof asVector>[] = new Array(data?.length ?? 0).fill(undefined);
  for (const [place, one] of (data ?? []).entries()) places[asCount(one.index) ?? place] = asVector(one.embedding);
  const usage = asObject(wire?.usage);
  const count = asCount(usage?.prompt_tokens) ?? asCount(usage?.total_tokens);
  return vectorEvents(
    places,
    inputUsage(count, wire?.usage),
    present({ id: asText(wire?.id), model: asText(wire?.model) }),
  );
}

export const openaiEmbeddings: Dialect = {
  ...WHOLE_ONLY,
  id: ID,
  route: '/embeddings',
  decodeRequest,
  encodeWhole,
  encodeError,
  encodeRequest,
  decodeWhole,
};
