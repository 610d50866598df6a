import type { PathCall } from '../dialect.ts';

const METHODS: Readonly<Record<string, Omit<PathCall, 'fields'> & { readonly stream: boolean }>> = {
  generateContent: { stream: false, counts: false },
  streamGenerateContent: { stream: true, counts: false },
  countTokens: { stream: false, counts: true },
};

/** `/models/author/slug:generateContent`: the model may have slashes and colons of its own, the method is after the last colon. */
export function fromPath(path: string): PathCall | undefined {
  const prefix = '/models/';
  const colon = path.lastIndexOf(':');
  const method = METHODS[path.slice(colon + 1)];
  if (!path.startsWith(prefix) || colon < 0 || !method) return undefined;
  const model = decodeURIComponent(path.slice(prefix.length, colon));
  return { fields: { model, stream: method.stream }, counts: method.counts };
}
