import { z } from 'zod';
import type { Dropped } from '../../canon/dropped.ts';
import { NO_PREFERENCES } from '../../canon/preferences.ts';
import type { Part } from '../../canon/request.ts';
import { fail, ok } from '../../canon/result.ts';
import { tokens } from '../../canon/units.ts';
import { classify } from '../classify.ts';
import { encodeError } from '../cohere-v2/ingress-answer.ts';
import { type Dialect, EXPECT_NOTHING } from '../dialect.ts';
import { extraFields } from '../extras.ts';
import { invalidIssues, present, unknownFields } from '../ingress.ts';
import { asArray, asCount, asObject, asText } from '../read.ts';
import { WHOLE_ONLY } from '../whole-only.ts';
import { asVector, embeddingsOf, inputUsage, packed, unpacked, vectorEvents, vectorsOf } from './vectors.ts';

/** `POST /v2/embed` as Cohere speaks it. */

const ID = 'cohere-embed';
/** Where nobody says what vectors are for, they are for being found. */
const INPUT_TYPE = 'search_document';

const part = z.union([
  z.looseObject({ type: z.literal('text'), text: z.string() }),
  z.looseObject({ type: z.literal('image_url'), image_url: z.looseObject({ url: z.string() }) }),
]);
const embedRequest = z.looseObject({
  model: z.string().min(1),
  input_type: z.string(),
  texts: z.array(z.string()).nullish(),
  inputs: z.array(z.looseObject({ content: z.array(part).min(1) })).nullish(),
  embedding_types: z.array(z.enum(['float', 'base64'])).nullish(),
  output_dimension: z.int().min(1).nullish(),
});
const KNOWN: ReadonlySet<string> = new Set(Object.keys(embedRequest.shape));

const partWire = (one: Part): z.infer<typeof part> | undefined => {
  if (one.kind === 'text') return { type: 'text', text: one.text };
  return one.kind === 'image' ? { type: 'image_url', image_url: { url: one.url } } : undefined;
};

export const cohereEmbed: Dialect = {
  ...WHOLE_ONLY,
  id: ID,
  route: '/embed',
  encodeError,
  decodeRequest(body) {
    const parsed = embedRequest.safeParse(body);
    if (!parsed.success) return fail(invalidIssues(parsed.error));
    const wire = parsed.data;
    const texts = (wire.texts ?? []).map((text): readonly Part[] => [{ kind: 'text', text }]);
    const inputs = (wire.inputs ?? []).map(({ content }): readonly Part[] =>
      content.map((one) =>
        one.type === 'text' ? { kind: 'text', text: one.text } : { kind: 'image', url: one.image_url.url },
      ),
    );
    return ok({
      model: wire.model,
      fallbacks: [],
      messages: [],
      tools: [],
      sampling: {},
      stream: false,
      preferences: NO_PREFERENCES,
      echoUpstreamBody: false,
      extras: unknownFields(wire, KNOWN, ID),
      operation: {
        kind: 'embeddings',
        inputs: [...texts, ...inputs],
        base64: wire.embedding_types?.[0] === 'base64',
        inputType: wire.input_type,
        ...present({ dimensions: wire.output_dimension }),
      },
    });
  },
  encodeWhole(generation, context) {
    const { operation } = context.request ?? {};
    const base64 = operation?.kind === 'embeddings' && operation.base64;
    const vectors = vectorsOf(generation);
    return {
      id: context.id,
      embeddings: base64 ? { base64: vectors.map(packed) } : { float: vectors.map(unpacked) },
      meta: { billed_units: { input_tokens: tokens(generation.usage?.counts ?? {}, 'input') } },
    };
  },
  encodeRequest(request, target) {
    const dropped: Dropped[] = [];
    const { inputs, dimensions, base64, inputType } = embeddingsOf(request);
    const contents = inputs.map((input) => ({ content: 'tokenIds' in input ? [undefined] : input.map(partWire) }));
    const body = {
      model: target.upstreamModel,
      input_type: inputType ?? INPUT_TYPE,
      inputs: contents,
      embedding_types: [base64 ? 'base64' : 'float'],
      ...(dimensions !== undefined && { output_dimension: dimensions }),
      ...extraFields(request, ID, target, dropped),
    };
    const plain = contents.every(({ content }) => content.every((one) => one !== undefined));
    return {
      path: '/embed',
      body: JSON.stringify(body),
      dropped,
      expectation: EXPECT_NOTHING,
      ...(!plain && { unable: 'takes text and pictures only' }),
    };
  },
  decodeWhole(body) {
    const wire = asObject(body);
    const all = asObject(wire?.embeddings);
    const list = asArray(all?.float) ?? asArray(all?.base64) ?? asArray(wire?.embeddings);
    if (wire && !list) return [{ type: 'generation-error', error: classify(200, wire) }];
    const count = asCount(asObject(asObject(wire?.meta)?.billed_units)?.input_tokens);
    return vectorEvents((list ?? []).map(asVector), inputUsage(count, wire?.meta), present({ id: asText(wire?.id) }));
  },
};
