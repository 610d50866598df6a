import type { AnswerContext } from '../dialects/dialect.ts';
import { type Call, OUR_QUIRKS } from './call.ts';

/** What an answer says of itself whoever gave it: what the request alone tells. */
export const askedContext = ({
  id,
  acceptedAt,
  request,
  origin,
}: Pick<Call, 'id' | 'acceptedAt' | 'request' | 'origin'>): Omit<AnswerContext, 'model'> => ({
  id,
  origin: origin.baseUrl,
  created: Math.floor(acceptedAt / 1000),
  quirks: OUR_QUIRKS,
  showReasoning: request.reasoning?.exclude !== true,
  ...(request.reasoning?.sealed && { sealedReasoning: true }),
  streamUsage: true,
  ...(origin.usagePlaceholder && { usagePlaceholder: true }),
  request,
});
