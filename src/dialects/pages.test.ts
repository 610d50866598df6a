import { describe, expect, it } from 'bun:test';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { messagesRequest } from './anthropic-messages/wire.ts';
import { converseRequest } from './bedrock-converse/wire.ts';
import { cohereRequest } from './cohere-v2/wire.ts';
import { generateRequest } from './gemini-generate/wire.ts';
import { ollamaChatRequest, ollamaGenerateRequest } from './ollama-chat/wire.ts';
import { chatRequest } from './openai-chat/wire.ts';
import { completionsRequest } from './openai-completions/wire.ts';
import { responsesRequest } from './openai-responses/wire.ts';
import { DIALECTS } from './registry.ts';

/** Pages of wires (docs/dialects) are written by hand; that none of a wire's fields is forgotten there is looked after here. */

interface Request {
  readonly shape: Readonly<Record<string, unknown>>;
}

const REQUESTS: Readonly<Record<string, readonly Request[]>> = {
  'openai-chat': [chatRequest],
  'openai-responses': [responsesRequest],
  'anthropic-messages': [messagesRequest],
  'gemini-generate': [generateRequest],
  'openai-completions': [completionsRequest],
  'ollama-chat': [ollamaChatRequest, ollamaGenerateRequest],
  'cohere-v2': [cohereRequest],
  'bedrock-converse': [converseRequest],
};

describe('pages of wires', () => {
  it('there is one for each', () => {
    expect(Object.keys(REQUESTS).sort()).toEqual(Object.keys(DIALECTS).sort());
  });

  for (const [id, requests] of Object.entries(REQUESTS)) {
    it(`the table of ${id} has every field of its request`, () => {
      const page = readFileSync(join(import.meta.dir, '../../docs/dialects', `${id}.md`), 'utf8');
      const rows = page.split('\n').filter((line) => line.startsWith('| '));
      const named = new Set(rows.flatMap((row) => [...row.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name)));
      const known = [...named].map((name) => name.split(/[.:[]/)[0] ?? name);
      const fields = requests.flatMap(({ shape }) => Object.keys(shape));
      expect(fields.filter((field) => !known.includes(field))).toEqual([]);
    });
  }
});
