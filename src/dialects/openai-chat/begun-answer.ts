import type { Message } from '../../canon/request.ts';
import type { Quirk, Target } from '../../canon/target.ts';

type Wire = Record<string, unknown>;

/** How a host is told that the last message is an answer to go on from (INF-032, UP-029): a mark on it, fields beside it, an address. */
interface Manner {
  readonly mark?: Wire;
  readonly beside?: Wire;
  readonly path?: string;
  /** Its answer begins with what was begun. */
  readonly echoes?: true;
}

const MANNERS: readonly (readonly [Quirk, Manner])[] = [
  ['prefix-prefill', { mark: { prefix: true }, echoes: true }],
  ['beta-prefill', { mark: { prefix: true }, path: '/beta/chat/completions' }],
  ['partial-prefill', { mark: { partial: true } }],
  ['final-message-prefill', { beside: { continue_final_message: true, add_generation_prompt: false } }],
];

/** The text of a trailing assistant message, which the model is to continue. */
function begunText(messages: readonly Message[]): string | undefined {
  const last = messages.at(-1);
  if (last?.role !== 'assistant' || last.toolCalls.length > 0) return undefined;
  return last.parts.map((part) => (part.kind === 'text' ? part.text : '')).join('');
}

/** What a begun answer changes in a request to this host, and what its answer is then to begin with. */
export function begunAnswer(
  turns: readonly Message[],
  { quirks }: Target,
): { readonly manner: Manner; readonly echo: string | undefined } | undefined {
  if (turns.at(-1)?.role !== 'assistant') return undefined;
  const manner = MANNERS.find(([quirk]) => quirks.has(quirk))?.[1];
  const text = manner && begunText(turns);
  return manner && text !== undefined ? { manner, echo: manner.echoes && text } : undefined;
}
