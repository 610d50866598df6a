import { z } from 'zod';
import { pluginsSchema } from '../../canon/plugins.ts';
import { preferencesSchema } from '../../canon/preferences.ts';
import { modelSlug, modelSlugs, sessionId } from '../ingress.ts';

/**
 * The request body of `generateContent`, with the model and whether to stream, which its path says (spec/providers B.3): strict about the
 * fields we read, tolerant of all others. `null` means absent.
 */

const jsonObject = z.record(z.string(), z.unknown());

const part = z.looseObject({
  text: z.string().nullish(),
  thought: z.boolean().nullish(),
  thoughtSignature: z.string().nullish(),
  inlineData: z.looseObject({ mimeType: z.string().min(1), data: z.string().min(1) }).nullish(),
  fileData: z.looseObject({ mimeType: z.string().nullish(), fileUri: z.string().min(1) }).nullish(),
  functionCall: z
    .looseObject({ id: z.string().nullish(), name: z.string().min(1), args: jsonObject.nullish() })
    .nullish(),
  functionResponse: z
    .looseObject({ id: z.string().nullish(), name: z.string().min(1), response: jsonObject.nullish() })
    .nullish(),
});
export type PartWire = z.infer<typeof part>;

const content = z.looseObject({ role: z.enum(['user', 'model', 'function']).nullish(), parts: z.array(part) });
export type ContentWire = z.infer<typeof content>;

const tool = z.looseObject({
  functionDeclarations: z
    .array(
      z.looseObject({
        name: z
          .string()
          .regex(/^[a-zA-Z_][a-zA-Z0-9_.:-]{0,63}$/, 'must begin with a letter and have 64 characters at most'),
        description: z.string().nullish(),
        parameters: jsonObject.nullish(),
        parametersJsonSchema: jsonObject.nullish(),
      }),
    )
    .nullish(),
});
export type ToolWire = z.infer<typeof tool>;

const thinkingConfig = z.looseObject({
  includeThoughts: z.boolean().nullish(),
  thinkingBudget: z.int().min(-1).nullish(),
  thinkingLevel: z.string().nullish(),
});
export type ThinkingWire = z.infer<typeof thinkingConfig>;

const generationConfig = z.looseObject({
  temperature: z.number().min(0).max(2).nullish(),
  topP: z.number().gt(0).max(1).nullish(),
  topK: z.number().min(0).nullish(),
  maxOutputTokens: z.int().min(1).nullish(),
  stopSequences: z.array(z.string()).max(5, 'at most 5 sequences').nullish(),
  seed: z.int().nullish(),
  presencePenalty: z.number().min(-2).max(2).nullish(),
  frequencyPenalty: z.number().min(-2).max(2).nullish(),
  responseLogprobs: z.boolean().nullish(),
  logprobs: z.int().min(0).max(20).nullish(),
  candidateCount: z.int().min(1).max(1, 'one candidate per request').nullish(),
  responseMimeType: z.string().nullish(),
  responseSchema: jsonObject.nullish(),
  responseJsonSchema: jsonObject.nullish(),
  responseModalities: z.array(z.string()).nullish(),
  thinkingConfig: thinkingConfig.nullish(),
});
export type GenerationConfigWire = z.infer<typeof generationConfig>;

export const generateRequest = z.looseObject({
  model: modelSlug.nullish(),
  models: modelSlugs.nullish(),
  stream: z.boolean().nullish(),
  contents: z.array(content).min(1, 'must hold at least one content').max(5000),
  systemInstruction: z.looseObject({ parts: z.array(part) }).nullish(),
  tools: z.array(tool).max(512).nullish(),
  toolConfig: z
    .looseObject({
      functionCallingConfig: z
        .looseObject({
          mode: z.enum(['MODE_UNSPECIFIED', 'AUTO', 'ANY', 'NONE', 'VALIDATED']).nullish(),
          allowedFunctionNames: z.array(z.string()).nullish(),
        })
        .nullish(),
    })
    .nullish(),
  generationConfig: generationConfig.nullish(),
  provider: preferencesSchema.nullish(),
  plugins: pluginsSchema.nullish(),
  session_id: sessionId.nullish(),
});
export type GenerateRequestWire = z.infer<typeof generateRequest>;

/** The fields above: whatever else stands at the top level is an extra. */
export const KNOWN_FIELDS: ReadonlySet<string> = new Set(Object.keys(generateRequest.shape));

/** The fields of `generationConfig` that are read. */
export const KNOWN_CONFIG: ReadonlySet<string> = new Set(Object.keys(generationConfig.shape));
