import { z } from 'zod';

/**
 * The request body of Amazon's Converse API, with the model and whether to stream, which its path says (spec/providers B.4): strict about
 * the fields we read, tolerant of all others.
 */

const jsonObject = z.record(z.string(), z.unknown());
const cachePoint = z.looseObject({ type: z.literal('default'), ttl: z.enum(['5m', '1h']).nullish() });
const source = z.looseObject({ bytes: z.string().nullish(), text: z.string().nullish() });
const media = z.looseObject({ format: z.string(), source });

const resultContent = z.looseObject({
  text: z.string().nullish(),
  json: z.unknown().optional(),
  image: media.nullish(),
});

const block = z.looseObject({
  text: z.string().nullish(),
  image: media.nullish(),
  video: media.nullish(),
  audio: media.nullish(),
  document: media.extend({ name: z.string().nullish() }).nullish(),
  toolUse: z
    .looseObject({ toolUseId: z.string().min(1), name: z.string().min(1), input: z.unknown().optional() })
    .nullish(),
  toolResult: z
    .looseObject({
      toolUseId: z.string().min(1),
      content: z.array(resultContent).nullish(),
      status: z.enum(['success', 'error']).nullish(),
    })
    .nullish(),
  reasoningContent: z
    .looseObject({
      reasoningText: z.looseObject({ text: z.string(), signature: z.string().nullish() }).nullish(),
      redactedContent: z.string().nullish(),
    })
    .nullish(),
  cachePoint: cachePoint.nullish(),
});
export type BlockWire = z.infer<typeof block>;

const message = z.looseObject({ role: z.enum(['user', 'assistant']), content: z.array(block) });
export type MessageWire = z.infer<typeof message>;

const tool = z.looseObject({
  toolSpec: z
    .looseObject({
      name: z.string().regex(/^[a-zA-Z0-9_-]{1,64}$/, 'must have 64 letters, digits, _ or - at most'),
      description: z.string().min(1).nullish(),
      inputSchema: z.looseObject({ json: jsonObject }),
      strict: z.boolean().nullish(),
    })
    .nullish(),
  cachePoint: cachePoint.nullish(),
});

export const converseRequest = z.looseObject({
  model: z.string().min(1).nullish(),
  stream: z.boolean().nullish(),
  messages: z.array(message).min(1, 'must hold at least one message'),
  system: z.array(z.looseObject({ text: z.string().min(1).nullish(), cachePoint: cachePoint.nullish() })).nullish(),
  inferenceConfig: z
    .looseObject({
      maxTokens: z.int().min(1).nullish(),
      temperature: z.number().min(0).max(1).nullish(),
      topP: z.number().min(0).max(1).nullish(),
      stopSequences: z.array(z.string()).nullish(),
    })
    .nullish(),
  toolConfig: z
    .looseObject({
      tools: z.array(tool).min(1),
      toolChoice: z
        .looseObject({
          auto: jsonObject.nullish(),
          any: jsonObject.nullish(),
          tool: z.looseObject({ name: z.string() }).nullish(),
        })
        .nullish(),
    })
    .nullish(),
  outputConfig: z
    .looseObject({
      effort: z.string().nullish(),
      textFormat: z
        .looseObject({
          type: z.literal('json_schema'),
          structure: z.looseObject({
            jsonSchema: z.looseObject({
              schema: z.string(),
              name: z.string().nullish(),
              description: z.string().nullish(),
            }),
          }),
        })
        .nullish(),
    })
    .nullish(),
  additionalModelRequestFields: jsonObject.nullish(),
  requestMetadata: z.record(z.string(), z.string()).nullish(),
  serviceTier: z.looseObject({ type: z.string() }).nullish(),
});
export type ConverseRequestWire = z.infer<typeof converseRequest>;

/** The fields above: whatever else stands at the top level is an extra. */
export const KNOWN_FIELDS: ReadonlySet<string> = new Set(Object.keys(converseRequest.shape));
