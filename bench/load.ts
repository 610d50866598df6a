/** Sends requests, a fixed number at a time, reads every answer to its end and counts what came. Arguments: one JSON object. */
const { url, key, requests, concurrency, stream, chunks } = JSON.parse(process.argv[2] ?? '{}') as {
  url: string;
  key: string;
  requests: number;
  concurrency: number;
  stream: boolean;
  chunks: number;
};

const body = JSON.stringify({
  model: 'lab/one',
  ...(stream && { stream: true }),
  max_tokens: chunks,
  temperature: 0.7,
  messages: [
    { role: 'system', content: 'You are a helpful assistant.' },
    { role: 'user', content: 'Tell me about the Rhine, its towns and its history, in a few sentences.' },
  ],
});
const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
const result = { ok: 0, failed: 0, contents: 0 };
let left = requests;

async function worker(): Promise<void> {
  while (left-- > 0) {
    const response = await fetch(url, { method: 'POST', headers, body });
    const text = await response.text();
    const whole = stream ? text.trimEnd().endsWith('data: [DONE]') : text.includes('lazy dog');
    if (response.status === 200 && whole) result.ok += 1;
    else result.failed += 1;
    result.contents += stream ? text.split('" token"').length - 1 : 1;
  }
}
await Promise.all(Array.from({ length: concurrency }, worker));
process.stdout.write(JSON.stringify(result));
