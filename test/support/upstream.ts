import { FORGIVING } from './gateway.ts';

/** A provider under a test's control: it keeps what it was sent and answers what the test says. */
export interface Received {
  readonly body: Record<string, unknown>;
  readonly headers: Headers;
  /** Path and query as they came. */
  readonly path: string;
  /** Resolves when the caller hung up before the answer was over. */
  readonly aborted: Promise<void>;
}

export type Reply = (received: Received) => Response | Promise<Response>;

export class ScriptedUpstream {
  readonly received: Received[] = [];
  reply: Reply = () => whole('Hello');
  readonly #server = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    idleTimeout: 0,
    fetch: async (request) => {
      const aborted = new Promise<void>((resolve) => request.signal.addEventListener('abort', () => resolve()));
      const path = request.url.slice(new URL(request.url).origin.length);
      const body = (await request.json()) as Record<string, unknown>;
      const received = { body, headers: request.headers, path, aborted };
      this.received.push(received);
      return this.reply(received);
    },
  });

  get base(): string {
    return `http://127.0.0.1:${this.#server.port}/v1`;
  }

  get last(): Received {
    const last = this.received.at(-1);
    if (!last) throw new Error('nothing was received');
    return last;
  }

  async stop(): Promise<void> {
    await this.#server.stop(true);
  }
}

const USAGE = { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 };

export const whole = (content: string | null, more: Record<string, unknown> = {}): Response => {
  const { message, finish_reason = 'stop', ...rest } = more as { message?: object; finish_reason?: string | null };
  return Response.json({
    id: 'up-1',
    object: 'chat.completion',
    created: 1,
    model: 'upstream-model',
    choices: [{ index: 0, message: { role: 'assistant', content, ...message }, finish_reason }],
    usage: USAGE,
    ...rest,
  });
};

export const chunk = (delta: object, finish: string | null = null, more: object = {}): string =>
  `data: ${JSON.stringify({ id: 'up-1', object: 'chat.completion.chunk', created: 1, model: 'm', choices: [{ index: 0, delta, finish_reason: finish }], ...more })}\n\n`;

export const usageChunk = (usage: object = USAGE): string =>
  `data: ${JSON.stringify({ id: 'up-1', object: 'chat.completion.chunk', created: 1, model: 'm', choices: [], usage })}\n\n`;

export const DONE = 'data: [DONE]\n\n';

/** A stream of the given texts; a number between them is a pause in milliseconds, `hang` is silence until the caller leaves. */
export function stream(...steps: readonly (string | number | 'hang')[]): Response {
  const encoder = new TextEncoder();
  async function* body(): AsyncGenerator<Uint8Array> {
    for (const step of steps) {
      if (step === 'hang') await new Promise(() => {});
      else if (typeof step === 'number') await Bun.sleep(step);
      else yield encoder.encode(step);
    }
  }
  return new Response(body() as unknown as ReadableStream, { headers: { 'content-type': 'text/event-stream' } });
}

export const hello = (): Response =>
  stream(
    chunk({ role: 'assistant', content: '' }),
    chunk({ content: 'Hello' }),
    chunk({ content: ' there' }),
    chunk({}, 'stop'),
    usageChunk(),
    DONE,
  );

/** turnpike.yaml for one custom provider `mine` with one model, priced at a dollar a million each way. */
export const customProvider = (base: string, more = '', limits = `limits: ${JSON.stringify(FORGIVING)}`): string => `
${limits}
providers:
  mine:
    name: Mine
    base_url: ${base}
    api_key: sk-upstream
    endpoints:
      - { model: lab/one, upstream_model: one, context_length: 100000, max_completion_tokens: 10000, pricing: { prompt: "0.000001", completion: "0.000002" } }
${more}
`;

/** The frames of an SSE text: comments apart, data parsed, `[DONE]` as it is. */
export function readFrames(text: string): {
  readonly data: readonly Record<string, any>[];
  readonly comments: readonly string[];
  readonly done: boolean;
} {
  const blocks = text.split('\n\n').filter((block) => block !== '');
  const payloads = blocks.filter((block) => block.startsWith('data: ')).map((block) => block.slice(6));
  return {
    data: payloads.filter((payload) => payload !== '[DONE]').map((payload) => JSON.parse(payload)),
    comments: blocks.filter((block) => block.startsWith(':')),
    done: payloads.at(-1) === '[DONE]' && payloads.filter((payload) => payload === '[DONE]').length === 1,
  };
}
