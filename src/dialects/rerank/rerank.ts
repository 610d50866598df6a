import { z } from 'zod';
import type { Dropped } from '../../canon/dropped.ts';
import { NO_PREFERENCES, preferencesSchema } from '../../canon/preferences.ts';
import type { RankedDocument } from '../../canon/request.ts';
import { fail, ok } from '../../canon/result.ts';
import { tokens } from '../../canon/units.ts';
import { classify } from '../classify.ts';
import { type Dialect, EXPECT_NOTHING } from '../dialect.ts';
import { extraFields } from '../extras.ts';
import { invalidIssues, modelSlug, present, unknownFields } from '../ingress.ts';
import { encodeError } from '../openai-chat/ingress-error.ts';
import { asArray, asCount, asObject } from '../read.ts';
import { WHOLE_ONLY } from '../whole-only.ts';
import { rerankOf, scoreEvents, scoresOf } from './scores.ts';

/** `POST /rerank` as OpenRouter, Jina, Voyage and Cohere speak it, each with a word or two of its own (spec/inference 8.3). */

const DOCUMENTS_MAX = 1000;

export const rerankRequest = z.looseObject({
  model: modelSlug.nullish(),
  query: z.string().min(1, 'must not be empty'),
  documents: z
    .array(
      z.union([
        z.string(),
        z
          .looseObject({ text: z.string().nullish(), image: z.string().nullish() })
          .refine(({ text, image }) => text != null || image != null, 'must have a text or an image'),
      ]),
    )
    .min(1, 'must hold at least one document')
    .max(DOCUMENTS_MAX),
  top_n: z.int().min(1).nullish(),
  top_k: z.int().min(1).nullish(),
  provider: preferencesSchema.nullish(),
});
const KNOWN: ReadonlySet<string> = new Set(Object.keys(rerankRequest.shape));

const ID = 'rerank';

/** A text alone travels as text: every host takes that. */
const documentWire = ({ text, image }: RankedDocument): unknown =>
  image === undefined ? (text ?? '') : { text, image };

export const rerank: Dialect = {
  ...WHOLE_ONLY,
  id: ID,
  route: '/rerank',
  encodeError,
  decodeRequest(body) {
    const parsed = rerankRequest.safeParse(body);
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
        kind: 'rerank',
        query: wire.query,
        documents: wire.documents.map((one) =>
          typeof one === 'string' ? { text: one } : present({ text: one.text, image: one.image }),
        ),
        ...present({ topN: wire.top_n ?? wire.top_k }),
      },
    });
  },
  encodeWhole(generation, context) {
    if (generation.error) return encodeError(generation.error, { quirks: context.quirks, origin: '' }).body;
    const { operation } = context.request ?? {};
    const asked = operation?.kind === 'rerank' ? operation : undefined;
    const router = context.quirks.has('router-answers');
    const bill = router ? context.bill?.() : undefined;
    const counts = generation.usage?.counts ?? {};
    const metadata = context.metadata?.();
    const units = counts.request ?? 0;
    return {
      id: context.id,
      model: context.model,
      ...(router && context.provider !== undefined && { provider: context.provider }),
      [context.quirks.has('top-k-rerank') ? 'data' : 'results']: scoresOf(generation)
        .slice(0, asked?.topN)
        .map(({ index, score }) => ({
          index,
          relevance_score: score,
          ...(router && { document: asked?.documents[index] ?? {} }),
        })),
      usage: {
        total_tokens: tokens(counts, 'input'),
        ...(units > 0 && { search_units: units }),
        ...(bill && { cost: bill.costUsd }),
      },
      ...(units > 0 && !router && { meta: { billed_units: { search_units: units } } }),
      ...(metadata !== undefined && { openrouter_metadata: metadata }),
    };
  },
  encodeRequest(request, target) {
    const dropped: Dropped[] = [];
    const { query, documents, topN } = rerankOf(request);
    const body = {
      model: target.upstreamModel,
      query,
      documents: documents.map(documentWire),
      ...(topN !== undefined && { [target.quirks.has('top-k-rerank') ? 'top_k' : 'top_n']: topN }),
      ...extraFields(request, ID, target, dropped),
    };
    return { path: '/rerank', body: JSON.stringify(body), dropped, expectation: EXPECT_NOTHING };
  },
  decodeWhole(body) {
    const wire = asObject(body);
    const list = asArray(wire?.results) ?? asArray(wire?.data);
    if (wire && !list) return [{ type: 'generation-error', error: classify(200, wire) }];
    const usage = asObject(wire?.usage);
    const billed = asObject(asObject(wire?.meta)?.billed_units);
    const units = asCount(billed?.search_units) ?? asCount(usage?.search_units);
    const input = asCount(usage?.total_tokens) ?? asCount(billed?.input_tokens);
    if (units === undefined && input === undefined) return scoreEvents(list, undefined);
    const counts = { ...(units && { request: units }), ...(input && { input }) };
    return scoreEvents(list, { counts, estimated: false, raw: wire?.usage ?? wire?.meta });
  },
};
