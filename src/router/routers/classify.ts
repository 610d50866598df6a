import { mediaOf } from '../../canon/media.ts';
import type { GenerationRequest } from '../../canon/request.ts';
import type { AutoRouter, Task } from '../../catalogue/routers.ts';

/** Prompts beyond this many tokens are long. */
const LONG_TOKENS = 50_000;
/** What is looked at of a message: its beginning says what it is about. */
const LOOKED_AT = 4000;
/** A sign of the request says as much as this many words. */
const SIGN_WORTH = 2;

/** The latest words of the user; undefined where there are none. */
function latestWords({ messages }: GenerationRequest): string | undefined {
  const latest = messages.findLast(({ role }) => role === 'user');
  const said = latest?.parts.flatMap((part) => (part.kind === 'text' ? [part.text] : [])).join('\n') ?? '';
  return said.trim() === '' ? undefined : said.slice(0, LOOKED_AT);
}

const CODE = /```|^\s*(def|class|import|function|const|#include|SELECT)\b|[{};]\s*$|Traceback|Exception\b/m;

const SIGNS: {
  readonly [S in NonNullable<Task['sign']>]: (request: GenerationRequest, said: string, tokens: number) => boolean;
} = {
  code: (_, said) => CODE.test(said),
  tools: ({ tools }) => tools.length > 0,
  json: ({ output }) => output !== undefined && output.kind !== 'text',
  image: (request) => mediaOf(request).some(({ part }) => part.kind === 'image'),
  file: (request) => mediaOf(request).some(({ part }) => part.kind === 'file'),
  long: (_, __, tokens) => tokens > LONG_TOKENS,
};

/**
 * What a request is about, by words of its latest message and by what it holds: the table's own tasks, the one that most speaks for. No
 * model is asked, so it costs nothing and the same request is always the same task.
 * @returns undefined where there is nothing to tell it by
 */
export function taskOf(request: GenerationRequest, promptTokens: number, table: AutoRouter): string | undefined {
  const said = latestWords(request);
  if (said === undefined) return undefined;
  const words = new Set(said.toLowerCase().match(/[\p{L}\p{N}_]+/gu));
  let best: { id: string; worth: number } | undefined;
  for (const { id, words: wanted, sign } of table.task) {
    const found = wanted.reduce((sum, word) => sum + (words.has(word) ? 1 : 0), 0);
    const worth = found + (sign && SIGNS[sign](request, said, promptTokens) ? SIGN_WORTH : 0);
    if (worth > (best?.worth ?? 0)) best = { id, worth };
  }
  return best?.id ?? table.otherwise;
}
