import { z } from 'zod';
import type { Dropped } from '../../canon/dropped.ts';
import { NO_PREFERENCES, preferencesSchema } from '../../canon/preferences.ts';
import { fail, ok } from '../../canon/result.ts';
import { tokens } from '../../canon/units.ts';
import { classify } from '../classify.ts';
import { type Dialect, EXPECT_NOTHING } from '../dialect.ts';
import { extraFields } from '../extras.ts';
import { invalidIssues, modelSlug, present, unknownFields } from '../ingress.ts';
import { encodeError } from '../ollama-chat/ingress-answer.ts';
import { asArray, asCount, asObject, asText } from '../read.ts';
import { WHOLE_ONLY } from '../whole-only.ts';
import {
  asVector,
  embeddingsOf,
  inputUsage,
  TEXT_ONLY,
  unpacked,
  vectorEvents,
  vectorsOf,
  wordsOf,
} from './vectors.ts';

/** `POST /api/embed` as Ollama speaks it. */

const ID = 'ollama-embed';

export const ollamaEmbedRequest = z.looseObject({
  model: modelSlug.nullish(),
  input: z.union([z.string().min(1), z.array(z.string().min(1)).min(1)]),
  dimensions: z.int().min(1).nullish(),
  provider: preferencesSchema.nullish(),
});
const KNOWN: ReadonlySet<string> = new Set(Object.keys(ollamaEmbedRequest.shape));

export const ollamaEmbed: Dialect = {
  ...WHOLE_ONLY,
  id: ID,
  bases: [''],
  route: '/api/embed',
  encodeError,
  decodeRequest(body) {
    const parsed = ollamaEmbedRequest.safeParse(body);
    if (!parsed.success) return fail(invalidIssues(parsed.error));
    const { model, input, dimensions, provider } = parsed.data;
    const texts = typeof input === 'string' ? [input] : input;
    return ok({
      model: model?.replace(/:latest$/, ''),
      fallbacks: [],
      messages: [],
      tools: [],
      sampling: {},
      stream: false,
      preferences: provider ?? NO_PREFERENCES,
      echoUpstreamBody: false,
      extras: unknownFields(parsed.data, KNOWN, ID),
      operation: {
        kind: 'embeddings',
        inputs: texts.map((text) => [{ kind: 'text', text }]),
        base64: false,
        ...present({ dimensions }),
      },
    });
  },
  encodeWhole(generation, context) {
    const bill = context.quirks.has('router-answers') ? context.bill?.() : undefined;
    return {
      model: context.model,
      embeddings: vectorsOf(generation).map(unpacked),
      prompt_eval_count: tokens(generation.usage?.counts ?? {}, 'input'),
      ...(bill && { cost: bill.costUsd }),
    };
  },
  encodeRequest(request, target) {
    const dropped: Dropped[] = [];
    const { inputs, dimensions, inputType } = embeddingsOf(request);
    if (inputType !== undefined) dropped.push({ pointer: '/input_type', reason: 'unsupported' });
    const texts = inputs.map(wordsOf);
    const body = {
      model: target.upstreamModel,
      input: texts,
      ...(dimensions !== undefined && { dimensions }),
      ...extraFields(request, ID, target, dropped),
    };
    return {
      path: '/api/embed',
      body: JSON.stringify(body),
      dropped,
      expectation: EXPECT_NOTHING,
      ...(texts.includes(undefined) && { unable: TEXT_ONLY }),
    };
  },
  decodeWhole(body) {
    const wire = asObject(body);
    const list = asArray(wire?.embeddings);
    if (wire && !list) return [{ type: 'generation-error', error: classify(200, wire) }];
    const usage = inputUsage(asCount(wire?.prompt_eval_count), { prompt_eval_count: wire?.prompt_eval_count });
    return vectorEvents((list ?? []).map(asVector), usage, present({ model: asText(wire?.model) }));
  },
};
