import type { Message } from '../canon/request.ts';

/** What a wire or a host takes as a name, and how one that it refuses becomes one that it takes. */
export interface NameForm {
  readonly fits: RegExp;
  /** Always the same for the same text. */
  readonly made: (text: string) => string;
}

const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

/** Two 32-bit FNV-1a hashes with different seeds: no secret is involved, only an even spread over 62⁹ names is needed. */
function spread(text: string): bigint {
  let low = 0x811c9dc5;
  let high = 0xcbf29ce4;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    low = Math.imul(low ^ unit, 0x01000193) >>> 0;
    high = Math.imul(high ^ (unit + i), 0x01000193) >>> 0;
  }
  return (BigInt(high) << 32n) | BigInt(low);
}

/** Nine alphanumerics drawn from a text: always the same ones for the same text. */
export function nineCharacters(text: string): string {
  let rest = spread(text);
  let id = '';
  for (let i = 0; i < 9; i++) {
    id += ALPHABET[Number(rest % 62n)] ?? '0';
    rest /= 62n;
  }
  return id;
}

export const NINE_CHARACTERS: NameForm = { fits: /^[a-zA-Z0-9]{9}$/, made: nineCharacters };

/** What can be kept of a name, and nine characters of its own behind it. @param most characters that fit */
const kept =
  (most: number) =>
  (text: string): string => {
    const plain = text.replace(/[^a-zA-Z0-9_-]/g, '_').slice(0, most - 11);
    return `${/^[a-zA-Z_]/.test(plain) ? plain : `_${plain}`}_${nineCharacters(text)}`;
  };

export const LETTERS_64: NameForm = { fits: /^[a-zA-Z0-9_-]{1,64}$/, made: kept(64) };
export const LETTERS_128: NameForm = { fits: /^[a-zA-Z0-9_-]{1,128}$/, made: kept(128) };
/** Dots and colons too, a letter first. */
export const DOTTED_64: NameForm = { fits: /^[a-zA-Z_][a-zA-Z0-9_.:-]{0,63}$/, made: kept(64) };

/** Names that do not fit, each with one of its own that does; those that fit stay as they are and are nobody else's. */
export function rewritten(names: Iterable<string>, form: NameForm): ReadonlyMap<string, string> {
  const all = new Set(names);
  const taken = new Set([...all].filter((name) => form.fits.test(name)));
  const map = new Map<string, string>();
  for (const name of all) {
    if (taken.has(name)) continue;
    let own = form.made(name);
    for (let again = 1; taken.has(own); again++) own = form.made(`${name}#${again}`);
    taken.add(own);
    map.set(name, own);
  }
  return map;
}

/**
 * The ids of a conversation's tool calls as a host takes them: one that fits stays as it is, every other gets one of its own, the same
 * for the call and its result (spec/providers B.4.2, C.2).
 */
export function callIds(messages: readonly Message[], form: NameForm): (id: string) => string {
  const ids = messages.flatMap((message) => {
    if (message.role === 'tool') return [message.callId];
    return message.role === 'assistant' ? message.toolCalls.map(({ id }) => id) : [];
  });
  const map = rewritten(ids, form);
  return (id) => map.get(id) ?? id;
}
