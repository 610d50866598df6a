import { z } from 'zod';

/** The request body of Cohere's second chat API (spec/providers B.5): strict about the fields we read, tolerant of all others. */

const jsonObject = z.record(z.string(), z.unknown());

const part = z.looseObject({
  type: z.string(),
  text: z.string().nullish(),
  thinking: z.string().nullish(),
  image_url: z.looseObject({ url: z.string().min(1), detail: z.string().nullish() }).nullish(),
  document: z.looseObject({ data: z.unknown().optional() }).nullish(),
});
export type PartWire = z.infer<typeof part>;

const toolCall = z.looseObject({
  id: z.string().min(1),
  function: z.looseObject({ name: z.string().min(1), arguments: z.string().nullish() }),
});

const message = z.looseObject({
  role: z.enum(['system', 'user', 'assistant', 'tool']),
  content: z.union([z.string(), z.array(part)]).nullish(),
  tool_calls: z.array(toolCall).nullish(),
  tool_plan: z.string().nullish(),
  tool_call_id: z.string().nullish(),
});
export type MessageWire = z.infer<typeof message>;

const tool = z.looseObject({
  type: z.literal('function'),
  function: z.looseObject({
    name: z.string().min(1),
    description: z.string().nullish(),
    parameters: jsonObject.nullish(),
  }),
});

export const cohereRequest = z.looseObject({
  model: z.string().min(1).nullish(),
  stream: z.boolean().nullish(),
  messages: z.array(message).min(1, 'must hold at least one message'),
  tools: z.array(tool).nullish(),
  tool_choice: z.enum(['REQUIRED', 'NONE']).nullish(),
  strict_tools: z.boolean().nullish(),
  response_format: z
    .looseObject({ type: z.enum(['text', 'json_object']), json_schema: jsonObject.nullish() })
    .nullish(),
  thinking: z.looseObject({ type: z.enum(['enabled', 'disabled']), token_budget: z.int().min(1).nullish() }).nullish(),
  max_tokens: z.int().min(1).nullish(),
  temperature: z.number().min(0).max(1).nullish(),
  p: z.number().min(0.01).max(0.99).nullish(),
  k: z.number().min(0).max(500).nullish(),
  seed: z.int().nullish(),
  frequency_penalty: z.number().min(0).max(1).nullish(),
  presence_penalty: z.number().min(0).max(1).nullish(),
  stop_sequences: z.array(z.string()).max(5, 'at most 5 sequences').nullish(),
  logprobs: z.boolean().nullish(),
});
export type CohereRequestWire = z.infer<typeof cohereRequest>;

/** The fields above: whatever else stands at the top level is an extra. */
export const KNOWN_FIELDS: ReadonlySet<string> = new Set(Object.keys(cohereRequest.shape));
