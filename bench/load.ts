/**
 * Sends requests, a fixed number at a time, reads every answer to its end and counts what came; for streams also how late the pieces
 * were after each other. Arguments: one JSON object.
 */
export interface Load {
  readonly url: string;
  readonly key: string;
  readonly model: string;
  readonly wire: 'chat' | 'messages';
  readonly requests: number;
  readonly concurrency: number;
  readonly stream: boolean;
  /** Pieces of a stream's content. */
  readonly chunks: number;
  /** The pieces are arguments of a tool call. */
  readonly tools?: boolean;
  /** About how large the body is; small where nothing is said. */
  readonly bytes?: number;
}

export interface Loaded {
  readonly ok: number;
  readonly failed: number;
  readonly contents: number;
  /** The 99th percentile of the time between two reads of a stream. */
  readonly gapMsP99: number;
}

const WORDS =
  'the gateway reads a request, picks a provider and sends "tokens" back — as fast as it can;\nnaïve café 日本 '.split(
    ' ',
  );

/** Turns of two thousand characters in words of several scripts, as conversations have them. */
function turns(bytes: number): { role: string; content: string }[] {
  const made = [];
  for (let size = 0; size < bytes; ) {
    let content = '';
    for (let at = made.length; content.length < 2000; at = (at * 7 + 3) % 997)
      content += `${WORDS[at % WORDS.length]} `;
    made.push({ role: made.length % 2 === 0 ? 'user' : 'assistant', content });
    size += Buffer.byteLength(JSON.stringify(content));
  }
  return made;
}

export function bodyOf({ model, wire, stream, chunks, tools, bytes }: Omit<Load, 'url' | 'key'>): string {
  const system = 'You are a helpful assistant.';
  const question = { role: 'user', content: 'Tell me about the Rhine, its towns and its history, in a few sentences.' };
  const history = turns(bytes ?? 0);
  const parameters = { type: 'object', properties: {} };
  return JSON.stringify({
    model,
    ...(stream && { stream: true }),
    max_tokens: chunks,
    temperature: 0.7,
    ...(wire === 'messages' && { system }),
    messages: [...(wire === 'chat' ? [{ role: 'system', content: system }] : []), ...history, question],
    ...(tools && { tools: [{ type: 'function', function: { name: 'f', parameters } }] }),
  });
}

const CONTENT = /" token"|\\" token\\"/g;

async function main(load: Load): Promise<Loaded> {
  const { url, key, requests, concurrency, stream } = load;
  const body = bodyOf(load);
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
  const result = { ok: 0, failed: 0, contents: 0 };
  const gaps: number[] = [];
  let left = requests;

  const read = async (response: Response): Promise<string> => {
    if (!stream || !response.body) return response.text();
    const decoder = new TextDecoder();
    let text = '';
    let last: number | undefined;
    for await (const chunk of response.body) {
      const now = performance.now();
      if (last !== undefined) gaps.push(now - last);
      last = now;
      text += decoder.decode(chunk, { stream: true });
    }
    return text;
  };

  const worker = async (): Promise<void> => {
    while (left-- > 0) {
      const response = await fetch(url, { method: 'POST', headers, body });
      const text = await read(response);
      const end = load.wire === 'chat' ? 'data: [DONE]' : '"message_stop"}';
      const whole = stream ? text.trimEnd().endsWith(end) : text.includes('lazy dog');
      if (response.status === 200 && whole) result.ok += 1;
      else result.failed += 1;
      result.contents += stream ? (text.match(CONTENT)?.length ?? 0) : 1;
    }
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
  gaps.sort((a, b) => a - b);
  return { ...result, gapMsP99: gaps[Math.floor(gaps.length * 0.99)] ?? 0 };
}

if (import.meta.main) process.stdout.write(JSON.stringify(await main(JSON.parse(process.argv[2] ?? '{}') as Load)));
