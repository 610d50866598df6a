import type { GenerationRequest } from '../../canon/request.ts';
import type { Target } from '../../canon/target.ts';

const camel = (name: string): string => name.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());

/** What a model that draws is told of the picture; undefined where there is nothing to tell, or nobody who draws. */
export function imageConfig(
  { imageConfig: wish }: GenerationRequest,
  target: Target,
): Record<string, unknown> | undefined {
  if (!wish || !(target.outputModalities?.includes('image') ?? true)) return undefined;
  return Object.fromEntries(Object.entries(wish).map(([name, value]) => [camel(name), value]));
}
