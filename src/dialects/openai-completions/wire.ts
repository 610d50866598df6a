import { z } from 'zod';

/** What this wire has beside the sampling and routing fields of a chat request (spec/inference 8.1). */
export const completionsRequest = z.looseObject({
  prompt: z.union([z.string(), z.array(z.string()).min(1)]),
  suffix: z.string().nullish(),
  logprobs: z.int().min(0).max(20).nullish(),
});
