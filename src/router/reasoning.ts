import { effortOf, type GenerationRequest } from '../canon/request.ts';
import type { Snapshot } from '../catalogue/snapshot.ts';
import type { Model } from '../catalogue/types.ts';

/** A model that always thinks is asked not to. */
export const thinksAgainstWish = ({ reasoning }: GenerationRequest, model: Model): boolean =>
  reasoning !== undefined && model.reasoning?.mandatory === true && effortOf(reasoning) === 'none';

const PRO = /-pro(-preview)?$/;

/** The model itself, or its pro form where that is asked for and there is one: a model of its own, at the hosts that have it. */
export function inWantedForm(model: Model, { reasoning }: GenerationRequest, snapshot: Snapshot): Model {
  if (!reasoning?.pro || PRO.test(model.id)) return model;
  return snapshot.model(`${model.id}-pro`) ?? model;
}

/** The pro form of a model that has none is asked for. */
export const lacksPro = ({ reasoning }: GenerationRequest, model: Model): boolean =>
  reasoning?.pro === true && !PRO.test(model.id);
