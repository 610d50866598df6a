import type { Quirk, Target } from '../../canon/target.ts';
import type { PathCall } from '../dialect.ts';

const PLAIN = '/messages';

/** Google's cloud names the model and the method in the address (spec/providers B.2.9). */
export function hostPath(path: string, quirks: ReadonlySet<Quirk>): PathCall | undefined {
  if (!quirks.has('vertex-body')) return path === PLAIN ? { fields: {}, counts: false } : undefined;
  const [, model, method] = /^\/models\/(.+):(rawPredict|streamRawPredict)$/.exec(path) ?? [];
  if (model === undefined) return undefined;
  return { fields: { model: decodeURIComponent(model), stream: method === 'streamRawPredict' }, counts: false };
}

export const pathOf = ({ quirks, upstreamModel }: Target, stream: boolean): string =>
  quirks.has('vertex-body') ? `/models/${upstreamModel}:${stream ? 'streamRawPredict' : 'rawPredict'}` : PLAIN;
