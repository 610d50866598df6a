import type { Message } from '../../canon/request.ts';

const NINE = /^[a-zA-Z0-9]{9}$/;
const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

/** Two 32-bit FNV-1a hashes with different seeds: no secret is involved, only an even spread over 62⁹ ids is needed. */
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

/**
 * Maps a conversation's tool call ids to ids of nine alphanumerics: one that already fits stays as it is, every other gets one of
 * its own, the same for the call and its result (spec/providers C.2, UP-065).
 */
export function nineCharacterIds(messages: readonly Message[]): (id: string) => string {
  const ids = new Set<string>();
  for (const message of messages) {
    if (message.role === 'tool') ids.add(message.callId);
    if (message.role === 'assistant') for (const call of message.toolCalls) ids.add(call.id);
  }
  const taken = new Set([...ids].filter((id) => NINE.test(id)));
  const mapped = new Map<string, string>();
  for (const id of ids) {
    if (NINE.test(id)) continue;
    let candidate = nineCharacters(id);
    for (let again = 1; taken.has(candidate); again++) candidate = nineCharacters(`${id}#${again}`);
    taken.add(candidate);
    mapped.set(id, candidate);
  }
  return (id) => mapped.get(id) ?? id;
}
