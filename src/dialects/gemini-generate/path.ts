import type { PathCall } from '../dialect.ts';

const METHODS: Readonly<Record<string, Omit<PathCall, 'fields'> & { readonly stream: boolean }>> = {
  generateContent: { stream: false, counts: false },
  streamGenerateContent: { stream: true, counts: false },
  countTokens: { stream: false, counts: true },
};

/**
 * `/models/author/slug:generateContent`: the model may have slashes and colons of its own, the method is after the last colon. Some
 * clients leave `models/` out where the model's name has a slash.
 */
export function fromPath(path: string): PathCall | undefined {
  const colon = path.lastIndexOf(':');
  const method = METHODS[path.slice(colon + 1)];
  const name = /^\/models\/(.+)$|^\/([^/]+\/.+)$/.exec(path.slice(0, Math.max(colon, 0)));
  if (!name || !method) return undefined;
  const model = decodeURIComponent(name[1] ?? name[2] ?? '');
  return { fields: { model, stream: method.stream }, counts: method.counts };
}
