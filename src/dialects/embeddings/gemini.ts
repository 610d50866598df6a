import { z } from 'zod';
import type { Dropped } from '../../canon/dropped.ts';
import { NO_PREFERENCES } from '../../canon/preferences.ts';
import type { Part } from '../../canon/request.ts';
import { fail, ok } from '../../canon/result.ts';
import { tokens } from '../../canon/units.ts';
import { classify } from '../classify.ts';
import { dataUrl } from '../data-url.ts';
import { type Dialect, EXPECT_NOTHING } from '../dialect.ts';
import { extraFields } from '../extras.ts';
import { encodeError } from '../gemini-generate/ingress-error.ts';
import { invalidIssues, present } from '../ingress.ts';
import { asArray, asCount, asObject } from '../read.ts';
import { WHOLE_ONLY } from '../whole-only.ts';
import { asVector, embeddingsOf, inputUsage, unpacked, vectorEvents, vectorsOf } from './vectors.ts';

/** `:batchEmbedContents` as Google's Gemini API speaks it. */

const ID = 'gemini-embed';

const part = z.looseObject({
  text: z.string().nullish(),
  inlineData: z.looseObject({ mimeType: z.string(), data: z.string() }).nullish(),
});
const batchRequest = z.looseObject({
  model: z.string().min(1),
  requests: z
    .array(
      z.looseObject({
        content: z.looseObject({ parts: z.array(part).min(1) }),
        taskType: z.string().nullish(),
        outputDimensionality: z.int().min(1).nullish(),
      }),
    )
    .min(1)
    .max(100),
});

/** What vectors are for, in this maker's words. */
const TASKS: Readonly<Record<string, string>> = {
  search_query: 'RETRIEVAL_QUERY',
  query: 'RETRIEVAL_QUERY',
  search_document: 'RETRIEVAL_DOCUMENT',
  document: 'RETRIEVAL_DOCUMENT',
  passage: 'RETRIEVAL_DOCUMENT',
  classification: 'CLASSIFICATION',
  clustering: 'CLUSTERING',
};

function partWire(one: Part): Record<string, unknown> | undefined {
  if (one.kind === 'text') return { text: one.text };
  if (one.kind === 'audio') return { inlineData: { mimeType: `audio/${one.format}`, data: one.data } };
  const address = one.kind === 'image' || one.kind === 'video' ? one.url : one.kind === 'file' ? one.data : undefined;
  const inline = address === undefined ? undefined : dataUrl(address);
  return inline && { inlineData: { mimeType: inline.mediaType, data: inline.data } };
}

export const geminiEmbed: Dialect = {
  ...WHOLE_ONLY,
  id: ID,
  route: '/models/{model}:batchEmbedContents',
  fromPath: (path) => {
    const [, model] = /^\/models\/(.+):batchEmbedContents$/.exec(path) ?? [];
    return model === undefined ? undefined : { fields: { model: decodeURIComponent(model) }, counts: false };
  },
  encodeError,
  decodeRequest(body) {
    const parsed = batchRequest.safeParse(body);
    if (!parsed.success) return fail(invalidIssues(parsed.error));
    const [first] = parsed.data.requests;
    return ok({
      model: parsed.data.model,
      fallbacks: [],
      messages: [],
      tools: [],
      sampling: {},
      stream: false,
      preferences: NO_PREFERENCES,
      echoUpstreamBody: false,
      extras: {},
      operation: {
        kind: 'embeddings',
        inputs: parsed.data.requests.map(({ content }) =>
          content.parts.map(
            ({ text, inlineData }): Part =>
              inlineData
                ? { kind: 'image', url: `data:${inlineData.mimeType};base64,${inlineData.data}` }
                : { kind: 'text', text: text ?? '' },
          ),
        ),
        base64: false,
        ...present({ dimensions: first?.outputDimensionality, inputType: first?.taskType }),
      },
    });
  },
  encodeWhole: (generation) => ({
    embeddings: vectorsOf(generation).map((vector) => ({ values: unpacked(vector) })),
    usageMetadata: { promptTokenCount: tokens(generation.usage?.counts ?? {}, 'input') },
  }),
  encodeRequest(request, target) {
    const dropped: Dropped[] = [];
    const { inputs, dimensions, inputType } = embeddingsOf(request);
    const contents = inputs.map((input) => ('tokenIds' in input ? [undefined] : input.map(partWire)));
    const taskType = inputType === undefined ? undefined : TASKS[inputType];
    if (inputType !== undefined && taskType === undefined)
      dropped.push({ pointer: '/input_type', reason: 'unsupported' });
    const requests = contents.map((parts) => ({
      model: `models/${target.upstreamModel}`,
      content: { parts },
      ...(taskType !== undefined && { taskType }),
      ...(dimensions !== undefined && { outputDimensionality: dimensions }),
    }));
    const body = { requests, ...extraFields(request, ID, target, dropped) };
    const plain = contents.every((parts) => parts.every((one) => one !== undefined));
    return {
      path: `/models/${target.upstreamModel}:batchEmbedContents`,
      body: JSON.stringify(body),
      dropped,
      expectation: EXPECT_NOTHING,
      ...(!plain && { unable: 'takes no token numbers' }),
    };
  },
  decodeWhole(body) {
    const wire = asObject(body);
    const list = asArray(wire?.embeddings);
    if (wire && !list) return [{ type: 'generation-error', error: classify(200, wire) }];
    const count = asCount(asObject(wire?.usageMetadata)?.promptTokenCount);
    const vectors = (list ?? []).map((one) => asVector(asObject(one)?.values));
    return vectorEvents(vectors, inputUsage(count, wire?.usageMetadata));
  },
};
