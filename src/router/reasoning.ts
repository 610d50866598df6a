import { effortOf, type GenerationRequest } from '../canon/request.ts';
import type { Model } from '../catalogue/types.ts';

/** A model that always thinks is asked not to. */
export const thinksAgainstWish = ({ reasoning }: GenerationRequest, model: Model): boolean =>
  reasoning !== undefined && model.reasoning?.mandatory === true && effortOf(reasoning) === 'none';
