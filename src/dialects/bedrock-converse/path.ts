import type { PathCall } from '../dialect.ts';

/** `/model/{id}/converse`: an id may be an ARN, whose slashes and colons are escaped (spec/providers B.4.1). */
export function fromPath(path: string): PathCall | undefined {
  const [, model, method] = /^\/model\/([^/]+)\/(converse|converse-stream)$/.exec(path) ?? [];
  if (model === undefined) return undefined;
  return { fields: { model: decodeURIComponent(model), stream: method === 'converse-stream' }, counts: false };
}

export const toPath = (model: string, stream: boolean): string =>
  `/model/${encodeURIComponent(model)}/${stream ? 'converse-stream' : 'converse'}`;
