import { asText, type JsonObject } from '../read.ts';

type Detail = JsonObject & { readonly type: string };

/** Members that are pieces of a text, by the kind of entry. */
const PIECES: Readonly<Record<string, string>> = { 'reasoning.text': 'text', 'reasoning.summary': 'summary' };

/** Whether an entry goes on what the one before it began: streamed pieces of one thought share their index. */
function continues(before: Detail | undefined, entry: Detail): before is Detail {
  return before !== undefined && entry.index != null && before.type === entry.type && before.index === entry.index;
}

/**
 * Thoughts as their maker gave them, where a client sends back the pieces of a stream as they came (spec/inference 1.8): text of one
 * index in one entry, with the last signature; a sealed thought once.
 */
export function mergedDetails(entries: readonly Detail[]): readonly Detail[] {
  const merged: Detail[] = [];
  const sealed = new Set<unknown>();
  for (const entry of entries) {
    const before = merged.at(-1);
    const piece = PIECES[entry.type];
    if (piece !== undefined && continues(before, entry)) {
      const signature = asText(entry.signature) ?? asText(before.signature);
      merged[merged.length - 1] = {
        ...before,
        ...(entry.id != null && { id: entry.id }),
        ...(entry.format != null && { format: entry.format }),
        [piece]: `${asText(before[piece]) ?? ''}${asText(entry[piece]) ?? ''}`,
        ...(signature !== undefined && { signature }),
      };
      continue;
    }
    if (entry.type === 'reasoning.encrypted') {
      const identity = entry.id ?? entry.data;
      if (sealed.has(identity)) continue;
      sealed.add(identity);
    }
    merged.push(entry);
  }
  return merged;
}
